"""One process at a time on this machine, by a lock that goes with the process that holds it, however it ends."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from skytier import logs
from skytier.settings.base import home

MINUTE_JOB, ARCHIVE = "process_flight_events", "archive"
"""works at which one process of a stack is at a time"""

log = logs.logger("exclusive")


@contextmanager
def exclusively(lock_file: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Run the block while no other process runs one with the same file.

    ``on_wait`` is called once when the lock is taken; it may raise to give up instead of waiting.
    """
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    with lock_file.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def alone_at(work: str) -> Iterator[None]:
    """Run the block while no other process of this stack is at the same work, by its name; wait for one that is."""
    lock_file = home() / "run" / f"{work}.lock"
    with exclusively(lock_file, on_wait=lambda: log.info("another process is at it; this one waits", work=work)):
        yield
