"""Records as anybody may publish them: any bytes, keys, headers, times and transactions."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Message, Producer

from skytier import kafka_clients
from skytier.settings.kafka import KafkaSettings, KafkaUser
from tests.events import DEPARTED


@dataclass(frozen=True)
class Sent:
    """What is published. ``timestamp_ms`` is the producer's own; None lets the client choose."""

    value: bytes | None
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes | None]] = ()
    timestamp_ms: int | None = None
    partition: int | None = None


def event(number: int, **changes: Any) -> dict[str, Any]:
    """A valid event of its own flight: ``number`` is from 1 to 9999."""
    flight_id = f"2013-01-01-UA-{number}-EWR"
    return DEPARTED | {"flight_number": number, "flight_id": flight_id, "event_id": f"{flight_id}:departed"} | changes


def encoded(number: int, **changes: Any) -> bytes:
    """The same as a record's value."""
    return json.dumps(event(number, **changes)).encode()


def publish(records: Iterable[Sent], *, commit: bool | None = None) -> None:
    """Send the records and wait until all are acknowledged; in a transaction that ``commit`` ends or aborts."""
    transaction = {"transactional.id": f"skytier-producer-{uuid.uuid4().hex}"} if commit is not None else {}
    producer = Producer(
        kafka_clients.config(KafkaUser.PRODUCER)
        | {
            "acks": "all",
            "compression.type": "lz4",
            "message.max.bytes": 40_000_000,
        }
        | transaction
    )
    failed: list[str] = []

    def delivered(error: Any, _: Message) -> None:
        if error is not None:
            failed.append(str(error))

    if commit is not None:
        producer.init_transactions(30)
        producer.begin_transaction()
    for record in records:
        options: dict[str, Any] = {"headers": list(record.headers)} if record.headers else {}
        if record.timestamp_ms is not None:
            options["timestamp"] = record.timestamp_ms
        if record.partition is not None:
            options["partition"] = record.partition
        producer.produce(KafkaSettings().topic, record.value, record.key, on_delivery=delivered, **options)
        producer.poll(0)
    producer.flush(60)
    if commit is True:
        producer.commit_transaction(30)
    if commit is False:
        producer.abort_transaction(30)
    assert not failed, failed[0]
