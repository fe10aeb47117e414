"""Kafka: one process that is broker and controller (KRaft)."""

from __future__ import annotations

import base64
import os
import uuid
from pathlib import Path

from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
from confluent_kafka.cimpl import KafkaError, KafkaException, NewTopic

from local_stack import jvm
from local_stack.server import Server, conf_folder, data_folder
from skytier.kept_folder import new_folder
from skytier.settings import HOST, KafkaSettings, PortSettings, scratch_folder

_DAY_MS = 24 * 60 * 60 * 1000
_EVENTS = {
    # The time of ingestion is the broker's: nothing a producer says is it.
    "message.timestamp.type": "LogAppendTime",
    # The only replica: what is acknowledged is on the disk, or a power cut would take it back.
    "flush.messages": "1",
}


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
        self._write_properties(self._properties_file(), data)
        if not data.exists():
            with new_folder(data_folder(self.name)) as folder:
                self._format(folder)

    def _format(self, folder: Path) -> None:
        properties = scratch_folder() / f"kafka-format.{os.getpid()}.properties"  # not the one a killed up's tool reads
        self._write_properties(properties, folder)
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # One in 64 begins with a dash, which would be taken for an option.
        tool = ["format", f"--cluster-id={cluster_id}", "--config", str(properties)]
        jvm.run(self._java("kafka.tools.StorageTool", *tool), "Formatting Kafka's data folder")

    def command(self) -> list[str]:
        return self._java("kafka.Kafka", str(self._properties_file()))

    def ready(self) -> bool:
        return bool(self._admin().list_topics(timeout=2).brokers)

    def set_up(self) -> None:
        """Create the topics that do not exist yet."""
        kafka = KafkaSettings()
        retention = {"retention.ms": str(kafka.retention_days * _DAY_MS)}
        topics = [
            NewTopic(kafka.topic, kafka.partitions, 1, config=retention | _EVENTS),
            # A record that is rejected again, when a batch is repeated, replaces its first copy.
            NewTopic(kafka.dead_letter_topic, 1, 1, config=retention | {"cleanup.policy": "compact,delete"}),
        ]
        admin = self._admin()  # it has to live until the answers are there
        for created in admin.create_topics(topics, operation_timeout=10).values():
            try:
                created.result()
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise
        self._configure(admin, kafka.topic)

    @staticmethod
    def _configure(admin: AdminClient, topic: str) -> None:
        """Give the topic of events its properties where earlier code made it."""
        entries = [
            ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in _EVENTS.items()
        ]
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)
        for changed in admin.incremental_alter_configs([resource]).values():
            changed.result()

    def _admin(self) -> AdminClient:
        # Its own log lines would only repeat that the broker is not up yet.
        return AdminClient({"bootstrap.servers": self.address(), "log_level": 0, "socket.timeout.ms": 2000})

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
            "listeners": f"PLAINTEXT://{HOST}:{ports.kafka},CONTROLLER://{HOST}:{ports.kafka_controller}",
            "advertised.listeners": f"PLAINTEXT://{HOST}:{ports.kafka}",
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
        path.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))
