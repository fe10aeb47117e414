"""Kafka's topics, asked before work begins that would only time out without them."""

from __future__ import annotations

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import KafkaException

from skytier.errors import TerminalError, TransientError
from skytier.kafka_clients import Login
from skytier.settings.kafka import KafkaSettings, KafkaUser

_TIMEOUT_SECONDS = 10


def require(settings: KafkaSettings, topic: str) -> None:
    """Make sure that Kafka answers and has the topic.

    Raises TransientError when no broker answers, TerminalError when the topic is not there.
    """
    login = Login(KafkaUser.JOB, settings)
    admin = AdminClient(login.config | {"log_level": 0})
    try:
        known = admin.list_topics(timeout=_TIMEOUT_SECONDS).topics
    except KafkaException as error:
        raise TransientError(f"{login.why(admin, error)}.") from error
    if topic not in known:
        raise TerminalError(
            f"Kafka at {settings.bootstrap_servers} has no topic {topic} that we may see: 'skytier stack up' makes it "
            "on the local stack; elsewhere create it, let its user read it, or set SKYTIER_KAFKA_TOPIC."
        )
