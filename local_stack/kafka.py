"""Kafka: each process is broker and controller (KRaft); one, or a cluster of SKYTIER_HOST_KAFKA."""

from __future__ import annotations

import base64
import os
import uuid
from pathlib import Path

from confluent_kafka.admin import AdminClient

from local_stack import certificates, jvm, kafka_topics, kafka_users
from local_stack.server import Server, conf_folder, data_folder, write_private
from skytier import kafka_clients
from skytier.atomic_dir import atomic_dir
from skytier.errors import TerminalError
from skytier.settings.base import scratch_folder
from skytier.settings.hosts import BindSettings, HostSettings
from skytier.settings.kafka import KafkaSettings, KafkaUser
from skytier.settings.ports import PortSettings
from skytier.settings.tls import TlsSettings

# Their own log lines would only repeat that the broker is not up yet.
_QUIET = {"log_level": 0, "socket.timeout.ms": 2000}


class Kafka(Server):
    """The broker of the events."""

    name = "kafka"

    def ports(self) -> dict[str, int]:
        ports = PortSettings()
        return {"SKYTIER_PORT_KAFKA": ports.kafka, "SKYTIER_PORT_KAFKA_CONTROLLER": ports.kafka_controller}

    def address(self) -> str:
        return HostSettings().addresses(self.name, PortSettings().kafka)

    def prepare(self) -> None:
        data = data_folder(self.name)
        if not data.exists():
            with atomic_dir(data) as folder:
                self._format(folder)
        self.configure()

    def configure(self) -> None:
        self._write_properties(self._properties_file(), data_folder(self.name))

    def _format(self, folder: Path) -> None:
        """Make the data folder, with the user for set-up in it."""
        own = f"kafka-format.{os.getpid()}"  # not what a killed up's tool reads
        properties, arguments = scratch_folder() / f"{own}.properties", scratch_folder() / f"{own}.arguments"
        self._write_properties(properties, folder)
        cluster_id = base64.urlsafe_b64encode(_cluster_id().bytes).decode().rstrip("=")
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
        # One of a cluster is asked itself; who runs none of its brokers asks all.
        own = HostSettings().here(self.name)
        servers = f"{own}:{PortSettings().kafka}" if own else self.address()
        return _answers(self._client(KafkaUser.MONITOR, servers))

    def is_stuck(self) -> bool:
        """Whether one of an earlier version runs, which asks nobody for a password until it is started again."""
        return _answers(AdminClient({"bootstrap.servers": self.address(), **_QUIET}))

    def set_up(self) -> None:
        """Make users, and the topics that do not exist yet."""
        kafka = _settings()
        admin = self._client(KafkaUser.ADMIN)  # it has to live until the answers are there
        kafka_users.ensure(admin, kafka)
        if data_folder(self.name).exists():  # a broker of this host
            _users_file(data_folder(self.name)).touch()
        kafka_topics.ensure(self._client(KafkaUser.OPERATOR), kafka)

    def _client(self, user: KafkaUser, servers: str = "") -> AdminClient:
        login = kafka_clients.config(user, _settings())
        if not _has_users(data_folder(self.name)):
            login["sasl.mechanism"] = "PLAIN"
        if servers:
            login["bootstrap.servers"] = servers
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
        kafka = _settings()
        properties = _quorum() | {
            "log.dirs": data,
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": kafka.replicas,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": kafka.replicas,
            "transaction.state.log.min.isr": kafka.min_insync_replicas,
            "transaction.state.log.num.partitions": 4,
            "share.coordinator.state.topic.replication.factor": kafka.replicas,
            "share.coordinator.state.topic.min.isr": kafka.min_insync_replicas,
            "group.initial.rebalance.delay.ms": 0,
            # The cleaner's default buffer is half of the heap.
            "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
            "num.network.threads": 2,
            "num.io.threads": 4,
        }
        properties |= kafka_users.server_properties(kafka, has_users=_has_users(data)) | _tls()
        write_private(path, "".join(kafka_clients.property_line(key, value) for key, value in properties.items()))


def _settings() -> KafkaSettings:
    """Those of this server, whichever Kafka clients are told to use."""
    return KafkaSettings(bootstrap_servers="", security_protocol="")


def _quorum() -> dict[str, object]:
    """Which member of the cluster it is, what it listens on, and by which names others find it."""
    ports, bind, own = PortSettings(), BindSettings(), HostSettings().own(Kafka.name)
    brokers = HostSettings().all_of(Kafka.name)
    if own not in brokers:
        raise TerminalError(
            f"SKYTIER_HOST_KAFKA={','.join(brokers)} does not name this host, {own}: the place of a broker in the list "
            "is its number. Set both settings alike on all brokers, and SKYTIER_BIND_HOST to the name of each."
        )
    voters = (f"{number}@{host}:{ports.kafka_controller}" for number, host in enumerate(brokers, start=1))
    advertised = f"CLIENT://{own}:{ports.kafka}"
    if bind.address != own:
        advertised += f",CONTROLLER://{own}:{ports.kafka_controller}"
    return {
        "process.roles": "broker,controller",
        "node.id": brokers.index(own) + 1,
        "controller.quorum.voters": ",".join(voters),
        "controller.listener.names": "CONTROLLER",
        "listeners": f"CLIENT://{bind.address}:{ports.kafka},CONTROLLER://{bind.address}:{ports.kafka_controller}",
        "advertised.listeners": advertised,
    }


def _cluster_id() -> uuid.UUID:
    """The id that a data folder is formatted with: of a cluster one that each of its brokers works out by itself."""
    brokers = HostSettings().all_of(Kafka.name)
    return uuid.uuid4() if len(brokers) == 1 else uuid.uuid5(uuid.NAMESPACE_DNS, ",".join(brokers))


def _tls() -> dict[str, str]:
    """Where clients find it by TLS only: its certificate, and whom the broker trusts, which is a client of itself."""
    if not TlsSettings().enabled:
        return {}
    stores = {"keystore": certificates.pem(Kafka.name), "truststore": TlsSettings().authority()}
    found: dict[str, str] = {}
    for listener in kafka_users.tls_listeners():
        prefix = f"listener.name.{listener.lower()}.ssl"
        found |= {f"{prefix}.{store}.type": "PEM" for store in stores}
        found |= {f"{prefix}.{store}.location": str(file) for store, file in stores.items()}
    return found


def _answers(client: AdminClient) -> bool:
    return bool(client.list_topics(timeout=2).brokers)


def _users_file(data: Path) -> Path:
    """What says that the log in a data folder has users; those of earlier versions have none."""
    return data / "users.made"


def _has_users(data: Path) -> bool:
    """Whether its log has users: a new one gets the first of them with its format, one elsewhere has had them since."""
    return not data.exists() or _users_file(data).exists()
