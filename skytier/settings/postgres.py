"""How to reach the database of Airflow and of the metastore."""

from __future__ import annotations

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from skytier.settings.base import HOST, Settings
from skytier.settings.ports import PortSettings
from skytier.settings.tls import TlsSettings


class PostgresSettings(Settings):
    """The database of Airflow and of the Hive metastore."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_POSTGRES_")

    host: str = Field(HOST, description="host of the server")
    port: int = Field(0, description="port of the server; 0: the local stack's")
    user: str = Field("skytier", description="superuser of the local stack's server; for set-up only")
    password: SecretStr = Field(SecretStr(""), description="password of that user; made at first start")
    airflow_password: SecretStr = Field(
        SecretStr(""), description="password of `airflow`, whose database has its name; made at first start"
    )
    metastore_password: SecretStr = Field(
        SecretStr(""), description="password of `metastore`, whose database has its name; made at first start"
    )

    @model_validator(mode="after")
    def _local(self) -> PostgresSettings:
        if not self.port:
            object.__setattr__(self, "port", PortSettings().postgres)
        return self

    def password_of(self, owner: str) -> str:
        """The password of the owner of a database."""
        return {"airflow": self.airflow_password, "metastore": self.metastore_password}[owner].get_secret_value()

    @staticmethod
    def tls_parameters() -> dict[str, str]:
        """What a connection to it says of TLS, in PostgreSQL's own words; nothing where there is none."""
        tls = TlsSettings()
        return {"sslmode": "verify-full", "sslrootcert": str(tls.authority())} if tls.enabled else {}
