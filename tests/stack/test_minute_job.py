"""The minute job on real servers: complete, exact, repeatable."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

import pytest

from events.pipelines import flights
from skytier import alerts, hot_tier
from skytier.files import Files
from skytier.pipeline import batch_ids
from skytier.pipeline.batch_ids import Marks
from skytier.settings.kafka import KafkaSettings
from skytier.sql import query
from tests import oracle, stores
from tests.minute_job import JANUARY, drain, process, publish_january, run
from tests.own_stack import OwnStack

pytestmark = pytest.mark.stack

RUBBISH = 100_000


@pytest.mark.parametrize("store", stores.STORES)
def test_january_is_complete(january: dict[str, int], store: str) -> None:
    expected = oracle.expected_counts(*JANUARY)
    assert expected["scheduled"] == 27_004
    assert stores.counts_by_type(store, "replay") == expected
    assert january["stored"] == sum(expected.values())
    assert january["rejected"] == 0


def test_sql_counts_the_real_flights_by_airline(stack: OwnStack, january: dict[str, int]) -> None:
    statement = (
        "select airline, count(*) as flights from flight_dw.fact_flight_events "
        "where event_type = 'arrived' and source = 'replay' group by airline"
    )
    rows = json.loads(run(stack, "sql", statement, "--json"))
    assert {row["airline"]: row["flights"] for row in rows} == oracle.arrived_by_airline(*JANUARY)


def test_delays_are_the_sources(january: dict[str, int]) -> None:
    ((mean,),) = query(
        "SELECT avg(arrival_delay_minutes) FROM flight_dw.fact_flight_events WHERE source = 'replay'"
    ).rows
    assert mean == pytest.approx(oracle.mean_arrival_delay_minutes(*JANUARY))


def test_documents_are_what_was_sent(january: dict[str, int]) -> None:
    rng = random.Random(1)
    replayed = [value for _, _, value in stores.topic_records() if b'"source":"replay"' in value]
    sample = [stores.sent_event(value) for value in rng.sample(replayed, 500)]
    documents = stores.hot_documents(sent["event_id"] for sent in sample)
    for sent in sample:
        document = documents[sent["event_id"]]
        assert {name: document[name] for name in sent} == sent


def test_raw_batch_holds_the_records_as_they_came(january: dict[str, int]) -> None:
    records = {(partition, offset): value for partition, offset, value in stores.topic_records()}
    ((location, offsets),) = query(
        "SELECT storage_location, kafka_offsets FROM flight_dw.batch_metadata ORDER BY batch_id LIMIT 1"
    ).rows
    spans = json.loads(offsets)[KafkaSettings().topic]
    expected = {
        place: value
        for place, value in records.items()
        if spans[str(place[0])][0] <= place[1] < spans[str(place[0])][1]
    }
    rows = query(f"SELECT kafka_partition, kafka_offset, cast(value AS string) FROM parquet.`{location}`").rows
    assert {(partition, offset): value.encode() for partition, offset, value in rows} == expected


def test_metadata_of_a_batch_is_a_file_and_a_row(january: dict[str, int]) -> None:
    (row,) = query("SELECT * FROM flight_dw.batch_metadata ORDER BY batch_id LIMIT 1").dicts()
    mark: dict[str, Any] = Files().read_json(Marks(Files(), flights()).path(row["batch_id"]))
    for name in ("batch_id", "consumed", "stored", "duplicates", "rejected", "record_count", "storage_location"):
        assert mark[name] == row[name]
    assert mark["file_size_mb"] > 0
    assert mark["events_by_type"] == json.loads(row["events_by_type"])


def test_lost_checkpoint_costs_nothing(stack: OwnStack, january: dict[str, int]) -> None:
    stored = {store: sorted(stores.ids(store, "synthetic")) for store in stores.STORES}
    records = len(stores.topic_records())
    ((newest,),) = query("SELECT max(batch_id) FROM flight_dw.batch_metadata").rows
    Files().delete(flights().checkpoint_folder)
    added = process(stack)
    assert added["consumed"] == records
    assert added["stored"] == 0
    ((first_new,),) = query(f"SELECT min(batch_id) FROM flight_dw.batch_metadata WHERE batch_id > {newest}").rows
    assert first_new == batch_ids.batch_id(2, 0)
    for store in stores.STORES:
        assert stores.counts_by_type(store, "replay") == oracle.expected_counts(*JANUARY)
    assert {store: sorted(stores.ids(store, "synthetic")) for store in stores.STORES} == stored


def test_second_replay_of_the_month_adds_nothing(stack: OwnStack, january: dict[str, int]) -> None:
    publish_january(stack)
    added = process(stack)
    expected = oracle.expected_counts(*JANUARY)
    assert added == {
        "consumed": sum(expected.values()),
        "stored": 0,
        "duplicates": sum(expected.values()),
        "rejected": 0,
    }
    for store in stores.STORES:
        assert stores.counts_by_type(store, "replay") == expected


def test_run_without_anything_new_writes_no_batch(stack: OwnStack, january: dict[str, int]) -> None:
    marks = len(Files().list(flights().metadata_folder))
    assert process(stack) == {"consumed": 0, "stored": 0, "duplicates": 0, "rejected": 0}
    assert len(Files().list(flights().metadata_folder)) == marks


def test_rubbish_is_accounted_for_to_the_record(stack: OwnStack, january: dict[str, int]) -> None:
    rates = ("--malformed-rate", "0.05", "--duplicate-rate", "0.05", "--late-rate", "0.05")
    report = json.loads(run(stack, "synthesize", "--events", str(RUBBISH), "--seed", "5", *rates, "--json"))
    dead_before = len(stores.topic_records(KafkaSettings().dead_letter_topic))
    before = {store: len(stores.ids(store, "synthetic")) for store in stores.STORES}
    ((rejected_before,),) = query("SELECT count(*) FROM flight_dw.rejected_flight_events").rows
    assert process(stack) == {
        "consumed": RUBBISH,
        "stored": report["valid_unique"],
        "duplicates": report["duplicates"],
        "rejected": report["malformed"],
    }
    for store in stores.STORES:
        found = stores.ids(store, "synthetic")
        assert len(found) - before[store] == report["valid_unique"]
        assert len(set(found)) == len(found)
    ((rejected, without_reason),) = query(
        "SELECT count(*), count_if(size(reasons) = 0) FROM flight_dw.rejected_flight_events"
    ).rows
    assert (rejected - rejected_before, without_reason) == (report["malformed"], 0)
    dead = stores.topic_records(KafkaSettings().dead_letter_topic)
    assert len(dead) - dead_before == report["malformed"]


def test_backlog_is_taken_in_batches_of_bounded_size(stack: OwnStack, january: dict[str, int]) -> None:
    ((before,),) = query("SELECT count(*) FROM flight_dw.batch_metadata").rows
    run(stack, "synthesize", "--events", "5000", "--seed", "6")
    drain(stack, SKYTIER_PROCESS_MAX_EVENTS_PER_BATCH="2000")
    run(stack, "reconcile")
    sizes = query("SELECT consumed FROM flight_dw.batch_metadata ORDER BY batch_id DESC LIMIT 100").rows
    new = [size for (size,) in sizes][: -before or None]
    assert len(new) >= 3
    assert sum(new) == 5000
    assert max(new) <= 2000


def test_two_runs_at_once_do_the_work_once(stack: OwnStack, january: dict[str, int]) -> None:
    before = stores.totals()
    report = json.loads(run(stack, "synthesize", "--events", "2000", "--seed", "7", "--json"))
    first, second = stack.start("process"), stack.start("process")
    assert (first.wait(), second.wait()) == (0, 0)
    run(stack, "reconcile")
    after = stores.totals()
    assert after["consumed"] - before["consumed"] == 2000
    assert after["stored"] - before["stored"] == report["valid_unique"]
    for store in stores.STORES:
        assert max(Counter(stores.ids(store, "synthetic")).values()) == 1


def test_reconciliation_notices_a_lost_document(stack: OwnStack, january: dict[str, int]) -> None:
    run(stack, "synthesize", "--events", "300", "--seed", "8")
    drain(stack)
    with hot_tier.client() as connection:
        events = hot_tier.events(connection)
        document = events.find_one({}, sort=[("batch_id", -1)])
        assert document is not None
        events.delete_one({"_id": document["_id"]})
        failed = stack.skytier("reconcile")
        assert failed.returncode == 1
        assert f"batch {document['batch_id']}: rows in hot tier" in failed.stderr
        assert stack.skytier("reconcile").returncode == 1
        same = {"kind": "reconciliation", "resolved_time": None}
        (alert,) = alerts.alerts(connection).find(same)
        assert (alert["count"], alert["severity"]) == (2, "critical")
        assert f"batch {document['batch_id']}: rows in hot tier" in alert["message"]
        events.insert_one(document)
        run(stack, "reconcile")
        assert alerts.alerts(connection).count_documents(same) == 0


def test_kafka_failure_is_told_in_a_sentence(stack: OwnStack, january: dict[str, int]) -> None:
    environment = stack.environment() | {"SKYTIER_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    done = stack.run_with(environment, "process", seconds=200)
    assert done.returncode == 1
    assert "Kafka at 127.0.0.1:1 does not answer" in done.stdout + done.stderr
