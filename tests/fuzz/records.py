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

from skytier.settings import KafkaSettings
from skytier.sql import query
from tests import stores
from tests.events import ARRIVED
from tests.fuzz.mutations import mutated, schema_accepts
from tests.minute_job import drain
from tests.own_stack import SHORT_LIVED, WITHOUT, OwnStack, own_stack, settings_of

RECORDS = 20_000
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
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers, "compression.type": "lz4"})
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


def check() -> None:
    """Account for every record of the topic; an AssertionError says what is not where it ought to be."""
    places = query("SELECT kafka_partition, kafka_offset FROM flight_dw.rejected_flight_events").rows
    rejected = Counter(tuple(place) for place in places)
    assert max(rejected.values(), default=1) == 1, "a record is rejected twice"
    kept = [(p, o, value) for p, o, value in stores.topic_records() if (p, o) not in rejected]
    refused = [value[:500] for _, _, value in kept if not schema_accepts(value)]
    assert not refused, f"stored against the schema: {refused[:3]}"
    expected = {json.loads(value)["event_id"] for _, _, value in kept}
    for store in ("staging_flight_events", "fact_flight_events"):
        ids = [row[0] for row in query(f"SELECT event_id FROM flight_dw.{store}").rows]
        assert Counter(ids) == Counter(expected), f"{store} differs from the topic"
    assert set(stores.hot_documents(expected)) == expected, "the hot tier lacks events"
    totals = stores.totals()
    assert totals["consumed"] == totals["stored"] + totals["duplicates"] + totals["rejected"]
    assert totals["consumed"] == len(kept) + len(rejected)
    assert totals["stored"] == len(expected)
    differences = query(
        "SELECT f.event_id FROM flight_dw.fact_flight_events f JOIN flight_dw.staging_flight_events s "
        "ON f.event_id = s.event_id WHERE NOT (f.event_time <=> s.event_time AND f.source <=> s.source)"
    ).rows
    assert not differences, f"the cold tables disagree: {differences[:3]}"


def run_round(stack: OwnStack, seed: int, count: int) -> None:
    """One round: publish, process, check."""
    publish(random.Random(seed), count)
    drain(stack)
    check()


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
                print(f"round {rounds}, seed {seed + rounds - 1}: {rounds * RECORDS} records, each accounted for")


if __name__ == "__main__":
    app()
