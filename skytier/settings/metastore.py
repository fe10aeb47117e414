"""Settings of the Hive metastore."""

from __future__ import annotations

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from skytier.settings.base import Settings
from skytier.settings.hosts import HostSettings
from skytier.settings.ports import PortSettings


class MetastoreSettings(Settings):
    """The Hive metastore."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_METASTORE_")

    uri: str = Field("", description="URI of the metastore, as thrift://host:port; empty: the local stack's")

    @model_validator(mode="after")
    def _local(self) -> MetastoreSettings:
        if not self.uri:
            object.__setattr__(self, "uri", f"thrift://{HostSettings().metastore}:{PortSettings().metastore}")
        return self
