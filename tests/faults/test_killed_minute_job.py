"""The minute job killed before, between and after each of its writes: every store holds each event sent, once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from events.pipelines import flights
from skytier import faults
from skytier.files import Files
from skytier.settings.kafka import KafkaSettings
from skytier.sql import query
from tests import stores
from tests.minute_job import day_of, run, take
from tests.own_stack import BY_SPARK_SUBMIT, OwnStack

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1200)]

EVENTS = 300
RATES = ("--malformed-rate", "0.05", "--duplicate-rate", "0.05", "--late-rate", "0.05")
POINTS = (
    "before:raw",
    "after:raw",
    "after:staging_flight_events",
    "after:fact_flight_events",
    "after:rejected_flight_events",
    "after:hot_tier",
    "after:dead_letters",
    "after:batch_metadata",
    "after:mark",
)


@pytest.fixture(scope="module")
def stack(tls_stack: OwnStack) -> OwnStack:
    """A stack whose events nobody else counts. It happens to speak TLS."""
    return tls_stack


def publish(stack: OwnStack, seed: int) -> dict[str, Any]:
    options = ("--seed", str(seed), "--start", day_of(seed), *RATES, "--json")
    report: dict[str, Any] = json.loads(run(stack, "synthesize", "--events", str(EVENTS), *options))
    return report


def killed_at(stack: OwnStack, point: str) -> None:
    done = stack.run_with(stack.environment() | BY_SPARK_SUBMIT | {faults.VARIABLE: point}, "process")
    assert done.returncode != 0, f"the run was not killed at {point}"


def check_stores(before: dict[str, list[str]], report: dict[str, Any]) -> None:
    """Each store got the valid events of the report, each once and as it was sent."""
    events = stores.first_copies()
    added: dict[str, list[str]] = {}
    for store in stores.STORES:
        now = stores.ids(store, "synthetic")
        assert len(now) == len(set(now)), f"{store} holds an event twice"
        added[store] = sorted(set(now) - set(before[store]))
        assert len(added[store]) == report["valid_unique"], store
    assert added["hot"] == added["staging"] == added["fact"]
    for event_id, document in stores.hot_documents(added["hot"]).items():
        sent = events[event_id]
        assert {name: document[name] for name in sent} == sent
    dead = stores.topic_records(KafkaSettings().dead_letter_topic)
    ((rejected,),) = query("SELECT count(*) FROM flight_dw.rejected_flight_events").rows
    assert len({value for _, _, value in dead}) <= rejected <= len(dead)


def check_raw_folder() -> None:
    """The newest batch's raw folder holds all its records; nothing is left of the attempts."""
    assert Files().list(f"{flights().raw_folder}/_inprogress") == []
    (row,) = query("SELECT * FROM flight_dw.batch_metadata ORDER BY batch_id DESC LIMIT 1").dicts()
    ((records,),) = query(f"SELECT count(*) FROM parquet.`{row['storage_location']}`").rows
    assert records == row["consumed"] == EVENTS


@pytest.fixture
def before(stack: OwnStack) -> dict[str, list[str]]:
    take(stack)  # what earlier tests left
    return {store: stores.ids(store, "synthetic") for store in stores.STORES}


def test_same_batch_killed_at_every_point_in_turn(stack: OwnStack, before: dict[str, list[str]]) -> None:
    report = publish(stack, seed=21)
    sums = stores.totals()
    for point in POINTS:
        killed_at(stack, point)
    take(stack)
    after = stores.totals()
    assert {name: after[name] - sums[name] for name in sums} == {
        "consumed": EVENTS,
        "stored": report["valid_unique"],
        "duplicates": report["duplicates"],
        "rejected": report["malformed"],
    }
    check_stores(before, report)
    check_raw_folder()


@pytest.mark.parametrize("point", ["after:staging_flight_events", "after:hot_tier"])
def test_fresh_batch_killed_once(stack: OwnStack, before: dict[str, list[str]], point: str) -> None:
    report = publish(stack, seed=30 + POINTS.index(point))
    killed_at(stack, point)
    take(stack)
    check_stores(before, report)


def test_checkpoint_lost_with_a_batch_half_written(stack: OwnStack, before: dict[str, list[str]]) -> None:
    report = publish(stack, seed=50)
    killed_at(stack, "after:fact_flight_events")
    Files().delete(flights().checkpoint_folder)
    take(stack)
    check_stores(before, report)
