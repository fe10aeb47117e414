"""Which answers of Kafka a set-up waits out, and which end it."""

from __future__ import annotations

import socket

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)
from confluent_kafka.cimpl import KafkaError, KafkaException

from local_stack.kafka_users import is_passing

pytestmark = pytest.mark.plain

RIGHT = AclBinding(
    ResourceType.TOPIC,
    "events",
    ResourcePatternType.LITERAL,
    "User:one",
    "*",
    AclOperation.READ,
    AclPermissionType.ALLOW,
)


def test_a_broker_that_does_not_answer_in_time_is_asked_again() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        admin = AdminClient({"bootstrap.servers": f"127.0.0.1:{silent.getsockname()[1]}", "log_level": 0})
        (made,) = admin.create_acls([RIGHT], request_timeout=0.2).values()
        with pytest.raises(KafkaException) as found:
            made.result()
    assert is_passing(found.value), found.value


@pytest.mark.parametrize("code", [KafkaError.SECURITY_DISABLED, KafkaError.CLUSTER_AUTHORIZATION_FAILED])
def test_a_broker_that_refuses_is_not(code: int) -> None:
    assert not is_passing(KafkaException(KafkaError(code)))
