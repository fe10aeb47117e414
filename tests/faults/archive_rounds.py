"""Archive runs killed at random moments while events stream in: ``python -m tests.faults.archive_rounds``.

Every run is killed with SIGKILL, all of its processes, in a state that is due by turn, after a random delay; then the
next run takes it up. Meanwhile the minute job goes on over a stream of events with late and repeated ones. In the end
hot and archived together must be exactly what was sent, by id and by content.
"""

from __future__ import annotations

import json
import random
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, Any

import pandas as pd
import psutil
from cyclopts import App, Parameter

from generator.publisher import Publisher
from generator.records import Record
from generator.synthetic import Plan, Rates, synthetic
from skytier.archive.manifest import State
from skytier.archive.protocol import NEXT
from skytier.settings.kafka import KafkaSettings
from tests import archives
from tests.archive_runs import size_mb
from tests.flights_archive import on_hdfs
from tests.minute_job import take
from tests.own_stack import BY_SPARK_SUBMIT, SKYTIER, WITHOUT, OwnStack, own_stack, settings_of

RATES = Rates(late=0.10, duplicate=0.05)
# Seconds that a run stays in each state, about: a kill comes somewhere in it.
STAYS = {State.PLANNED: 7.0, State.EXPORTED: 4.0, State.VERIFIED: 3.0, State.PUBLISHED: 3.0, State.PURGED: 1.5}
SETTINGS = {
    "SKYTIER_ARCHIVE_LOW_WATER_PCT": "80",
    "SKYTIER_ARCHIVE_GRACE_SECONDS": "1",
    "SKYTIER_ARCHIVE_SETTLE_SECONDS": "1",
    "SKYTIER_ARCHIVE_DOCUMENTS_PER_RANGE": "2000",
}
WAIT_SECONDS = 300
PAUSE_SECONDS = 5.0
Report = Callable[[str], object]

app = App(help="Archive runs killed at random moments, on a stack of its own.")


@contextmanager
def streaming(events: int, per_second: int, seed: int) -> Iterator[threading.Event]:
    """Publish events at a rate until the block ends; the event given is set when all were sent."""
    done, stop = threading.Event(), threading.Event()
    start = pd.Timestamp("2014-01-01", tz="UTC")
    plan = Plan(events, seed, start, RATES, flights_per_day=2000.0, latest=pd.Timestamp.now("UTC").floor("s"))

    def paced() -> Iterator[list[Record]]:
        began, sent = time.monotonic(), 0
        for batch in synthetic(plan):
            for first in range(0, len(batch), per_second):
                part = batch[first : first + per_second]
                stop.wait(max(0.0, began + sent / per_second - time.monotonic()))
                if stop.is_set():
                    return
                sent += len(part)
                yield part

    def publish() -> None:
        kafka = KafkaSettings()
        Publisher(kafka.topic, kafka).publish(paced(), threading.Event())
        done.set()

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        yield done
    finally:
        stop.set()
        thread.join()


@contextmanager
def minute_jobs(stack: OwnStack, pause_seconds: float = PAUSE_SECONDS) -> Iterator[list[str]]:
    """Process, reconcile and pause, again and again until the block ends; what went wrong."""
    stop, errors = threading.Event(), list[str]()

    def work() -> None:
        while not stop.is_set():
            errors.extend(_processed(stack))
            stop.wait(pause_seconds)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield errors
    finally:
        stop.set()
        thread.join()


def _processed(stack: OwnStack) -> list[str]:
    """One minute job and its reconciliation; what they said where they failed."""
    try:
        take(stack)
    except AssertionError as error:
        return [str(error)]
    return []


def killed_in(environment: dict[str, str], state: State, rng: random.Random) -> State | None:
    """Start a run and kill all its processes some time after the archive came into a state; where it stood then.

    None when it ended before.
    """
    known = on_hdfs()
    command = [SKYTIER, "archive", "run"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        while run.poll() is None and ((now := known.open()) is None or now.state is not state):
            time.sleep(0.1)
        with suppress(subprocess.TimeoutExpired):
            run.wait(rng.uniform(0, STAYS[state]))
        if run.poll() is not None:
            return None
        kill_all(run.pid)
    now = known.open()
    return now.state if now else None


def kill_all(pid: int) -> None:
    """SIGKILL for a process and all that it started."""
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        for process in [parent, *parent.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                process.kill()


def over_limit(limit_mb: float) -> None:
    """Wait until there is something to archive."""
    deadline = time.monotonic() + WAIT_SECONDS
    while size_mb() <= limit_mb:
        assert time.monotonic() < deadline, "the hot tier does not grow over its limit"
        time.sleep(1)


def finish(stack: OwnStack, environment: dict[str, str]) -> None:
    """A run to its end: what the next one after a kill does."""
    done = stack.run_with(environment, "archive", "run")
    assert done.returncode == 0, done.stderr


def rounds(
    stack: OwnStack,
    runs: int,
    per_second: int,
    limit_mb: float,
    *,
    seed: int = 1,
    pause_seconds: float = PAUSE_SECONDS,
    report: Report = lambda _: None,
) -> dict[str, Any]:
    """So many runs, each killed once, beside minute jobs with some seconds between them.

    Returns the kills by state, and how many events are where in the end.
    """
    rng, kills = random.Random(seed), Counter[str]()
    environment = stack.environment() | SETTINGS | {"SKYTIER_ARCHIVE_LIMIT_MB": str(limit_mb)}
    states = list(NEXT)
    with streaming(runs * 60 * per_second + 100_000, per_second, seed), minute_jobs(stack, pause_seconds) as errors:
        while sum(kills.values()) < runs:
            assert not errors, errors
            over_limit(limit_mb)
            if state := killed_in(environment | BY_SPARK_SUBMIT, states[sum(kills.values()) % len(states)], rng):
                kills[str(state)] += 1
            finish(stack, environment)
            report(f"{sum(kills.values())} of {runs} runs killed: {dict(kills)}")
    assert not (failed := _processed(stack)), failed
    finish(stack, environment)
    return {"kills": dict(kills)} | archives.check_all_there_once()


@app.default
def main(
    *,
    runs: Annotated[int, Parameter(help="archive runs, each killed once")] = 60,
    per_second: Annotated[int, Parameter(help="events published in a second")] = 500,
    limit_mb: Annotated[float, Parameter(help="size of the hot tier that starts a run")] = 60,
    seed: int = 1,
) -> None:
    """Run all rounds and print the tally; exit status 1 when anything is lost, doubled or changed."""
    with own_stack("archive-rounds") as stack, settings_of(stack):
        stack.up(without=WITHOUT)
        tally = rounds(stack, runs, per_second, limit_mb, seed=seed, report=lambda line: print(line, flush=True))
    print(json.dumps(tally))


if __name__ == "__main__":
    app()
