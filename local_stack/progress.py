"""What ``up`` and ``down`` show: a line for each server with its seconds; on a terminal also what is waited for."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType

from rich.console import Console
from rich.status import Status

from skytier import terminal


class Progress:
    """Lines on standard error, so that standard output stays for results."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or terminal.console(sys.stderr)
        self._status: Status | None = None
        self._waiting: list[str] = []
        self._lock = threading.Lock()
        self._began = time.monotonic()

    def __enter__(self) -> Progress:
        if self._console.is_terminal:
            self._status = self._console.status("")
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status:
            self._status.stop()

    def begin(self, name: str) -> None:
        """Something is being waited for."""
        with self._lock:
            self._waiting.append(name)
            self._show()

    def done(self, name: str, what: str, seconds: float, note: str) -> None:
        """Something has come to its end."""
        with self._lock:
            if name in self._waiting:
                self._waiting.remove(name)
            self._console.print(f"  {name:<20} {what:<12} {seconds:5.1f} s  {note}".rstrip())
            self._show()

    def note(self, name: str, what: str, seconds: float, note: str) -> None:
        """Something has happened to what is still being waited for."""
        with self._lock:
            self._console.print(f"  {name:<20} {what:<12} {seconds:5.1f} s  {note}".rstrip())

    def total(self, what: str) -> None:
        """The last line: what all of it took."""
        self._console.print(f"{what} in {time.monotonic() - self._began:.1f} s")

    def _show(self) -> None:
        if self._status:
            self._status.update(f"waiting for {', '.join(self._waiting)}" if self._waiting else "")
