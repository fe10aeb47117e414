"""Settings of the SQL endpoint."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from skytier.errors import TerminalError
from skytier.settings.base import Settings, stack_env_file
from skytier.settings.hosts import HostSettings
from skytier.settings.ports import PortSettings


class Role(StrEnum):
    """Role of a user of the SQL endpoint."""

    READER = "reader"
    OPERATOR = "operator"


class SqlSettings(Settings):
    """The SQL endpoint (Spark Thrift Server)."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_SQL_")

    host: str = Field("", description="host of the SQL endpoint; empty: the local stack's")
    port: int = Field(0, description="port of the SQL endpoint; 0: the local stack's")
    user: str = Field("skytier", description="user with the role operator, as which commands change the warehouse")
    password: SecretStr = Field(SecretStr(""), description="password of that user; generated at first start")
    reader: str = Field("skytier_reader", description="user with the role reader, for the dashboard and queries")
    reader_password: SecretStr = Field(SecretStr(""), description="password of that user; generated at first start")
    memory_mb: int = Field(768, ge=256, description="heap size of the local stack's SQL endpoint")
    jvm_options: str = Field("", description="additional JVM options of the local stack's SQL endpoint")
    query_timeout_seconds: int = Field(240, ge=1, description="timeout after which a query is cancelled")

    @model_validator(mode="after")
    def _local(self) -> SqlSettings:
        if not self.host:
            object.__setattr__(self, "host", HostSettings().sql)
        if not self.port:
            object.__setattr__(self, "port", PortSettings().sql)
        return self

    def login(self, role: Role) -> tuple[str, str]:
        """User and password of a role. Raises TerminalError if the password is not set."""
        user, password, variable = {
            Role.OPERATOR: (self.user, self.password, "SKYTIER_SQL_PASSWORD"),
            Role.READER: (self.reader, self.reader_password, "SKYTIER_SQL_READER_PASSWORD"),
        }[role]
        if not password.get_secret_value():
            raise TerminalError(
                f"{variable} is not set and {stack_env_file()} does not hold it: "
                "start the local stack with 'make up', or set it to the password of the SQL endpoint's user "
                f"{user}."
            )
        return user, password.get_secret_value()
