"""The topics of the local stack's Kafka, with their properties."""

from __future__ import annotations

import stamina
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
from confluent_kafka.cimpl import KafkaError, KafkaException, NewTopic

from local_stack.kafka_users import is_passing
from skytier.settings.kafka import KafkaSettings

_DAY_MS = 24 * 60 * 60 * 1000
_NOT_YET = {
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.INVALID_REPLICATION_FACTOR,
}


def _is_unknown_yet(error: Exception) -> bool:
    """Whether a broker does not know yet what a user was just allowed, or that other brokers have started."""
    return isinstance(error, KafkaException) and error.args[0].code() in _NOT_YET


def _may_pass(error: Exception) -> bool:
    return _is_unknown_yet(error) or is_passing(error)


@stamina.retry(on=_may_pass, attempts=None, timeout=60, wait_initial=0.02, wait_max=0.2)
def ensure(operator: AdminClient, kafka: KafkaSettings) -> None:
    """Make the topics that do not exist yet."""
    for created in operator.create_topics(_topics(kafka), operation_timeout=10).values():
        try:
            created.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
    _give_properties(operator, kafka)


def _topics(kafka: KafkaSettings) -> list[NewTopic]:
    retention = {"retention.ms": str(kafka.retention_days * _DAY_MS)}
    events = retention | of_events(kafka)
    # A record that is rejected again, when a batch is repeated, replaces its first copy.
    rejected = retention | _replicated(kafka) | {"cleanup.policy": "compact,delete"}
    return [
        *(NewTopic(topic, kafka.partitions, kafka.replicas, config=events) for topic in kafka.event_topics),
        NewTopic(kafka.dead_letter_topic, 1, kafka.replicas, config=rejected),
        NewTopic(kafka.invalid_states_topic, 1, kafka.replicas, config=retention | _replicated(kafka)),
    ]


def _give_properties(operator: AdminClient, kafka: KafkaSettings) -> None:
    """Give the topics of events their properties where earlier code made them."""
    entries = [
        ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        for name, value in of_events(kafka).items()
    ]
    resources = [ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries) for topic in kafka.event_topics]
    for changed in operator.incremental_alter_configs(resources).values():
        changed.result()


def _replicated(kafka: KafkaSettings) -> dict[str, str]:
    return {"min.insync.replicas": str(kafka.min_insync_replicas)} if kafka.replicas > 1 else {}


def of_events(kafka: KafkaSettings) -> dict[str, str]:
    """The properties of the topics of events."""
    # The time of ingestion is the broker's: nothing a producer says is it.
    found = {"message.timestamp.type": "LogAppendTime"} | _replicated(kafka)
    if kafka.replicas == 1:
        # The only replica: what is acknowledged is on the disk, or a power cut would take it back.
        found["flush.messages"] = "1"
    return found
