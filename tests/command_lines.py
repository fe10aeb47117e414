"""The command lines of all processes of this machine, looked at all the time: some last for a moment only."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from types import TracebackType

import psutil

_EVERY_SECONDS = 0.5


class CommandLines:
    """Collects them in a thread of its own, from entering the block to leaving it."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)

    def __enter__(self) -> CommandLines:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _look_on(self) -> None:
        known: set[int] = set()
        while not self._over.wait(_EVERY_SECONDS):
            running = set(psutil.pids())
            for pid in running - known:
                with suppress(psutil.Error):
                    self.seen.add(" ".join(psutil.Process(pid).cmdline()))
            # One that was just forked has the command line of its parent: it is looked at again.
            known = running & known | {pid for pid in running - known if _is_settled(pid)}


def _is_settled(pid: int) -> bool:
    with suppress(psutil.Error):
        return time.time() - psutil.Process(pid).create_time() > 2 * _EVERY_SECONDS
    return False
