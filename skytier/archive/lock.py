"""One process at a time takes a step of the archive."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from skytier import logs
from skytier.exclusive import exclusively
from skytier.settings import home

log = logs.logger("archive")


@contextmanager
def alone() -> Iterator[None]:
    """No other step of the archive is taken on this machine meanwhile."""
    waits = "another step of the archive is under way; this one waits"
    with exclusively(home() / "run" / "archive.lock", on_wait=lambda: log.info(waits)):
        yield
