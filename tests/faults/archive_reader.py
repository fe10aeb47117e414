"""Readers that count over both tiers while archives run: ``python -m tests.faults.archive_reader``.

The events are all there before; runs move them slice by slice, and now and then an archive is restored and sent back.
Every count, whenever it began, must be exactly the number of events.
"""

from __future__ import annotations

import functools
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

from cyclopts import App, Parameter

from skytier.sql import Connection
from tests.archive_runs import VIEW, size_mb
from tests.minute_job import run, take
from tests.own_stack import WITHOUT, OwnStack, own_stack, settings_of

READERS = 2
# A checkpoint of MongoDB just then makes the indexes smaller, and the hot tier is within the limit.
ATTEMPTS = 5
SETTINGS = {
    "SKYTIER_ARCHIVE_GRACE_SECONDS": "10",
    "SKYTIER_ARCHIVE_SETTLE_SECONDS": "3",
    "SKYTIER_ARCHIVE_MINIMUM_AGE_HOURS": "0",
    "SKYTIER_ARCHIVE_LOW_WATER_PCT": "97",
}

Report = Callable[[str], object]

app = App(help="Readers that count over both tiers while archives run, on a stack of its own.")


@contextmanager
def reading(sessions: int) -> Iterator[Counter[tuple[int, int]]]:
    """Count in a loop, in so many sessions, until the block ends; how often each answer came."""
    stop, answers, lock = threading.Event(), Counter[tuple[int, int]](), threading.Lock()

    def read() -> None:
        with Connection() as connection:
            while not stop.is_set():
                (answer,) = connection.query(VIEW).rows
                with lock:
                    answers[answer] += 1

    readers = [threading.Thread(target=read) for _ in range(sessions)]
    for reader in readers:
        reader.start()
    try:
        yield answers
    finally:
        stop.set()
        for reader in readers:
            reader.join()


def archive_slice(stack: OwnStack) -> str:
    """One run that moves some of the oldest events; its archive."""
    for _ in range(ATTEMPTS):
        environment = stack.environment() | SETTINGS | {"SKYTIER_ARCHIVE_LIMIT_MB": str(size_mb() - 0.001)}
        done = stack.run_with(environment, "archive", "run", "--json")
        assert done.returncode == 0, done.stderr
        if (manifest := json.loads(done.stdout)) is not None:
            return str(manifest["archive_id"])
    raise AssertionError("No run found the hot tier above a limit that was just below its size.")


def restore_and_return(stack: OwnStack, archive_id: str) -> None:
    """An archive back into the hot tier, and out of it again by the next run."""
    environment = stack.environment() | SETTINGS
    for command in (("restore", archive_id), ("unpin", archive_id), ("run",)):
        done = stack.run_with(environment, "archive", *command)
        assert done.returncode == 0, done.stderr


def count_meanwhile(
    stack: OwnStack,
    events: int,
    counts: int,
    runs: int,
    restore_every: int,
    *,
    readers: int = READERS,
    report: Report = lambda _: None,
) -> Counter[tuple[int, int]]:
    """Archive so many slices while readers count, and go on until there are so many counts; the answers."""
    with reading(readers) as answers:
        for number in range(1, runs + 1):
            archive_id = archive_slice(stack)
            if number % restore_every == 0:
                restore_and_return(stack, archive_id)
            report(f"{number} of {runs} runs, {sum(answers.values())} counts: {dict(answers)}")
        while sum(answers.values()) < counts:
            time.sleep(0.5)
    assert set(answers) == {(events, events)}, dict(answers)
    return answers


@app.default
def main(
    *,
    events: Annotated[int, Parameter(help="events in the tiers")] = 30_000,
    counts: Annotated[int, Parameter(help="counts at least")] = 1_000,
    runs: Annotated[int, Parameter(help="archive runs")] = 20,
) -> None:
    """Count while archives run; exit status 1 when a single count is wrong."""
    with own_stack("archive-reader") as stack, settings_of(stack):
        stack.up(without=WITHOUT)
        run(stack, "synthesize", "--events", str(events))
        take(stack)
        say = functools.partial(print, flush=True)
        answers = count_meanwhile(stack, events, counts, runs, restore_every=5, report=say)
    print(f"{sum(answers.values())} counts over {runs} runs, each of {events} events.")


if __name__ == "__main__":
    app()
