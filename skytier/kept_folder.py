"""A folder that is made once and then used by all processes of this machine."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from skytier.exclusive import exclusively


def kept_folder(
    folder: Path,
    make: Callable[[Path], object],
    *,
    on_wait: Callable[[], None],
    on_found: Callable[[], None] = lambda: None,
    is_whole: Callable[[Path], bool] = Path.exists,
) -> Path:
    """The folder as it was kept, or, where it is not there or not whole, as ``make`` fills it now.

    ``make`` fills a folder aside, which takes the place in one step: cut off, it leaves nothing to be found. Of several
    processes one makes it; the others call ``on_wait`` and wait. ``on_found`` is called when nothing had to be made.
    """
    aside = folder.parent / f"_{folder.name}"
    with exclusively(folder.parent / f".{folder.name}.lock", on_wait):
        if is_whole(folder):
            on_found()
            return folder
        shutil.rmtree(aside, ignore_errors=True)  # of a process that was killed
        aside.mkdir()
        try:
            make(aside)
            shutil.rmtree(folder, ignore_errors=True)
            aside.rename(folder)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return folder
