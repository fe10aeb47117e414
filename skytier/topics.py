"""Kafka's topics, asked before work begins that would only time out without them."""

from __future__ import annotations

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import KafkaException

from skytier.errors import TerminalError, TransientError
from skytier.settings import KafkaSettings

_TIMEOUT_SECONDS = 10


def require(settings: KafkaSettings, topic: str) -> None:
    """Make sure that Kafka answers and has the topic.

    Raises TransientError when no broker answers, TerminalError when the topic is not there.
    """
    admin = AdminClient({"bootstrap.servers": settings.bootstrap_servers, "log_level": 0})
    try:
        known = admin.list_topics(timeout=_TIMEOUT_SECONDS).topics
    except KafkaException as error:
        raise TransientError(
            f"Kafka at {settings.bootstrap_servers} does not answer: see 'skytier stack status', "
            "or check SKYTIER_KAFKA_BOOTSTRAP_SERVERS."
        ) from error
    if topic not in known:
        raise TerminalError(
            f"Kafka at {settings.bootstrap_servers} has no topic {topic}: 'skytier stack up' creates it on the local "
            "stack; elsewhere create it, or set SKYTIER_KAFKA_TOPIC to the one there is."
        )
