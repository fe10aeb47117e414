"""A second pipeline beside flights on a fresh warehouse, with the same batch ids, each killed: both are exact."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from events.pipelines import flights
from skytier import faults, hot_tier, spark
from skytier.files import Files
from skytier.pipeline.batch_ids import Marks
from skytier.pipeline.reconcile import Reconciliation
from skytier.pipeline.spec import Pipeline
from skytier.settings.base import PROJECT_ROOT
from skytier.sql import Connection, query
from tests import pings, stores
from tests.minute_job import run, take
from tests.own_stack import BY_SPARK_SUBMIT, OwnStack
from tests.pings import PINGS

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1200)]

POINTS = (
    "before:raw",
    "after:raw",
    "after:ping_events",
    "after:ping_strengths",
    "after:ping_rejected",
    "after:hot_tier",
    "after:dead_letters",
    "after:batch_metadata",
    "after:mark",
)
SENT, AGAIN, RUBBISH = 300, 40, 7


@dataclass(frozen=True)
class Held:
    """What the stores hold of the pings."""

    events: Counter[str]
    strong: Counter[str]
    hot: Counter[str]
    rejected: int
    dead: int


def held() -> Held:
    with hot_tier.client() as connection:
        documents = hot_tier.collection(connection, PINGS.collection).find({}, {"event_id": 1})
        found = Counter(document["event_id"] for document in documents)
    return Held(
        Counter(row[0] for row in query("SELECT event_id FROM flight_dw.ping_events").rows),
        Counter(row[0] for row in query("SELECT event_id FROM flight_dw.ping_strengths").rows),
        found,
        query("SELECT count(*) FROM flight_dw.ping_rejected").rows[0][0],
        len({value for _, _, value in stores.topic_records(PINGS.dead_letter_topic)}),
    )


def pings_job(stack: OwnStack, **settings: str) -> int:
    """Run the job of the pings; its exit status."""
    environment = stack.environment() | settings
    by_itself = str(Path(sys.executable).parent / "spark-submit")
    submit = shlex.split(environment.get("SKYTIER_SPARK_SUBMIT", "")) or [by_itself]
    script = str(PROJECT_ROOT / "tests" / "pings.py")
    command = [*submit, "--properties-file", str(spark.job_properties_file()), script]
    done = subprocess.run(
        command, env=environment | spark.job_variables(), capture_output=True, check=False, timeout=300
    )
    return done.returncode


def batches(pipeline: Pipeline) -> set[int]:
    return {row[0] for row in query(f"SELECT batch_id FROM flight_dw.{pipeline.tables.batches}").rows}


@pytest.mark.empty
def test_both_are_exact_though_each_is_killed_at_every_point(stack: OwnStack) -> None:
    pings.set_up()
    totals, known = stores.totals(), {store: stores.ids(store, "synthetic") for store in stores.STORES}
    run(stack, "synthesize", "--events", "200", "--seed", "3", "--start", "2013-03-01T00:00:00Z")
    pings.publish(range(SENT), RUBBISH)
    for point in POINTS:
        assert pings_job(stack, **BY_SPARK_SUBMIT, **{faults.VARIABLE: point}) != 0, f"not killed at {point}"
    take(stack)  # the flights of a warehouse in which a batch of the same id is complete, or half-written
    assert pings_job(stack) == 0
    pings.publish(range(SENT - AGAIN, SENT + AGAIN))
    assert pings_job(stack) == 0
    both = Counter(f"ping-{number}" for number in range(SENT + AGAIN))
    strong = Counter(f"ping-{number}" for number in range(SENT + AGAIN) if number % 100 > 50)
    assert held() == Held(both, strong, both, RUBBISH, RUBBISH)
    added = {name: total - totals[name] for name, total in stores.totals().items()}
    assert added == {"consumed": 200, "stored": 200, "duplicates": 0, "rejected": 0}
    new = [Counter(stores.ids(store, "synthetic")) - Counter(ids) for store, ids in known.items()]
    assert new[0] == new[1] == new[2]
    assert (len(new[0]), new[0].total()) == (200, 200)
    check_apart()


def check_apart() -> None:
    """The same batch ids, each with marks and reconciliation of its own."""
    shared = batches(flights()) & batches(PINGS)
    assert shared
    sums = "sum(consumed), sum(stored), sum(duplicates), sum(rejected)"
    counted = query(f"SELECT {sums} FROM flight_dw.{PINGS.tables.batches}").rows
    assert counted == [(SENT + RUBBISH + 2 * AGAIN, SENT + AGAIN, AGAIN, RUBBISH)]
    files = Files()
    for pipeline in (flights(), PINGS):
        assert all(Marks(files, pipeline).has(batch) for batch in shared)
    with Connection() as connection, hot_tier.client() as hot:
        report = Reconciliation(PINGS, connection, files).check(hot)
    assert (len(report.checked), report.differences) == (2, [])


def test_flights_whose_checkpoint_is_lost_forget_no_batch_of_the_pings(stack: OwnStack) -> None:
    """What flights half-wrote is deleted then, by batch id: those of the pings are the same, or higher."""
    before = held()
    assert before.events.total() == SENT + AGAIN
    run(stack, "synthesize", "--events", "100", "--seed", "4", "--start", "2013-03-02T00:00:00Z")
    killed = stack.run_with(stack.environment() | BY_SPARK_SUBMIT | {faults.VARIABLE: "after:hot_tier"}, "process")
    assert killed.returncode != 0
    Files().delete(flights().checkpoint_folder)
    take(stack)
    assert held() == before
