"""Functions side by side in one process, each stopped before every step of the file system: which goes on is chosen."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

_SECONDS = 20


class Interleaving:
    """Runs functions as threads, one of them at a time. ``stop_here`` is called in them, before each of their steps."""

    def __init__(self, functions: Sequence[Callable[[], None]] = ()) -> None:
        self._actors = [_Actor(function) for function in functions]

    def add(self, function: Callable[[], None]) -> None:
        """One function more, stopped before its first step."""
        self._actors.append(_Actor(function))

    @staticmethod
    def stop_here() -> None:
        """Wait until this function is chosen; at once in a thread that is none of them."""
        actor = threading.current_thread()
        if isinstance(actor, _Actor):
            actor.pause()

    def run(self, choose: Callable[[list[int]], int]) -> None:
        """Until all have ended: ``choose`` picks, of those that have not, whose next step is taken."""
        for actor in self._actors:
            actor.start()
            actor.wait_until_stopped()
        while waiting := [number for number, actor in enumerate(self._actors) if not actor.has_ended]:
            actor = self._actors[choose(waiting)]
            actor.go_on()
            actor.wait_until_stopped()
        for actor in self._actors:
            actor.join(_SECONDS)
            if actor.failure is not None:
                raise actor.failure


class _Actor(threading.Thread):
    def __init__(self, function: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self._function = function
        self._may_go, self._is_stopped = threading.Semaphore(0), threading.Semaphore(0)
        self.has_ended = False
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            self._function()
        except BaseException as failure:
            self.failure = failure
        self.has_ended = True
        self._is_stopped.release()

    def pause(self) -> None:
        self._is_stopped.release()
        self._may_go.acquire()

    def go_on(self) -> None:
        self._may_go.release()

    def wait_until_stopped(self) -> None:
        assert self._is_stopped.acquire(timeout=_SECONDS)
