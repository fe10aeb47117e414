"""What Kafka holds of the topic of events that no batch has taken yet."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NamedTuple

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.cimpl import KafkaException

from skytier.errors import TransientError
from skytier.kafka_clients import Login
from skytier.settings.kafka import KafkaSettings, KafkaUser

_PATIENCE_SECONDS = 2


class PartitionLag(NamedTuple):
    """How far a partition was taken in."""

    partition: int
    first_offset: int
    end_offset: int
    """what Kafka holds: from the first up to this, exclusive"""
    processed_offset: int | None
    """up to this, exclusive, batches took it; None before the first"""

    @property
    def waiting(self) -> int:
        """Records that no batch has taken."""
        return self.end_offset - max(self.first_offset, self.processed_offset or self.first_offset)


def lag(kafka_offsets: Iterable[str]) -> list[PartitionLag]:
    """How far each partition was taken in, by the ``kafka_offsets`` of the newest batches, newest first.

    None where there is no topic. Raises TransientError when Kafka does not answer.
    """
    topic = KafkaSettings().topic
    processed = _processed(topic, kafka_offsets)
    kept = _kept_by_kafka(topic)
    return [PartitionLag(number, first, end, processed.get(number)) for number, (first, end) in kept.items()]


def _processed(topic: str, newest_first: Iterable[str]) -> dict[int, int]:
    """Where the newest batch that took from a partition left it."""
    found: dict[int, int] = {}
    for offsets in newest_first:
        for partition, (_, to) in json.loads(offsets).get(topic, {}).items():
            found.setdefault(int(partition), to)
    return found


def _kept_by_kafka(topic: str) -> dict[int, tuple[int, int]]:
    """First and end offset of each partition."""
    login = Login(KafkaUser.MONITOR)
    consumer = Consumer(
        login.config | {"group.id": "skytier-monitor-lag", "log_level": 0}
    )  # it joins no group: nothing is subscribed to
    try:
        # Asked for one topic by name, a broker may create it.
        topics = consumer.list_topics(timeout=_PATIENCE_SECONDS).topics
        numbers = sorted(topics[topic].partitions) if topic in topics else []
        return {number: _watermarks(consumer, topic, number) for number in numbers}
    except KafkaException as error:
        raise TransientError(f"{login.why(consumer, error)}.") from error
    finally:
        consumer.close()


def _watermarks(consumer: Consumer, topic: str, partition: int) -> tuple[int, int]:
    found = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=_PATIENCE_SECONDS)
    if found is None:
        raise TransientError(f"Kafka did not return the offsets of partition {partition} of {topic} in time.")
    first, end = found
    return int(first), int(end)
