"""Settings of Redis, the cache."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from skytier.settings.base import Settings
from skytier.settings.hosts import HostSettings
from skytier.settings.ports import PortSettings
from skytier.settings.tls import TlsSettings


class RedisSettings(Settings):
    """Redis, the cache."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_REDIS_")

    url: SecretStr = Field(SecretStr(""), description="URL of the server, as redis://...; empty: the local stack's")
    password: SecretStr = Field(
        SecretStr(""), description="password of the local stack's server; generated at first start"
    )
    admin_password: SecretStr = Field(
        SecretStr(""),
        description="password of its user `skytier-admin`, which has all privileges; generated at first start",
    )
    max_memory_mb: int = Field(64, ge=1, description="maximum memory of the cache")

    def connection_string(self) -> str:
        """The URL of the server. It contains the password: never log it."""
        return self.url.get_secret_value() or self.local_connection_string()

    def local_connection_string(self) -> str:
        """The URL of the local stack's server. It contains the password as well."""
        tls = TlsSettings()
        server = f":{quote(self.password.get_secret_value(), safe='')}@{HostSettings().redis}:{PortSettings().redis}"
        if not tls.enabled:
            return f"redis://{server}"
        trusted = {"ssl_cert_reqs": "required", "ssl_check_hostname": "true", "ssl_ca_certs": str(tls.authority())}
        return f"rediss://{server}?{urlencode(trusted)}"
