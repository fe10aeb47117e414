"""Publishing and processing as a user does it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from skytier.settings import PROJECT_ROOT
from tests import stores
from tests.own_stack import OwnStack

JANUARY = (date(2013, 1, 1), date(2013, 1, 31))


def run(stack: OwnStack, *arguments: str, **settings: str) -> str:
    """A command of ours, with other settings, that must end well; what it printed."""
    done = stack.run_with(stack.environment() | settings, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Driver:
    """A driver of minute jobs that stays: each run is the job's own, only the JVM is not started for it."""

    def __init__(self, stack: OwnStack) -> None:
        """Start it; the first run is answered when it is up."""
        self._alone = threading.Lock()
        self._log = stack.home / "logs" / "minute-driver.log"
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.minute_driver"],
                env=stack.environment(),
                cwd=PROJECT_ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdin
        assert self._process.stdout
        self._questions, self._answers = self._process.stdin, self._process.stdout

    def run(self, settings: dict[str, str]) -> None:
        """One minute job with these settings to its end, which must be a good one."""
        with self._alone:
            print(json.dumps(settings), file=self._questions, flush=True)
            answer = self._answers.readline()
        assert answer, f"The driver of the minute jobs died: {self._log}"
        failure = json.loads(answer)
        assert failure is None, failure

    def end(self) -> None:
        """Wait until it is gone."""
        self._questions.close()
        self._process.wait()
        self._answers.close()


_DRIVERS: dict[Path, Driver | None] = {}


@contextmanager
def one_driver(stack: OwnStack) -> Iterator[None]:
    """Within the block the stack's minute jobs share a driver, which the first of them starts."""
    _DRIVERS[stack.home] = None
    try:
        yield
    finally:
        end_driver(stack)
        del _DRIVERS[stack.home]


def end_driver(stack: OwnStack) -> None:
    """No process of the stack is left of minute jobs; the next one starts a driver again."""
    if driver := _DRIVERS[stack.home]:
        driver.end()
    _DRIVERS[stack.home] = None


def by_command(stack: OwnStack, **settings: str) -> None:
    """Everything new in Kafka through both tiers, as a user does it, with other settings."""
    run(stack, "process", **settings)


def drain(stack: OwnStack, **settings: str) -> None:
    """The same by the driver that stays, where there may be one."""
    if stack.home not in _DRIVERS:
        by_command(stack, **settings)
    else:
        driver = _DRIVERS[stack.home] = _DRIVERS[stack.home] or Driver(stack)
        driver.run(settings)


def take(stack: OwnStack, by: Callable[[OwnStack], None] = drain) -> None:
    """One minute job, and its books checked."""
    by(stack)
    run(stack, "books", "check")


def process(stack: OwnStack, by: Callable[[OwnStack], None] = drain) -> dict[str, int]:
    """One minute job; what it added to the books."""
    before = stores.totals()
    take(stack, by)
    return {name: total - before[name] for name, total in stores.totals().items()}


def publish_january(stack: OwnStack) -> None:
    """The real flights of January."""
    run(stack, "replay", "--from", JANUARY[0].isoformat(), "--to", JANUARY[1].isoformat())
