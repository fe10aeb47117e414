"""What the stores really hold, asked without the code under test where that is possible."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition

from skytier import hot_tier, kafka_clients
from skytier.settings.kafka import KafkaSettings, KafkaUser
from skytier.sql import query

STORES = ("hot", "staging", "fact")


def topic_messages(topic: str | None = None) -> list[Message]:
    """Every record of a topic that was not aborted, partition by partition."""
    settings = KafkaSettings()
    topic = topic or settings.topic
    consumer = Consumer(
        kafka_clients.config(KafkaUser.OPERATOR, settings)
        | {
            "group.id": "skytier-operator-tests",
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
        }
    )
    try:
        partitions = list(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
        consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in partitions])
        found: list[Message] = []
        open_ends = set(partitions)
        while open_ends:
            messages = consumer.consume(10_000, timeout=10)
            assert messages, f"{topic} was not read to its end"
            open_ends -= {m.partition() for m in messages if _is_end(m)}
            found += [m for m in messages if m.error() is None]
        return found
    finally:
        consumer.close()


def _is_end(message: Message) -> bool:
    error = message.error()
    return error is not None and error.code() == KafkaError._PARTITION_EOF


def topic_records(topic: str | None = None) -> list[tuple[int, int, bytes]]:
    """Every record of a topic: partition, offset, value."""
    return [(m.partition() or 0, m.offset() or 0, m.value() or b"") for m in topic_messages(topic)]


def ids(store: str, source: str) -> list[str]:
    """The event ids of one source in a store, repeated as often as they are there."""
    if store == "hot":
        with hot_tier.client() as connection:
            return [d["_id"] for d in hot_tier.events(connection).find({"source": source}, {"_id": 1})]
    rows = query(f"SELECT event_id FROM flight_dw.{store}_flight_events WHERE source = '{source}'").rows
    return [event_id for (event_id,) in rows]


def counts_by_type(store: str, source: str) -> dict[str, int]:
    """Events of one source by event type; types without any are left out."""
    if store == "hot":
        with hot_tier.client() as connection:
            grouped: list[dict[str, Any]] = [
                {"$match": {"source": source}},
                {"$group": {"_id": "$event_type", "events": {"$sum": 1}}},
            ]
            return {row["_id"]: row["events"] for row in hot_tier.events(connection).aggregate(grouped)}
    table = f"flight_dw.{store}_flight_events"
    return dict(query(f"SELECT event_type, count(*) FROM {table} WHERE source = '{source}' GROUP BY event_type").rows)


def totals() -> dict[str, int]:
    """Sums over all batches."""
    names = ("consumed", "stored", "duplicates", "rejected")
    sums = ", ".join(f"coalesce(sum({name}), 0)" for name in names)
    (row,) = query(f"SELECT {sums} FROM flight_dw.batch_metadata").rows
    return dict(zip(names, row, strict=True))


def hot_documents(event_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The documents of the events, by id."""
    with hot_tier.client() as connection:
        found = hot_tier.events(connection).find({"_id": {"$in": list(event_ids)}})
        return {document["_id"]: document for document in found}


def moment(text: str) -> datetime:
    """A time as events carry it."""
    return datetime.fromisoformat(text)


@functools.cache
def sent_event(value: bytes) -> dict[str, Any]:
    """An event as it was sent, its times as times; a topic is read many times, and what was sent stays."""
    event: dict[str, Any] = json.loads(value)
    times = ("event_time", "scheduled_departure", "scheduled_arrival", "actual_departure", "actual_arrival")
    return event | {name: moment(event[name]) for name in times if name in event}


def first_copies() -> dict[str, dict[str, Any]]:
    """Every valid event of the topic by id, as the first record of it was sent."""
    rejected = {
        (partition, offset)
        for partition, offset in query(
            "SELECT kafka_partition, kafka_offset FROM flight_dw.rejected_flight_events"
        ).rows
    }
    events: dict[str, dict[str, Any]] = {}
    for partition, offset, value in topic_records():
        if (partition, offset) not in rejected:
            event = sent_event(value)
            events.setdefault(event["event_id"], event)
    return events
