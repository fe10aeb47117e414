"""Directories that are complete or absent, and directories that one process makes for all others of this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from skytier.file_lock import file_lock


@contextmanager
def atomic_dir(target: Path) -> Iterator[Path]:
    """Yield a temporary path to make a directory at; it is renamed to ``target`` at the end of the block.

    If the block fails or the process dies, ``target`` does not exist. The temporary path contains the process id: a
    tool that a killed process had started continues to write to its own path.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(f"{target.name}.*.new"):
        shutil.rmtree(left, ignore_errors=True)  # of a killed process, whose tool may still write to it
    temporary = target.with_name(f"{target.name}.{os.getpid()}.new")
    try:
        yield temporary
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def cached_dir(
    target: Path,
    make: Callable[[Path], object],
    *,
    on_wait: Callable[[], None],
    on_found: Callable[[], None] = lambda: None,
    is_complete: Callable[[Path], bool] = Path.exists,
) -> Path:
    """Return ``target``; if it is absent or incomplete, ``make`` fills it first.

    One process makes it; the others call ``on_wait`` and wait. ``on_found`` is called if it was there already.
    """
    with file_lock(target.parent / f".{target.name}.lock", on_wait):
        if is_complete(target):
            on_found()
            return target
        with atomic_dir(target) as temporary:
            temporary.mkdir()
            make(temporary)
            shutil.rmtree(target, ignore_errors=True)
    return target
