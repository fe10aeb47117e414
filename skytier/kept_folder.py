"""Folders that are complete or not there, and those that are made once for all processes of this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from skytier.exclusive import exclusively


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A path to make a folder at, which takes its place in one step at the end: cut off, it leaves nothing to be found.

    The path is of this process alone: a tool that a killed process had started goes on writing to its own.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    for left in folder.parent.glob(f"{folder.name}.*.new"):
        shutil.rmtree(left, ignore_errors=True)  # of a process that was killed; its tool may be at it still
    aside = folder.with_name(f"{folder.name}.{os.getpid()}.new")
    try:
        yield aside
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def kept_folder(
    folder: Path,
    make: Callable[[Path], object],
    *,
    on_wait: Callable[[], None],
    on_found: Callable[[], None] = lambda: None,
    is_whole: Callable[[Path], bool] = Path.exists,
) -> Path:
    """The folder as it was kept, or, where it is not there or not whole, as ``make`` fills it now.

    Of several processes one makes it; the others call ``on_wait`` and wait. ``on_found`` is called when nothing had to
    be made.
    """
    with exclusively(folder.parent / f".{folder.name}.lock", on_wait):
        if is_whole(folder):
            on_found()
            return folder
        with new_folder(folder) as aside:
            aside.mkdir()
            make(aside)
            shutil.rmtree(folder, ignore_errors=True)
    return folder
