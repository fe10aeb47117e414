"""Settings of HDFS."""

from __future__ import annotations

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from skytier.settings.base import Settings
from skytier.settings.hosts import HostSettings
from skytier.settings.ports import PortSettings


class HdfsSettings(Settings):
    """HDFS: the file system of the cold tier and the archive."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_HDFS_")

    url: str = Field("", description="URL of the file system, as hdfs://host:port; empty: the local stack's")
    web_url: str = Field("", description="URL of WebHDFS, as http://host:port; empty: the local stack's")
    user: str = Field("skytier", description="user that owns the files")
    replication: int = Field(
        0,
        ge=0,
        description="number of DataNodes that the local stack's HDFS stores each block on; 0: 2 if "
        "SKYTIER_HOST_DATANODE names several, otherwise 1",
    )
    secret: SecretStr = Field(
        SecretStr(""),
        description="secret that WebHDFS requires in the header X-Skytier-Secret; generated at first start",
    )

    @model_validator(mode="after")
    def _local(self) -> HdfsSettings:
        ports, host = PortSettings(), HostSettings().namenode
        if not self.url:
            object.__setattr__(self, "url", f"hdfs://{host}:{ports.namenode}")
        if not self.web_url:
            object.__setattr__(self, "web_url", f"http://{host}:{ports.namenode_http}")
        return self

    @property
    def replicas(self) -> int:
        """The number of DataNodes that each block is stored on."""
        return self.replication or min(2, len(HostSettings().all_of("datanode")))

    @property
    def is_local(self) -> bool:
        """Whether the file system is that of the local stack."""
        return self.url == f"hdfs://{HostSettings().namenode}:{PortSettings().namenode}"
