"""Run in a container: count the events in the topic and in every store, and print them as JSON.

The records of the topic are read, not asked of the job; what is published twice counts once.
"""

import json
import sys

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

from skytier import hot_tier, kafka_clients
from skytier.settings.kafka import KafkaSettings, KafkaUser
from skytier.sql import query


def published() -> int:
    """Distinct events in the topic."""
    settings = KafkaSettings()
    consumer = Consumer(
        kafka_clients.config(KafkaUser.JOB, settings)
        | {"group.id": "skytier-job-tests", "enable.partition.eof": True, "isolation.level": "read_committed"}
    )
    partitions = list(consumer.list_topics(settings.topic, timeout=30).topics[settings.topic].partitions)
    consumer.assign([TopicPartition(settings.topic, partition, OFFSET_BEGINNING) for partition in partitions])
    ids: set[str] = set()
    ends: set[int | None] = set()
    while len(ends) < len(partitions):
        for message in consumer.consume(10_000, timeout=30):
            error = message.error()
            if error is None:
                ids.add(json.loads(message.value() or b"")["event_id"])
            elif error.code() == KafkaError._PARTITION_EOF:
                ends.add(message.partition())
    consumer.close()
    return len(ids)


def stored(table: str) -> list[int]:
    """Events and distinct events of a table."""
    return list(query(f"SELECT count(*), count(DISTINCT event_id) FROM flight_dw.{table}_flight_events").rows[0])


with hot_tier.client() as connection:
    hot = hot_tier.events(connection).count_documents({})
found = {"topic": published(), "hot": hot, "staging": stored("staging"), "fact": stored("fact")}
found["both tiers"] = list(query("SELECT count(*), count(DISTINCT event_id) FROM tiers.flight_events").rows[0])
json.dump(found, sys.stdout)
