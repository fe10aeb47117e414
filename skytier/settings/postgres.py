"""Settings of PostgreSQL."""

from __future__ import annotations

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from skytier.settings.base import Settings
from skytier.settings.hosts import HostSettings
from skytier.settings.ports import PortSettings
from skytier.settings.tls import TlsSettings


class PostgresSettings(Settings):
    """PostgreSQL, the database server of Airflow and of the Hive metastore."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_POSTGRES_")

    host: str = Field("", description="host of the server; empty: the local stack's")
    port: int = Field(0, description="port of the server; 0: the local stack's")
    user: str = Field("skytier", description="superuser of the local stack's server; for set-up only")
    password: SecretStr = Field(SecretStr(""), description="password of that user; generated at first start")
    airflow_password: SecretStr = Field(
        SecretStr(""),
        description="password of the user `airflow`, which owns the database `airflow`; generated at first start",
    )
    metastore_password: SecretStr = Field(
        SecretStr(""),
        description="password of the user `metastore`, which owns the database `metastore`; generated at first start",
    )

    monitor_password: SecretStr = Field(
        SecretStr(""),
        description="password of the user `monitor`, which connects to the database `airflow` and may do nothing else; "
        "generated at first start",
    )

    @model_validator(mode="after")
    def _local(self) -> PostgresSettings:
        if not self.host:
            object.__setattr__(self, "host", HostSettings().postgres)
        if not self.port:
            object.__setattr__(self, "port", PortSettings().postgres)
        return self

    def password_of(self, owner: str) -> str:
        """The password of the owner of a database."""
        return {"airflow": self.airflow_password, "metastore": self.metastore_password}[owner].get_secret_value()

    def probe_login(self) -> tuple[str, str]:
        """User and password with which probes connect to the database `airflow`; its owner's if there is no monitor."""
        if monitor := self.monitor_password.get_secret_value():
            return "monitor", monitor
        return "airflow", self.password_of("airflow")

    @staticmethod
    def tls_parameters() -> dict[str, str]:
        """TLS parameters of a connection, as libpq names them; empty if TLS is not enabled."""
        tls = TlsSettings()
        return {"sslmode": "verify-full", "sslrootcert": str(tls.authority())} if tls.enabled else {}
