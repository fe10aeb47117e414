"""Whether Kafka's log still is the one that was read: its identity, its bounds, and the last records taken from it.

A broker that loses power may lose the end of its log, and a topic may be made anew. New records then take the offsets
of those that were read, and a reader that only knows offsets would skip them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import stamina
from confluent_kafka import Consumer, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient
from pydantic import BaseModel, ConfigDict

from skytier import kafka_clients
from skytier.errors import TransientError
from skytier.settings.kafka import KafkaSettings, KafkaUser

_TIMEOUT_SECONDS = 10
_ATTEMPTS = 5
Answer = TypeVar("Answer")

Bounds = dict[int, tuple[int, int]]
"""oldest offset and the offset after the newest record, by partition"""


class Record(BaseModel):
    """A record's place in its partition and the time that Kafka keeps with it, in ms since 1970."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    offset: int
    timestamp_ms: int


class Position(BaseModel):
    """How far a topic was read: which topic, the next offset of each partition, the last record read of each."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    topic_id: str
    ends: dict[int, int]
    last_records: dict[int, Record]


class KafkaLog:
    """The log of one topic; use it in ``with``. Every method raises TransientError when no broker answers."""

    def __init__(self, settings: KafkaSettings, topic: str) -> None:
        self._settings, self._topic = settings, topic
        shared = kafka_clients.config(KafkaUser.JOB, settings) | {"log_level": 0}
        self._admin = AdminClient(shared)
        self._consumer = Consumer(
            shared
            | {
                "group.id": "skytier-job-position",
                "enable.auto.commit": False,
                "isolation.level": "read_uncommitted",
                "fetch.wait.max.ms": 10,
            }
        )

    def __enter__(self) -> KafkaLog:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def topic_id(self) -> str:
        """The id that Kafka gave the topic when it was made."""

        def ask() -> str:
            asked = self._admin.describe_topics(TopicCollection([self._topic]), request_timeout=_TIMEOUT_SECONDS)
            return str(asked[self._topic].result().topic_id)

        return self._answered(ask)

    def bounds(self, partitions: list[int]) -> Bounds:
        """The bounds of some partitions."""
        return self._answered(
            lambda: {
                number: self._consumer.get_watermark_offsets(TopicPartition(self._topic, number), _TIMEOUT_SECONDS)
                for number in partitions
            }
        )

    def partitions(self) -> list[int]:
        """The partitions that the topic has."""
        return self._answered(
            lambda: sorted(self._consumer.list_topics(self._topic, _TIMEOUT_SECONDS).topics[self._topic].partitions)
        )

    def records(self, offsets: Mapping[int, int]) -> dict[int, Record]:
        """The first record at or after an offset, by partition; no entry where none came in time."""
        if not offsets:
            return {}
        found: dict[int, Record] = {}
        try:
            self._consumer.assign([TopicPartition(self._topic, p, offset) for p, offset in offsets.items()])
            while len(found) < len(offsets) and (message := self._consumer.poll(_TIMEOUT_SECONDS)) is not None:
                partition, offset = message.partition(), message.offset()
                if message.error() is None and partition is not None and offset is not None:
                    found.setdefault(partition, Record(offset=offset, timestamp_ms=message.timestamp()[1]))
            self._consumer.unassign()
        except KafkaException as error:
            raise self._no_answer(error) from error
        return found

    def _answered(self, ask: Callable[[], Answer]) -> Answer:
        """The answer to a question. Where there are several brokers it is asked again: another may lead by then."""
        attempts = _ATTEMPTS if "," in self._settings.bootstrap_servers else 1
        try:
            for attempt in stamina.retry_context(on=KafkaException, attempts=attempts, timeout=None, wait_initial=0.5):
                with attempt:
                    return ask()
        except KafkaException as error:
            raise self._no_answer(error) from error
        raise AssertionError("the last attempt answers or raises")

    def _no_answer(self, error: KafkaException) -> TransientError:
        return TransientError(
            f"Kafka at {self._settings.bootstrap_servers} does not answer about {self._topic} ({error.args[0].str()}): "
            "see 'skytier stack status', or check SKYTIER_KAFKA_BOOTSTRAP_SERVERS."
        )


def parted(last_records: Mapping[int, Record], bounds: Bounds, found: Mapping[int, Record]) -> list[int]:
    """The partitions whose log is not the one that was read.

    One that ends before the last record read, or holds another record in its place. A record that retention or
    compaction removed proves nothing.
    """
    return [
        partition
        for partition, last in last_records.items()
        if partition not in bounds
        or last.offset >= bounds[partition][1]
        or (
            last.offset >= bounds[partition][0]
            and partition in found
            and found[partition].offset == last.offset
            and found[partition].timestamp_ms != last.timestamp_ms
        )
    ]


def comparable(last_records: Mapping[int, Record], bounds: Bounds) -> dict[int, int]:
    """The offsets of the last records that the log may still hold, by partition."""
    return {
        partition: last.offset
        for partition, last in last_records.items()
        if partition in bounds and bounds[partition][0] <= last.offset < bounds[partition][1]
    }


def lost(ranges: Mapping[int, tuple[int, int]], first_read: Mapping[int, int], bounds: Bounds) -> dict[int, list[int]]:
    """[from, to) of the offsets of each partition that Kafka deleted before they were read, by partition.

    ``ranges`` are those to read, ``first_read`` the first offset of each that was. Offsets of a transaction's markers
    and of records that compaction removed count among them, for nobody can tell any more.
    """
    found = {}
    for partition, (start, end) in ranges.items():
        oldest = bounds[partition][0] if partition in bounds else end
        until = min(oldest, first_read.get(partition, end), end)
        if until > start:
            found[partition] = [start, until]
    return found
