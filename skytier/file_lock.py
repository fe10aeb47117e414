"""One process at a time on this machine: a lock of the operating system, which goes with the process that holds it.

For what belongs to one machine: the servers of a home, compiled classes, caches. What several machines share is under a
lease (``skytier.locks``).
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def file_lock(lock_file: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Run the block while no other process of this machine runs one with the same file.

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
