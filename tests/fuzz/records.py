"""Records of every kind through the real minute job: ``python -m tests.fuzz.records --minutes N [--seed S]``.

A stack of its own. Each round publishes mutations of valid events, with keys and headers of every kind and tombstones
among them, runs the job, and accounts for each record: rejected by its place, or stored by its id, once in every store.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter

from confluent_kafka import Producer
from cyclopts import App

from events.flight import CONTRACT
from skytier import kafka_clients
from skytier.contract import STRUCT
from skytier.settings.kafka import KafkaSettings, KafkaUser
from skytier.sql import query
from tests import stores
from tests.events import ARRIVED
from tests.fuzz.mutations import mutated, schema_accepts
from tests.minute_job import process
from tests.own_stack import SHORT_LIVED, WITHOUT, OwnStack, own_stack, settings_of

RECORDS = 50_000
CONTENTS = 500
app = App(help="Fuzz the minute job with records, on a stack of its own.")


def events(rng: random.Random) -> list[dict[str, object]]:
    """An arrival a flight number, and others of their flights; all valid."""
    found = []
    for number in rng.sample(range(1, 10_000), 500):
        flight_id = f"2013-01-01-UA-{number}-EWR"
        found.append(ARRIVED | {"flight_number": number, "flight_id": flight_id, "event_id": f"{flight_id}:arrived"})
    return found


def publish(rng: random.Random, count: int) -> None:
    """Send records of every kind to the topic."""
    kafka = KafkaSettings()
    producer = Producer(kafka_clients.config(KafkaUser.PRODUCER, kafka) | {"compression.type": "lz4"})
    known = events(rng)
    for _ in range(count):
        value = None if rng.random() < 0.01 else mutated(rng, known)
        key = rng.choice([None, b"", b"\xff\x00key", b"2013-01-01-UA-1-EWR"])
        headers: list[tuple[str, str | bytes | None]] = rng.choice(
            [[], [("trace", b"\xfe")], [("empty", None), ("trace", b"1")]]
        )
        producer.produce(kafka.topic, value, key, headers=headers)
        producer.poll(0)
    if left := producer.flush(60):
        raise SystemExit(f"Kafka did not take {left} records.")


def check(starts: dict[int, int], stored_before: set[str], added: dict[str, int]) -> None:
    """Account for every record of a round; an AssertionError says what is not where it ought to be.

    ``starts`` are the offsets at which it begins, ``added`` is what the job added to the totals of all batches.
    """
    new = [record for record in stores.topic_records() if record[1] >= starts.get(record[0], 0)]
    places = query("SELECT kafka_partition, kafka_offset FROM flight_dw.rejected_flight_events").rows
    rejected = Counter((p, o) for p, o in places if o >= starts.get(p, 0))
    assert max(rejected.values(), default=1) == 1, "a record is rejected twice"
    kept = [value for p, o, value in new if (p, o) not in rejected]
    refused = [value[:500] for value in kept if not schema_accepts(value)]
    assert not refused, f"stored against the schema: {refused[:3]}"
    expected = {json.loads(value)["event_id"] for value in kept} - stored_before
    for store in ("staging_flight_events", "fact_flight_events"):
        differing = Counter(_ids(store))
        differing.subtract(Counter(stored_before | expected))
        assert not any(differing.values()), f"{store} differs from the topic: {differing.most_common(3)}"
    check_contents(sorted(expected)[:CONTENTS])
    assert set(stores.hot_documents(expected)) == expected, "the hot tier lacks events"
    assert added == {
        "consumed": len(new),
        "stored": len(expected),
        "duplicates": len(kept) - len(expected),
        "rejected": len(rejected),
    }


def check_contents(event_ids: list[str]) -> None:
    """The same values of the contract's fields in the staging table and in the hot tier."""
    names = [field.name for field in CONTRACT.fields() if field.type != STRUCT]
    if not event_ids:
        return
    listed = ", ".join(f"'{event_id}'" for event_id in event_ids)
    rows = query(f"SELECT {', '.join(names)} FROM flight_dw.staging_flight_events WHERE event_id IN ({listed})").dicts()
    documents = stores.hot_documents(event_ids)
    for row in rows:
        document = documents[row["event_id"]]
        assert {name: document.get(name) for name in names} == row, row["event_id"]


def _ids(store: str) -> list[str]:
    return [row[0] for row in query(f"SELECT event_id FROM flight_dw.{store}").rows]


def run_round(stack: OwnStack, seed: int, count: int) -> None:
    """One round on a stack that has nothing left to process: publish, process, check."""
    starts: dict[int, int] = {}
    for partition, offset, _ in stores.topic_records():
        starts[partition] = max(starts.get(partition, 0), offset + 1)
    stored_before = set(_ids("staging_flight_events"))
    publish(random.Random(seed), count)
    check(starts, stored_before, process(stack))


@app.default
def main(minutes: float, seed: int = 1) -> None:
    """Run rounds until the time is over; the seed of a round is the one before plus one."""
    end = time.monotonic() + minutes * 60
    with own_stack("fuzz", SHORT_LIVED) as stack:
        stack.up(without=WITHOUT)
        with stack.one_driver(), settings_of(stack):
            rounds = 0
            while time.monotonic() < end:
                run_round(stack, seed + rounds, RECORDS)
                rounds += 1
                print(
                    f"round {rounds}, seed {seed + rounds - 1}: {rounds * RECORDS} records, each accounted for",
                    flush=True,
                )


if __name__ == "__main__":
    app()
