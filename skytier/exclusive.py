"""One process at a time on this machine, by the name of its work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from skytier import logs
from skytier.file_lock import file_lock
from skytier.settings.base import home

MINUTE_JOB, ARCHIVE = "process_flight_events", "archive"
log = logs.logger("exclusive")


@contextmanager
def alone_at(work: str) -> Iterator[None]:
    """Run the block while no other process of this stack is at the same work, by its name; wait for one that is."""
    lock_file = home() / "run" / f"{work}.lock"
    with file_lock(lock_file, on_wait=lambda: log.info("another process is at it; this one waits", work=work)):
        yield
