"""Kafka: one process that is broker and controller (KRaft)."""

from __future__ import annotations

import base64
import os
import uuid
from pathlib import Path

import stamina
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
from confluent_kafka.cimpl import KafkaError, KafkaException, NewTopic

from local_stack import certificates, jvm, kafka_users
from local_stack.server import Server, conf_folder, data_folder, write_private
from skytier import kafka_clients
from skytier.atomic_dir import atomic_dir
from skytier.settings.base import HOST, scratch_folder
from skytier.settings.kafka import KafkaSettings, KafkaUser
from skytier.settings.ports import PortSettings
from skytier.settings.tls import TlsSettings

_DAY_MS = 24 * 60 * 60 * 1000
_EVENTS = {
    # The time of ingestion is the broker's: nothing a producer says is it.
    "message.timestamp.type": "LogAppendTime",
    # The only replica: what is acknowledged is on the disk, or a power cut would take it back.
    "flush.messages": "1",
}
# Their own log lines would only repeat that the broker is not up yet.
_QUIET = {"log_level": 0, "socket.timeout.ms": 2000}
_NOT_YET = {KafkaError.CLUSTER_AUTHORIZATION_FAILED, KafkaError.TOPIC_AUTHORIZATION_FAILED}


def _is_unknown_yet(error: Exception) -> bool:
    """Whether a user may not do what it was just allowed: the broker learns of it a moment later."""
    return isinstance(error, KafkaException) and error.args[0].code() in _NOT_YET


class Kafka(Server):
    """The broker of the flight events."""

    name = "kafka"

    def ports(self) -> dict[str, int]:
        ports = PortSettings()
        return {"SKYTIER_PORT_KAFKA": ports.kafka, "SKYTIER_PORT_KAFKA_CONTROLLER": ports.kafka_controller}

    def address(self) -> str:
        return f"{HOST}:{PortSettings().kafka}"

    def prepare(self) -> None:
        data = data_folder(self.name)
        if not data.exists():
            with atomic_dir(data) as folder:
                self._format(folder)
        self._write_properties(self._properties_file(), data)

    def _format(self, folder: Path) -> None:
        """Make the data folder, with the user for set-up in it."""
        own = f"kafka-format.{os.getpid()}"  # not what a killed up's tool reads
        properties, arguments = scratch_folder() / f"{own}.properties", scratch_folder() / f"{own}.arguments"
        self._write_properties(properties, folder)
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # One in 64 begins with a dash, which would be taken for an option.
        options = ["--add-scram", kafka_users.first_credential(_settings()), "--config", str(properties)]
        write_private(arguments, "\n".join(["format", f"--cluster-id={cluster_id}", *options]) + "\n")
        try:  # every user of the machine can read a command line
            jvm.run(self._java("kafka.tools.StorageTool", f"@{arguments}"), "Formatting Kafka's data folder")
        finally:
            arguments.unlink(missing_ok=True)
            properties.unlink(missing_ok=True)
        _users_file(folder).touch()

    def command(self) -> list[str]:
        return self._java("kafka.Kafka", str(self._properties_file()))

    def responds(self) -> bool:
        return _answers(self._client(KafkaUser.ADMIN))

    def ready(self) -> bool:
        return _answers(self._client(KafkaUser.MONITOR))

    def is_stuck(self) -> bool:
        """Whether one of an earlier version runs, which asks nobody for a password until it is started again."""
        return _answers(AdminClient({"bootstrap.servers": self.address(), **_QUIET}))

    def set_up(self) -> None:
        """Make users, and the topics that do not exist yet."""
        kafka = _settings()
        admin = self._client(KafkaUser.ADMIN)  # it has to live until the answers are there
        kafka_users.ensure(admin, kafka)
        _users_file(data_folder(self.name)).touch()
        self._make_topics(kafka)

    @stamina.retry(on=_is_unknown_yet, timeout=10, wait_initial=0.02, wait_max=0.2)
    def _make_topics(self, kafka: KafkaSettings) -> None:
        retention = {"retention.ms": str(kafka.retention_days * _DAY_MS)}
        topics = [
            NewTopic(kafka.topic, kafka.partitions, 1, config=retention | _EVENTS),
            # A record that is rejected again, when a batch is repeated, replaces its first copy.
            NewTopic(kafka.dead_letter_topic, 1, 1, config=retention | {"cleanup.policy": "compact,delete"}),
        ]
        operator = self._client(KafkaUser.OPERATOR)
        for created in operator.create_topics(topics, operation_timeout=10).values():
            try:
                created.result()
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise
        self._configure(operator, kafka.topic)

    @staticmethod
    def _configure(admin: AdminClient, topic: str) -> None:
        """Give the topic of events its properties where earlier code made it."""
        entries = [
            ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in _EVENTS.items()
        ]
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)
        for changed in admin.incremental_alter_configs([resource]).values():
            changed.result()

    def _client(self, user: KafkaUser) -> AdminClient:
        login = kafka_clients.config(user, _settings())
        if not _has_users(data_folder(self.name)):
            login["sasl.mechanism"] = "PLAIN"
        return AdminClient(login | _QUIET)

    def _java(self, main: str, *arguments: str) -> list[str]:
        logger = {"defaultLogLevel": "warn", "showDateTime": "true", "dateTimeFormat": "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"}
        level = [f"-Dorg.slf4j.simpleLogger.{key}={value}" for key, value in logger.items()]
        return jvm.java(main, *arguments, classpath=[jvm.jars("kafka")], heap_mb=256, options=level)

    @staticmethod
    def _properties_file() -> Path:
        return conf_folder() / "kafka.properties"

    @staticmethod
    def _write_properties(path: Path, data: Path) -> None:
        ports = PortSettings()
        properties = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@{HOST}:{ports.kafka_controller}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"CLIENT://{HOST}:{ports.kafka},CONTROLLER://{HOST}:{ports.kafka_controller}",
            "advertised.listeners": f"CLIENT://{HOST}:{ports.kafka}",
            "log.dirs": data,
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 4,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            # The cleaner's default buffer is half of the heap.
            "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
            "num.network.threads": 2,
            "num.io.threads": 4,
        }
        has_users = not data.exists() or _has_users(data)  # a new one gets the first of them with its format
        properties |= kafka_users.server_properties(_settings(), has_users=has_users) | _tls()
        write_private(path, "".join(kafka_clients.property_line(key, value) for key, value in properties.items()))


def _settings() -> KafkaSettings:
    """Those of this server, whichever Kafka clients are told to use."""
    return KafkaSettings(bootstrap_servers="", security_protocol="")


def _tls() -> dict[str, str]:
    """Where clients find it by TLS only: its certificate, and whom the broker trusts, which is a client of itself."""
    if not TlsSettings().enabled:
        return {}
    stores = {"keystore": certificates.pem(Kafka.name), "truststore": TlsSettings().authority()}
    prefix = "listener.name.client.ssl"
    kinds = {f"{prefix}.{store}.type": "PEM" for store in stores}
    return kinds | {f"{prefix}.{store}.location": str(file) for store, file in stores.items()}


def _answers(client: AdminClient) -> bool:
    return bool(client.list_topics(timeout=2).brokers)


def _users_file(data: Path) -> Path:
    """What says that the log in a data folder has users; those of earlier versions have none."""
    return data / "users.made"


def _has_users(data: Path) -> bool:
    return _users_file(data).exists()
