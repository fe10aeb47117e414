"""What others leave in a topic, and what may happen to it: no run fails, every record is accounted for once."""

from __future__ import annotations

import io
import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pyarrow.parquet as pq
import pytest
from confluent_kafka import Message, TopicPartition
from confluent_kafka.admin import AdminClient

from events.pipelines import flights
from local_stack.kafka import Kafka
from skytier import alerts, faults, hot_tier, kafka_clients
from skytier.files import Files
from skytier.pipeline import checkpoints
from skytier.pipeline.record_outputs import LARGEST_DEAD_LETTER_BYTES
from skytier.settings.kafka import KafkaSettings, KafkaUser
from skytier.sql import query
from tests import stores
from tests.fuzz.records import run_round
from tests.minute_job import process, run
from tests.own_stack import BY_SPARK_SUBMIT, WITHOUT, OwnStack
from tests.producing import Sent, encoded, event, publish

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1200)]

NOTHING = {"consumed": 0, "stored": 0, "duplicates": 0, "rejected": 0}
FAR_AHEAD_MS = 4_000_000_000_000  # in the year 2096


@pytest.fixture(scope="module")
def stack(tls_stack: OwnStack) -> OwnStack:
    """A stack whose topic nobody else reads: its log is cut, and made anew. It happens to speak TLS."""
    return tls_stack


def event_ids(*numbers: int) -> list[str]:
    return sorted(event(number)["event_id"] for number in numbers)


def send(*numbers: int, **options: Any) -> None:
    publish([Sent(encoded(number), f"key-{number}".encode(), **options) for number in numbers])


def newest_batch() -> dict[str, Any]:
    return query("SELECT * FROM flight_dw.batch_metadata ORDER BY batch_id DESC LIMIT 1").dicts()[0]


def stored_by(batch_id: int) -> list[str]:
    """The events of a batch, which are the same in every store."""
    in_store = {
        store: sorted(
            row[0] for row in query(f"SELECT event_id FROM flight_dw.{store} WHERE batch_id = {batch_id}").rows
        )
        for store in ("staging_flight_events", "fact_flight_events")
    }
    with hot_tier.client() as connection:
        found = hot_tier.events(connection).find({"batch_id": batch_id}, {"_id": 1})
        in_store["hot tier"] = sorted(document["_id"] for document in found)
    assert in_store["staging_flight_events"] == in_store["fact_flight_events"] == in_store["hot tier"]
    return in_store["hot tier"]


def alert(kind: str) -> dict[str, Any]:
    """The newest alert of a kind."""
    with hot_tier.client() as connection:
        found = alerts.alerts(connection).find_one({"kind": kind}, sort=[("last_time", -1)])
    assert found is not None
    return found


def killed_at(stack: OwnStack, point: str) -> None:
    done = stack.run_with(stack.environment() | BY_SPARK_SUBMIT | {faults.VARIABLE: point}, "process")
    assert done.returncode != 0, f"the run was not killed at {point}"


@pytest.mark.empty
def test_an_id_is_not_used_again_after_the_checkpoint_of_a_half_written_first_batch_is_lost(stack: OwnStack) -> None:
    """It deletes the raw records of all batches, so there may be none before it."""
    send(1, 2, 3)
    killed_at(stack, "after:hot_tier")
    first = checkpoints.Generation(generation=1, begun_at=checkpoints.EPOCH, reason="").batch_id(0)
    Files().delete(flights().checkpoint_folder)
    Files().delete(flights().raw_folder)
    assert process(stack) == {"consumed": 3, "stored": 3, "duplicates": 0, "rejected": 0}
    assert newest_batch()["batch_id"] > first
    assert stored_by(first) == []
    assert stored_by(newest_batch()["batch_id"]) == event_ids(1, 2, 3)


def test_a_half_written_batch_whose_checkpoint_is_lost_is_finished_from_its_raw_records(stack: OwnStack) -> None:
    send(4, 5)
    killed_at(stack, "after:staging_flight_events")
    Files().delete(flights().checkpoint_folder)
    forget_records()
    assert process(stack)["stored"] == 2


def test_what_others_publish(stack: OwnStack) -> None:
    publish([Sent(encoded(11), b"committed")], commit=True)
    publish([Sent(encoded(12), b"aborted")], commit=False)
    headers = [("trace", b"\x00\xff"), ("trace", b"twice"), ("none", None)]
    rubbish = b"x" * 1_000_000
    publish(
        [
            Sent(encoded(13), b"\xff\xfe", headers),
            Sent(encoded(14), timestamp_ms=1_000),
            Sent(encoded(15), timestamp_ms=FAR_AHEAD_MS),
            Sent(None, b"tombstone"),
            Sent(rubbish, b"large", [("large", b"y" * 1_000)]),
            Sent(b"\xff", b"\xff", headers),
        ]
    )
    before, letters = time.time(), places_of_dead_letters()
    assert process(stack) == {"consumed": 7, "stored": 4, "duplicates": 0, "rejected": 3}
    batch = newest_batch()
    assert stored_by(batch["batch_id"]) == event_ids(11, 13, 14, 15)
    times = (batch["ingestion_time_min"].timestamp(), batch["ingestion_time_max"].timestamp())
    assert before - 120 < min(times) <= max(times) < time.time()
    rows = {
        row["kafka_key"]: row
        for row in query(f"SELECT * FROM flight_dw.rejected_flight_events WHERE batch_id = {batch['batch_id']}").dicts()
    }
    assert rows["tombstone"]["raw_value"] is rows["tombstone"]["raw_value_base64"] is None
    assert rows["large"]["raw_value"] == rubbish.decode()
    assert (rows[None]["kafka_key_base64"], rows[None]["raw_value_base64"]) == ("/w==", "/w==")
    assert json.loads(rows[None]["kafka_headers"])[:2] == [
        {"key": "trace", "value_base64": "AP8="},
        {"key": "trace", "value_base64": "dHdpY2U="},
    ]
    check_dead_letters(letters, rubbish, headers)
    check_raw_folder(batch["storage_location"], headers)


def check_dead_letters(known: set[tuple[int, int]], rubbish: bytes, headers: list[tuple[str, bytes | None]]) -> None:
    """The three rejected records: an empty value for a null one, a cut one, and one with its key and headers."""
    by_key: dict[bytes | None, tuple[bytes | None, list[tuple[str, bytes | None]]]] = {}
    new = [message for message in stores.topic_messages(dead_letters()) if place(message) not in known]
    assert len(new) == 3
    for message in new:
        listed = cast("list[tuple[str, bytes | None]]", message.headers() or [])
        by_key[dict(listed).get("key")] = (message.value(), listed)
    value, listed = by_key[b"tombstone"]
    assert (value, dict(listed)["value_is_null"]) == (b"", b"true")
    value, listed = by_key[None]
    assert value == rubbish[:LARGEST_DEAD_LETTER_BYTES]
    assert int(dict(listed)["truncated_from_bytes"] or 0) > len(rubbish)
    value, listed = by_key[b"\xff"]
    assert (value, dict(listed)["reasons"]) == (b"\xff", b"malformed_json")
    assert listed[-len(headers) :] == headers


def check_raw_folder(location: str, headers: list[tuple[str, bytes | None]]) -> None:
    """Arrow reads the raw files, whose keys and headers are the bytes that came."""
    files = Files()
    found: list[dict[str, Any]] = []
    for name in files.list(location):
        if name.startswith("part-"):
            found += pq.read_table(io.BytesIO(files.read_bytes(f"{location}/{name}"))).to_pylist()
    assert Counter(row["kafka_key"] for row in found)[b"\xff\xfe"] == 1
    (with_headers,) = [row for row in found if row["kafka_key"] == b"\xff\xfe"]
    assert [(header["key"], header["value"]) for header in with_headers["kafka_headers"]] == headers


def dead_letters() -> str:
    return KafkaSettings().dead_letter_topic


def place(message: Message) -> tuple[int, int]:
    """Its partition and offset."""
    return message.partition() or 0, message.offset() or 0


def places_of_dead_letters() -> set[tuple[int, int]]:
    return {place(message) for message in stores.topic_messages(dead_letters())}


def test_records_near_the_contract_are_all_accounted_for(stack: OwnStack) -> None:
    run_round(stack, seed=1, count=4_000)


def test_a_rejected_record_is_rejected_once_however_often_kafka_is_read(stack: OwnStack) -> None:
    ((rejected,),) = query("SELECT count(*) FROM flight_dw.rejected_flight_events").rows
    assert rejected > 0
    letters, records = len(stores.topic_messages(dead_letters())), len(stores.topic_messages())
    Files().delete(flights().checkpoint_folder)
    assert process(stack) == {"consumed": records, "stored": 0, "duplicates": records, "rejected": 0}
    ((after,),) = query("SELECT count(*) FROM flight_dw.rejected_flight_events").rows
    assert (after, len(stores.topic_messages(dead_letters()))) == (rejected, letters)


def fail_at(place: str, text: str, **settings: str) -> Callable[[OwnStack], None]:
    """A minute job whose step fails at whatever has a text."""

    def job(own: OwnStack) -> None:
        run(own, "process", **{faults.RAISE_VARIABLE: f"{place}={text}"}, **settings)

    return job


def forget_records(partition: int | None = None, but_for: int = 0) -> dict[int, int]:
    """Let Kafka delete what it holds, as retention does; the oldest offset that is left, by partition."""
    settings = KafkaSettings()
    admin = AdminClient(kafka_clients.config(KafkaUser.OPERATOR, settings))
    ends = {partition: offset + 1 for partition, offset, _ in stores.topic_records()}
    places = [
        TopicPartition(settings.topic, p, end - but_for)
        for p, end in ends.items()
        if partition is None or p == partition
    ]
    for done in admin.delete_records(places).values():
        done.result()
    return {place.partition: place.offset for place in places}


def test_records_that_retention_deleted_are_counted_and_the_run_goes_on(stack: OwnStack) -> None:
    assert process(stack) == NOTHING
    send(*range(21, 31), partition=0)
    oldest = forget_records(partition=0, but_for=3)[0]
    assert process(stack)["stored"] == 3
    batch = newest_batch()
    assert (batch["lost"], json.loads(batch["lost_offsets"])) == (7, {"flight_events": {"0": [oldest - 7, oldest]}})
    assert stored_by(batch["batch_id"]) == event_ids(28, 29, 30)
    assert f"partition 0: {oldest - 7} to {oldest - 1}" in alert("kafka")["message"]


def test_all_unread_records_deleted(stack: OwnStack) -> None:
    send(31, 32, partition=1)
    forget_records(partition=1)
    assert process(stack) == NOTHING
    assert newest_batch()["lost"] == 2
    send(33, partition=1)
    assert process(stack)["stored"] == 1


def test_a_batch_that_was_cut_off_is_finished_though_kafka_deleted_its_records(stack: OwnStack) -> None:
    send(*range(41, 51))
    killed_at(stack, "after:raw")
    forget_records()
    send(51)
    assert process(stack)["stored"] == 11
    run(stack, "reconcile")
    ((lost,),) = query(f"SELECT lost FROM flight_dw.batch_metadata WHERE batch_id = {newest_batch()['batch_id']}").rows
    assert lost == 0


# A halving more costs 6 s of processor time: two places are searched among four records, of which one fails.
PLACES = {"prepare": 4, "predict": 2, "staging_flight_events": 2, "hot_tier": 4, "dead_letters": 2}


@pytest.mark.parametrize(("place", "records"), PLACES.items())
def test_one_record_that_a_step_fails_at_is_set_aside(stack: OwnStack, place: str, records: int) -> None:
    first = 1_000 + 100 * list(PLACES).index(place)
    numbers = range(first, first + records)
    poison = first + records // 2
    bad = encoded(poison, source="poison", distance_miles=-1.0 if place == "dead_letters" else 1400.0)
    publish([Sent(bad if number == poison else encoded(number)) for number in numbers])
    named = "poison" if place in ("prepare", "dead_letters") else event(poison)["event_id"]
    added = process(stack, fail_at(place, named))
    assert added == {"consumed": records, "stored": records - 1, "duplicates": 0, "rejected": 1}
    batch = newest_batch()["batch_id"]
    assert stored_by(batch) == event_ids(*(number for number in numbers if number != poison))
    (row,) = query(f"SELECT * FROM flight_dw.rejected_flight_events WHERE batch_id = {batch}").dicts()
    assert json.loads(row["reasons"]) == ["unprocessable"]
    assert row["error"].startswith(f"{place}: ")
    assert row["raw_value"] == bad.decode()
    assert f"{row['kafka_partition']}-{row['kafka_offset']}" in alert("quarantine")["message"]


def test_a_model_that_fails_at_every_event_leaves_them_unscored(stack: OwnStack) -> None:
    send(*range(2_001, 2_005))
    job = fail_at("predict", "2013", SKYTIER_PROCESS_QUARANTINE_RECORDS="1")
    assert process(stack, job)["stored"] == 4
    ((scored,),) = query(
        "SELECT count(predicted_delay_minutes) FROM flight_dw.fact_flight_events "
        f"WHERE batch_id = {newest_batch()['batch_id']}"
    ).rows
    assert scored == 0
    assert "without predictions" in alert("quarantine")["message"]


def test_a_step_that_fails_at_every_record_stops_the_run_with_a_sentence(stack: OwnStack) -> None:
    send(*range(2_021, 2_025))
    settings = {faults.RAISE_VARIABLE: "hot_tier=2013", "SKYTIER_PROCESS_QUARANTINE_RECORDS": "1"}
    done = stack.run_with(stack.environment() | settings, "process")
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: Batch ")
    assert "failed at the step hot_tier: More than 1 of the records fail" in last
    assert process(stack)["stored"] == 4


def test_a_server_that_is_down_is_named_in_the_last_line_and_no_record_is_blamed(stack: OwnStack) -> None:
    send(2_041)
    run(stack, "stack", "down", "mongodb")
    done = stack.run_with(stack.environment() | BY_SPARK_SUBMIT, "process")
    assert done.returncode == 1
    lines = done.stderr.strip().splitlines()
    assert lines[-1].startswith("error: MongoDB does not answer")
    assert len(lines) < 200
    stack.up(without=WITHOUT)
    assert process(stack) == {"consumed": 1, "stored": 1, "duplicates": 0, "rejected": 0}


def cut_log(stack: OwnStack, records: int) -> None:
    """Take the end of each partition's log away, as a power cut does to a broker that does not flush."""
    run(stack, "stack", "down", "kafka")
    data = stack.home / "data" / "kafka"
    (data / ".kafka_cleanshutdown").unlink(missing_ok=True)
    (data / "recovery-point-offset-checkpoint").unlink()
    for folder in data.glob(f"{KafkaSettings().topic}-*"):
        segment = max(folder.glob("*.log"))
        for index in folder.glob("*index"):
            index.unlink()
        _cut(segment, records)
    stack.end_driver()  # its clients of Kafka remember the log that was; so tests that need no other one come before
    stack.up(without=WITHOUT)


def _cut(segment: Path, records: int) -> None:
    """Cut a log's last records, each of which was a batch of its own."""
    content, starts, at = segment.read_bytes(), [], 0
    while at < len(content):
        starts.append(at)
        at += 12 + int.from_bytes(content[at + 8 : at + 12], "big")  # base offset, length
    if starts:
        segment.write_bytes(content[: starts[-min(records, len(starts))]])


def test_a_log_that_lost_its_end_is_read_again_from_where_it_parts(stack: OwnStack) -> None:
    for number in range(61, 71):
        send(number, partition=number % 2)
    assert process(stack)["stored"] == 10
    cut_log(stack, records=2)
    for number in range(71, 81):
        send(number, partition=number % 2)
    assert process(stack)["stored"] == 10
    assert "its end was lost" in alert("kafka")["message"]
    rows = query("SELECT event_id FROM flight_dw.fact_flight_events WHERE flight_number BETWEEN 61 AND 80").rows
    assert {row[0] for row in rows} >= set(event_ids(*range(61, 81)))
    assert process(stack) == NOTHING


def test_a_topic_that_was_made_anew_is_read_from_its_beginning(stack: OwnStack) -> None:
    settings = KafkaSettings()
    admin = AdminClient(kafka_clients.config(KafkaUser.OPERATOR, settings))
    admin.delete_topics([settings.topic], operation_timeout=30)[settings.topic].result()
    time.sleep(1)  # the broker forgets it a moment later
    Kafka().set_up()
    for number in range(81, 91):
        send(number, partition=0)
    assert process(stack)["stored"] == 10
    assert "another topic of the same name" in alert("kafka")["message"]
    assert process(stack) == NOTHING
