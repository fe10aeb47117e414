"""How to reach Kafka, and its topics."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from skytier.errors import TerminalError
from skytier.settings.base import HOST, Settings, stack_env_file
from skytier.settings.ports import PortSettings
from skytier.settings.tls import TlsSettings

LOCAL_KAFKA_MECHANISM = "SCRAM-SHA-256"


class KafkaUser(StrEnum):
    """Who logs in to the local stack's Kafka, as the user ``skytier-...``."""

    PRODUCER = "producer"
    """publishes events"""
    JOB = "job"
    """reads the events, writes dead letters"""
    OPERATOR = "operator"
    """makes, empties and deletes topics"""
    MONITOR = "monitor"
    """looks at how far the topic is"""
    ADMIN = "admin"
    """may do everything: the broker itself, and set-up"""


class KafkaSettings(Settings):
    """Kafka: how to log in, the topic of flight events, and its dead-letter topic."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_KAFKA_")

    bootstrap_servers: str = Field("", description="brokers as host:port,...; empty: the local stack's")
    security_protocol: Literal["", "PLAINTEXT", "SASL_PLAINTEXT", "SSL", "SASL_SSL"] = Field(
        "",
        description="protocol of the brokers; empty: SASL_PLAINTEXT with the local stack's, or SASL_SSL where "
        "SKYTIER_TLS_ENABLED is set; with others SASL_SSL where there is a user and PLAINTEXT where there is none",
    )
    user: str = Field("", description="user at brokers elsewhere; on the local stack each part has one of its own")
    password: SecretStr = Field(SecretStr(""), description="password of that user")
    sasl_mechanism: Literal["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"] = Field(
        "SCRAM-SHA-512", description="how that user logs in"
    )
    ca_file: str = Field("", description="PEM file of the authority of the brokers' certificates; empty: the system's")
    spark_login_file: str = Field(
        "",
        description="properties file with the `sasl.jaas.config` of Spark's clients, the same path on driver and "
        "executors of a cluster; empty: jobs write one on this machine",
    )
    producer_password: SecretStr = Field(
        SecretStr(""), description="password of the local stack's `skytier-producer`; made at first start"
    )
    job_password: SecretStr = Field(SecretStr(""), description="the same of `skytier-job`; made at first start")
    operator_password: SecretStr = Field(
        SecretStr(""), description="the same of `skytier-operator`; made at first start"
    )
    monitor_password: SecretStr = Field(SecretStr(""), description="the same of `skytier-monitor`; made at first start")
    admin_password: SecretStr = Field(
        SecretStr(""), description="the same of `skytier-admin`, the broker itself; made at first start"
    )
    topic: str = Field("flight_events", description="topic of the flight events")
    dead_letter_topic: str = Field("flight_events_rejected", description="topic of the rejected records")
    partitions: int = Field(2, ge=1, description="partitions of a topic that the local stack creates")
    retention_days: int = Field(7, ge=1, description="retention of a topic that the local stack creates")

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
    def is_local(self) -> bool:
        """Whether it is the local stack's."""
        return self.bootstrap_servers == _local_brokers()

    def authority(self) -> str:
        """The file of the authorities that clients trust; empty: the system's. Raises TerminalError without it."""
        return str(TlsSettings().authority()) if self.is_local and TlsSettings().enabled else self.ca_file

    def login(self, user: KafkaUser) -> tuple[str, str, str]:
        """Mechanism, name and password of who logs in. Raises TerminalError where there is none."""
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
    return f"{HOST}:{PortSettings().kafka}"
