"""Kafka asks who is there, and lets each user do what its part needs and no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    OffsetSpec,
    ResourcePatternType,
    ResourceType,
)
from confluent_kafka.cimpl import NewTopic

from generator.publisher import Publisher
from skytier import kafka_clients, lag, server_questions, topics
from skytier.errors import TransientError
from skytier.settings.kafka import KafkaSettings, KafkaUser
from skytier.settings.ports import PortSettings
from tests.kafka_wire import FAILED, UNSUPPORTED_MECHANISM, Wire
from tests.own_stack import OwnStack

pytestmark = pytest.mark.stack

EVENTS, REJECTED = "flight_events", "flight_events_rejected"
STATES, INVALID_STATES = "opensky_states", "opensky_states_invalid"
_LARGE = 2_000_000
Config = dict[str, Any]
Act = Callable[[Config], object]
DENIED = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    KafkaError._NOENT,  # "no leaders found": of a topic that one may not see
}


def results(futures: Any) -> list[Any]:
    """What was asked for, once it is there; the client has to live until then."""
    asked = futures.values() if isinstance(futures, dict) else [futures]
    return [future.result() for future in asked]


def by_admin(ask: Callable[[AdminClient], Any]) -> Act:
    def act(config: Config) -> None:
        client = AdminClient(config)
        results(ask(client))

    return act


LATEST = OffsetSpec.latest()  # type: ignore[no-untyped-call]


def end_of(topic: str) -> Act:
    place = {TopicPartition(topic, 0): LATEST}
    return by_admin(lambda client: client.list_offsets(place, request_timeout=10))


def read(topic: str) -> Act:
    def act(config: Config) -> None:
        group = {"group.id": f"{config['sasl.username']}-test", "enable.partition.eof": True}
        consumer = Consumer(config | group)
        try:
            if unseen := consumer.list_topics(topic, timeout=10).topics[topic].error:
                raise KafkaException(unseen)  # which reading would wait for
            consumer.assign([TopicPartition(topic, 0, 0)])
            found = consumer.poll(10)
            assert found is not None
            if (error := found.error()) and error.code() != KafkaError._PARTITION_EOF:
                raise KafkaException(error)
        finally:
            consumer.close()

    return act


def write(topic: str) -> Act:
    """Send a record that is larger than the broker takes, which it says to those who may write."""

    def act(config: Config) -> None:
        failed: list[Any] = []
        large = {"message.max.bytes": 4 * _LARGE, "message.timeout.ms": 10_000}
        producer = Producer(config | large)
        producer.produce(topic, bytes(_LARGE), on_delivery=lambda error, _: failed.append(error))
        assert producer.flush(20) == 0
        if failed[0].code() not in (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_RECORD):
            raise KafkaException(failed[0])

    return act


def begin_transactions(name: str = "") -> Act:
    def act(config: Config) -> None:
        name_or_own = name or f"{config['sasl.username']}-test"
        Producer(config | {"transactional.id": name_or_own}).init_transactions(10)

    return act


def create(topic: str) -> Act:
    def act(config: Config) -> None:
        client = AdminClient(config)
        try:
            results(client.create_topics([NewTopic(topic, 1, 1)], validate_only=True))
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise

    return act


def configure(kind: ResourceType, name: str, key: str, value: str) -> Act:
    entry = ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(kind, name, incremental_configs=[entry])
    return by_admin(lambda client: client.incremental_alter_configs([resource], validate_only=True))


def delete_no_records(topic: str) -> Act:
    return by_admin(lambda client: client.delete_records([TopicPartition(topic, 0, 0)]))


MORE = AclBinding(
    ResourceType.TOPIC, "a", ResourcePatternType.LITERAL, "User:eve", "*", AclOperation.READ, AclPermissionType.ALLOW
)
LOOKS: dict[str, Act] = {
    "describe": by_admin(lambda client: client.describe_topics(TopicCollection([EVENTS]))),
    "lag": end_of(EVENTS),
}
LOOKS_AT_STATES: dict[str, Act] = {"lag of states": end_of(STATES)}
READS = {"read events": read(EVENTS)}
PUBLISHES = {
    "publish": write(EVENTS),
    "publish states": write(STATES),
    "publish invalid states": write(INVALID_STATES),
    "publish in transactions": begin_transactions(),
}
DEAD_LETTERS = {"write a dead letter": write(REJECTED)}
CARES = {
    "read dead letters": read(REJECTED),
    "read states": read(STATES),
    "read invalid states": read(INVALID_STATES),
    "make the topics": create(EVENTS),
    "make the topic of states": create(STATES),
    "configure": configure(ResourceType.TOPIC, EVENTS, "flush.messages", "1"),
    "delete records": delete_no_records(EVENTS),
    "delete states": delete_no_records(STATES),
    "delete dead letters": delete_no_records(REJECTED),
}
RULES: dict[str, Act] = {
    "make other topics": create("elsewhere"),
    "transactions of others": begin_transactions("elsewhere"),
    "give a right": by_admin(lambda client: client.create_acls([MORE])),
    "configure the broker": configure(ResourceType.BROKER, "1", "log.cleaner.threads", "1"),
}
MAY: dict[KafkaUser, dict[str, Act]] = {
    KafkaUser.PRODUCER: LOOKS | LOOKS_AT_STATES | PUBLISHES,
    KafkaUser.JOB: LOOKS | READS | DEAD_LETTERS,
    KafkaUser.OPERATOR: LOOKS | LOOKS_AT_STATES | READS | CARES,
    KafkaUser.MONITOR: LOOKS,
}
EVERY = LOOKS | LOOKS_AT_STATES | READS | PUBLISHES | DEAD_LETTERS | CARES | RULES


def refused(config: Config, acts: dict[str, Act]) -> set[str]:
    """What somebody may not do; any other failure is one."""
    found = set()
    for name, act in acts.items():
        try:
            act(config)
        except KafkaException as error:
            if error.args[0].code() not in DENIED:
                raise
            found.add(name)
    return found


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize("user", MAY)
def test_each_user_may_do_what_its_part_needs(user: KafkaUser) -> None:
    assert refused(kafka_clients.config(user) | {"log_level": 0}, EVERY) == set(EVERY) - set(MAY[user])


def failures(config: Config, seconds: float = 1) -> set[int]:
    """What a client is told that does not get in."""
    told: list[KafkaError] = []
    client = Producer(config | {"log_level": 0, "error_cb": told.append})
    with pytest.raises(KafkaException):
        client.list_topics(timeout=seconds)
    client.poll(0)
    return {error.code() for error in told}


@pytest.mark.usefixtures("stack")
def test_nobody_gets_in_without_a_password_of_its_own() -> None:
    config = kafka_clients.config(KafkaUser.ADMIN)
    anonymous = {"bootstrap.servers": config["bootstrap.servers"]}
    assert KafkaError._AUTHENTICATION not in failures(anonymous)
    for change in (
        {"sasl.password": "wrong"},
        {"sasl.username": "eve"},
        {"sasl.username": "skytier-producer"},
        {"sasl.mechanism": "PLAIN"},
        {"sasl.mechanism": "SCRAM-SHA-512"},
    ):
        assert KafkaError._AUTHENTICATION in failures(config | change), change


ASKS: dict[KafkaUser, tuple[Callable[[], object], ...]] = {
    KafkaUser.PRODUCER: (lambda: Publisher(EVENTS, KafkaSettings()),),
    KafkaUser.JOB: (lambda: topics.require(KafkaSettings(), EVENTS),),
    KafkaUser.MONITOR: (lambda: lag.lag([]), server_questions.kafka),
}


@pytest.mark.parametrize("user", ASKS)
def test_who_is_refused_reads_why(user: KafkaUser, stack: OwnStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"SKYTIER_KAFKA_{user.upper()}_PASSWORD", "wrong")
    for ask in ASKS[user]:
        with pytest.raises(TransientError, match=f"refuses skytier-{user} or its password: see {stack.home}/stack.env"):
            ask()


@pytest.mark.usefixtures("stack")
def test_the_controller_answers_the_broker_only() -> None:
    _, admin, password = KafkaSettings().login(KafkaUser.ADMIN)
    _, job, password_of_job = KafkaSettings().login(KafkaUser.JOB)
    port = PortSettings().kafka_controller
    for asked in (port, PortSettings().kafka):
        with Wire(asked) as wire:
            assert wire.create_no_topics() is None
    with Wire(port) as wire:
        assert wire.begin_login("SCRAM-SHA-256") == UNSUPPORTED_MECHANISM
    for user, tried in ((admin, "wrong"), (admin, ""), (job, password_of_job), (job, "")):
        with Wire(port) as wire:
            assert wire.begin_login("PLAIN") == 0
            assert wire.log_in(user, tried) == FAILED
    with Wire(port) as wire:
        assert (wire.begin_login("PLAIN"), wire.log_in(admin, password)) == (0, 0)
        assert wire.create_no_topics()
