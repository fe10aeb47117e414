"""What Kafka itself tells of the topic of events: the records that it keeps, the newest, and how many came lately."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from skytier.errors import TransientError
from skytier.kafka_clients import Login
from skytier.settings.kafka import KafkaSettings, KafkaUser

_TIMEOUT_SECONDS = 2


class TopicState(NamedTuple):
    """A topic as its brokers see it, over all partitions."""

    kept: int
    """records that Kafka retains"""
    arrived: int
    """records that arrived since the given time"""
    newest: datetime | None
    """when the newest record arrived; None in an empty topic"""


def topic_state(since: datetime) -> TopicState:
    """The state of the topic of events now. Raises TransientError when Kafka does not answer."""
    topic, login = KafkaSettings().topic, Login(KafkaUser.MONITOR)
    admin = AdminClient(login.config | {"log_level": 0})
    specs = {
        "first": OffsetSpec.earliest(),  # type: ignore[no-untyped-call]
        "end": OffsetSpec.latest(),  # type: ignore[no-untyped-call]
        "newest": OffsetSpec.max_timestamp(),  # type: ignore[no-untyped-call]
        "since": OffsetSpec.for_timestamp(int(since.timestamp() * 1000)),
    }
    try:
        topics = admin.list_topics(timeout=_TIMEOUT_SECONDS).topics
        numbers = sorted(topics[topic].partitions) if topic in topics else []
        found = {
            name: admin.list_offsets(
                {TopicPartition(topic, number): spec for number in numbers}, request_timeout=_TIMEOUT_SECONDS
            )
            for name, spec in specs.items()
            if numbers
        }
        known = {
            name: {partition.partition: future.result() for partition, future in of_name.items()}
            for name, of_name in found.items()
        }
    except KafkaException as error:
        raise TransientError(f"{login.why(admin, error)}.") from error
    newest = max((known["newest"][number].timestamp for number in numbers), default=-1)
    ends = {number: known["end"][number].offset for number in numbers}
    return TopicState(
        kept=sum(ends[number] - known["first"][number].offset for number in numbers),
        arrived=sum(
            ends[number] - offset for number in numbers if (offset := known["since"][number].offset) >= 0
        ),  # below 0: none arrived since
        newest=datetime.fromtimestamp(newest / 1000, UTC) if newest >= 0 else None,
    )
