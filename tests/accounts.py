"""A second account of this machine, and commands that run as it."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def another_account() -> Iterator[pwd.struct_passwd]:
    """An account that may nothing special; its home is removed with it. Where the tests do not run as root, their own:
    only root makes accounts."""
    if os.geteuid() != 0:
        yield pwd.getpwuid(os.geteuid())
        return
    name = f"skytier-{os.getpid()}"
    subprocess.run(["useradd", "--create-home", "--shell", "/bin/bash", name], check=True)
    try:
        yield pwd.getpwnam(name)
    finally:
        subprocess.run(["userdel", "--remove", "--force", name], check=True, capture_output=True)


def open_to_others(paths: Iterable[Path]) -> list[Path]:
    """Those that the group or everybody may read, write or enter; links and what has gone meanwhile are not."""
    return [path for path in paths if _mode(path) & 0o077]


def _mode(path: Path) -> int:
    try:
        return 0 if path.is_symlink() else stat.S_IMODE(path.stat().st_mode)
    except (FileNotFoundError, ProcessLookupError):
        return 0
