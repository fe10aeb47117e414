"""Host names of the servers, and the address that servers listen on: the stack may span hosts."""

from __future__ import annotations

import socket

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from skytier.errors import TerminalError
from skytier.settings.base import HOST, Settings


class BindSettings(Settings):
    """What servers listen on, and the name of the host that they run on."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_BIND_")

    address: str = Field(HOST, description="address that servers listen on; 0.0.0.0: all of the host's")
    host: str = Field(
        "",
        description="name by which other hosts reach servers of this host; empty: the only name in SKYTIER_HOST_..., "
        "or, of several, the one that begins with the name of the system",
    )

    @property
    def is_loopback(self) -> bool:
        """Whether servers can be reached from their own host only."""
        return self.address.startswith("127.")


class HostSettings(Settings):
    """Host names by which clients reach the stack's servers; by default all run on one host."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_HOST_")

    kafka: str = Field(HOST, description="hosts of Kafka's brokers, comma-separated; each is a controller as well")
    namenode: str = Field(HOST, description="host of the HDFS NameNode")
    datanode: str = Field(HOST, description="hosts of the HDFS DataNodes, comma-separated")
    metastore: str = Field(HOST, description="host of the Hive metastore")
    sql: str = Field(HOST, description="host of the SQL endpoint")
    postgres: str = Field(HOST, description="host of PostgreSQL")
    redis: str = Field(HOST, description="host of Redis")
    mongodb: str = Field(HOST, description="hosts of MongoDB's replica set, comma-separated")
    airflow: str = Field(HOST, description="host of Airflow's API server")
    dashboard: str = Field(HOST, description="host of the dashboard")
    spark_master: str = Field(HOST, description="host of the Spark master, where jobs run on a cluster")
    spark_worker: str = Field(HOST, description="hosts of the Spark workers, comma-separated")

    def all_of(self, server: str) -> list[str]:
        """The hosts of a server. Raises TerminalError where the setting names none."""
        found = [name for part in str(getattr(self, server)).split(",") if (name := part.strip())]
        if not found:
            raise TerminalError(f"SKYTIER_HOST_{server.upper()} names no host: name one, or unset it for {HOST}.")
        return found

    def first(self, server: str) -> str:
        """The first host of a server."""
        return self.all_of(server)[0]

    def addresses(self, server: str, port: int) -> str:
        """Hosts and port of a server, as host:port,..."""
        return ",".join(f"{host}:{port}" for host in self.all_of(server))

    def here(self, server: str) -> str | None:
        """The name by which others reach a server of this host; None where it is none of the server's hosts."""
        if own := BindSettings().host:
            return own
        hosts = self.all_of(server)
        if len(hosts) == 1:
            return hosts[0]
        system = socket.gethostname()
        found = [host for host in hosts if system in (host, host.partition(".")[0])]
        return found[0] if found else None

    def own(self, server: str) -> str:
        """The same. Raises TerminalError instead of giving none."""
        if name := self.here(server):
            return name
        raise TerminalError(
            f"SKYTIER_HOST_{server.upper()}={getattr(self, server)} does not say which of them is this host, "
            f"{socket.gethostname()}: set SKYTIER_BIND_HOST to its name."
        )

    @property
    def is_one_host(self) -> bool:
        """Whether all servers run on this host and only it reaches them."""
        names = [name for server in type(self).model_fields for name in self.all_of(server)]
        return all(name == HOST for name in names) and BindSettings().is_loopback
