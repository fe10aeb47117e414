"""Settings of Kafka and its topics."""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
from typing import Literal

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from skytier.errors import TerminalError
from skytier.settings.base import Settings, stack_env_file
from skytier.settings.hosts import HostSettings
from skytier.settings.ports import PortSettings
from skytier.settings.tls import TlsSettings

LOCAL_KAFKA_MECHANISM = "SCRAM-SHA-256"


class KafkaUser(StrEnum):
    """Users of the local stack's Kafka, named ``skytier-...``."""

    PRODUCER = "producer"
    """publishes events and state vectors"""
    JOB = "job"
    """reads the events, writes dead letters"""
    OPERATOR = "operator"
    """creates, empties and deletes topics"""
    MONITOR = "monitor"
    """reads offsets of the topic"""
    ADMIN = "admin"
    """has all rights: the broker itself, and set-up"""


class KafkaSettings(Settings):
    """Kafka: brokers, logins, the topics of flight events and of aircraft's state vectors."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_KAFKA_")

    bootstrap_servers: str = Field("", description="addresses of brokers, as host:port,...; empty: the local stack's")
    security_protocol: Literal["", "PLAINTEXT", "SASL_PLAINTEXT", "SSL", "SASL_SSL"] = Field(
        "",
        description="protocol of the brokers; empty: for the local stack SASL_PLAINTEXT, or SASL_SSL if "
        "SKYTIER_TLS_ENABLED is set; for external brokers SASL_SSL with a user, PLAINTEXT without",
    )
    user: str = Field("", description="user at external brokers; in the local stack each component has its own user")
    password: SecretStr = Field(SecretStr(""), description="password of that user")
    sasl_mechanism: Literal["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"] = Field(
        "SCRAM-SHA-512", description="SASL mechanism by which that user logs in"
    )
    ca_file: str = Field(
        "", description="PEM file of the certificate authority of external brokers; empty: the system's authorities"
    )
    spark_login_file: str = Field(
        "",
        description="properties file with the `sasl.jaas.config` of Spark's clients, at the same path on driver and "
        "executors; empty: jobs write one on the driver's machine",
    )
    producer_password: SecretStr = Field(
        SecretStr(""), description="password of the local stack's user `skytier-producer`; generated at first start"
    )
    job_password: SecretStr = Field(SecretStr(""), description="password of `skytier-job`; generated at first start")
    operator_password: SecretStr = Field(
        SecretStr(""), description="password of `skytier-operator`; generated at first start"
    )
    monitor_password: SecretStr = Field(
        SecretStr(""), description="password of `skytier-monitor`; generated at first start"
    )
    admin_password: SecretStr = Field(
        SecretStr(""), description="password of `skytier-admin`, which the broker itself uses; generated at first start"
    )
    topic: str = Field("flight_events", description="topic of the flight events")
    dead_letter_topic: str = Field("flight_events_rejected", description="topic of the rejected records")
    states_topic: str = Field("opensky_states", description="topic of the state vectors of aircraft")
    invalid_states_topic: str = Field(
        "opensky_states_invalid", description="topic of rows of the OpenSky Network that are no valid state vectors"
    )
    partitions: int = Field(2, ge=1, description="number of partitions of topics that the local stack creates")
    replication: int = Field(
        0, ge=0, description="number of replicas of these topics; 0: one on each broker of SKYTIER_HOST_KAFKA, up to 3"
    )
    retention_days: int = Field(7, ge=1, description="retention of topics that the local stack creates")

    @model_validator(mode="after")
    def _local(self) -> KafkaSettings:
        if not self.bootstrap_servers:
            object.__setattr__(self, "bootstrap_servers", _local_brokers())
        if not self.security_protocol:
            elsewhere = "SASL_SSL" if self.user else "PLAINTEXT"
            local = "SASL_SSL" if TlsSettings().enabled else "SASL_PLAINTEXT"
            object.__setattr__(self, "security_protocol", local if self.is_local else elsewhere)
        return self

    @property
    def event_topics(self) -> tuple[str, ...]:
        """The topics whose records count: the local stack's broker stamps them, and flushes them to the disk."""
        return self.topic, self.states_topic

    @property
    def replicas(self) -> int:
        """The number of replicas of topics that the local stack creates."""
        return self.replication or min(3, len(HostSettings().all_of("kafka")))

    @property
    def min_insync_replicas(self) -> int:
        """How many replicas have a record before it is acknowledged: one may be down."""
        return max(1, self.replicas - 1)

    @cached_property
    def is_local(self) -> bool:
        """Whether the brokers are those of the local stack."""
        return self.bootstrap_servers == _local_brokers()

    def authority(self) -> str:
        """The file of the authorities that clients trust; empty: the system's.

        Raises TerminalError if the file of the local stack does not exist.
        """
        return str(TlsSettings().authority()) if self.is_local and TlsSettings().enabled else self.ca_file

    def login(self, user: KafkaUser) -> tuple[str, str, str]:
        """Mechanism, name and password of a user. Raises TerminalError if name or password is not set."""
        if self.is_local:
            missing = (
                f"SKYTIER_KAFKA_{user.upper()}_PASSWORD is not set and {stack_env_file()} does not hold it: start the "
                "local stack with 'make up', or set SKYTIER_KAFKA_BOOTSTRAP_SERVERS."
            )
            mechanism, name, password = LOCAL_KAFKA_MECHANISM, f"skytier-{user}", getattr(self, f"{user}_password")
        else:
            missing = (
                f"SKYTIER_KAFKA_USER and SKYTIER_KAFKA_PASSWORD are not both set; with SKYTIER_KAFKA_SECURITY_PROTOCOL="
                f"{self.security_protocol}, Kafka at {self.bootstrap_servers} asks for them."
            )
            mechanism, name, password = self.sasl_mechanism, self.user, self.password
        if not (name and password.get_secret_value()):
            raise TerminalError(missing)
        return mechanism, name, password.get_secret_value()


def _local_brokers() -> str:
    return HostSettings().addresses("kafka", PortSettings().kafka)
