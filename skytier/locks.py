"""What one process of all machines does at a time: each work under a lease of its own, on HDFS.

Whoever holds the lease changes HDFS by ``Lease.files``, and asks ``Lease.require`` before it changes another store.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from skytier import logs
from skytier.errors import LeaseLostError, SkytierError
from skytier.files import Files
from skytier.lease import Contender, Lease
from skytier.settings.leases import LeaseSettings

PROCESS, RECONCILIATION, ARCHIVE = "process", "reconciliation", "archive"
MAINTENANCE, MIGRATION = "maintenance", "migration"
"""works at which one process is at a time"""
_POLL_SECONDS = 0.2
_RENEWALS = 3  # in the time that a lease holds
log = logs.logger("locks")


@contextmanager
def lease(work: str, *, pipeline: str = "", files: Files | None = None) -> Iterator[Lease]:
    """Run the block while no other process, of whatever machine, is at the same work; wait for one that is.

    With ``pipeline`` it is the work of this pipeline, and others go on beside it. An ordinary error releases the lease;
    a process that is being ended keeps it, and the next holder takes over.
    """
    seconds, all_files = LeaseSettings().seconds, files or Files()
    held = _acquired(Contender(all_files, f"{work}.{pipeline}" if pipeline else work, seconds))
    try:
        with _renewed(held, seconds):
            yield held
    except Exception:
        held.release()
        raise
    except BaseException:
        held.give_up()
        raise
    held.release()


def _acquired(contender: Contender) -> Lease:
    is_told = False
    while (held := contender.acquire()) is None:
        if not is_told:
            log.info("waiting for the lease", lease=contender.name, **contender.holder_fields())
            is_told = True
        time.sleep(_POLL_SECONDS)
    return held


@contextmanager
def _renewed(held: Lease, seconds: float) -> Iterator[None]:
    """Renew the lease while the block runs; first of all say who holds it, for which the block does not wait."""
    ended = threading.Event()

    def renew() -> None:
        step: Callable[[], None] = partial(held.announce, seconds)
        while True:
            try:
                step()
                step = held.renew
            except LeaseLostError as error:
                log.error("lease lost", lease=held.name, token=held.token, reason=str(error))
                return
            except SkytierError as error:
                log.warning("lease not renewed", lease=held.name, token=held.token, reason=str(error))
            if ended.wait(seconds / _RENEWALS):
                return

    thread = threading.Thread(target=renew, name=f"lease {held.name}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
