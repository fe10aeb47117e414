"""Every client looks at a server's certificate before it says anything: its authority, and its host's name."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from local_stack import authority, certificates, postgres
from local_stack.server import write_private
from skytier import cache, hot_tier, kafka_clients, sql_transport, topics
from skytier.errors import TerminalError, TransientError
from skytier.settings.base import HOST
from skytier.settings.kafka import KafkaSettings, KafkaUser
from skytier.settings.ports import PortSettings
from skytier.settings.redis import RedisSettings
from skytier.settings.sql import Role, SqlSettings
from skytier.settings.tls import TlsSettings
from skytier.sql import Connection

pytestmark = pytest.mark.plain

_SSL_REQUEST = bytes.fromhex("0000000804d2162f")  # how a client of PostgreSQL asks for TLS
PASSWORDS = (
    "MONGODB_PASSWORD",
    "REDIS_PASSWORD",
    "POSTGRES_AIRFLOW_PASSWORD",
    "SQL_READER_PASSWORD",
    "KAFKA_MONITOR_PASSWORD",
    "KAFKA_JOB_PASSWORD",
)


class Listener:
    """A port that speaks TLS with some certificate, and notes what came of each try and whether anything was said."""

    def __init__(self, certificate: Path, asks_first: bool) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._asks_first = asks_first
        self._socket = socket.create_server((HOST, 0))
        self.port = int(self._socket.getsockname()[1])
        self.heard: list[bytes] = []
        self.tries = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:  # closed
                return
            self.tries += 1
            with connection:
                connection.settimeout(5)
                try:
                    if self._asks_first:
                        assert connection.recv(8) == _SSL_REQUEST
                        connection.sendall(b"S")
                    with self._context.wrap_socket(connection, server_side=True) as secured:
                        self.heard.append(secured.recv(4096))
                except OSError:
                    continue

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)


def ask_mongodb() -> None:
    with hot_tier.client(patience_ms=500) as client:
        client.admin.command("ping")


def ask_kafka() -> None:
    AdminClient(kafka_clients.config(KafkaUser.MONITOR) | {"log_level": 0}).list_topics(timeout=1)


def ask_redis() -> None:
    with cache.client(RedisSettings()) as client:
        client.ping()


def ask_postgres() -> None:
    postgres.connect("airflow").close()


def ask_sql() -> None:
    user, password = SqlSettings().login(Role.READER)
    sql_transport.transport(HOST, PortSettings().sql, user, password, seconds=2).open()


CLIENTS: dict[str, Callable[[], None]] = {
    "mongodb": ask_mongodb,
    "kafka": ask_kafka,
    "redis": ask_redis,
    "postgres": ask_postgres,
    "sql": ask_sql,
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stack with TLS, as its clients know it."""
    monkeypatch.setenv("SKYTIER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SKYTIER_TLS_ENABLED", "1")
    for name in PASSWORDS:
        monkeypatch.setenv(f"SKYTIER_{name}", "secret")
    certificates.ensure()


def certificate_for(folder: Path, name: str) -> Path:
    """A certificate that the authority, which is trusted, made for another host."""
    issuer = authority.Authority(
        authority.read_key((TlsSettings().folder / "ca.key").read_bytes()),
        x509.load_pem_x509_certificate(TlsSettings().authority().read_bytes()),
    )
    key = authority.new_key()
    made = authority.sign(issuer, "other", key, [name], datetime.now(UTC))
    write_private(folder / "other.pem", authority.private_pem(key) + made.public_bytes(Encoding.PEM))
    return folder / "other.pem"


@contextmanager
def listening(client: str, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    listener = Listener(certificate, asks_first=client == "postgres")
    monkeypatch.setenv(f"SKYTIER_PORT_{client.upper()}", str(listener.port))
    try:
        yield listener
    finally:
        listener.close()


@pytest.mark.parametrize("client", CLIENTS)
def test_the_stacks_own_certificate_is_trusted(client: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(client, certificates.pem(client), monkeypatch) as listener:
        with suppress(Exception):  # it gets no answer that it understands
            CLIENTS[client]()
        assert any(listener.heard)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("why", ["another authority", "another host"])
def test_nothing_is_said_to_a_server_that_is_not_trusted(
    client: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if why == "another host":
        certificate = certificate_for(tmp_path, "db.example.org")
    else:
        certificate = certificates.pem(client)
        other = tmp_path / "other"
        with pytest.MonkeyPatch.context() as elsewhere:
            elsewhere.setenv("SKYTIER_HOME", str(other))
            certificates.ensure()
        monkeypatch.setenv("SKYTIER_TLS_CA_FILE", str(other / "tls" / "ca.pem"))
    with listening(client, certificate, monkeypatch) as listener:
        with pytest.raises(Exception, match=r"(?i)certificate|SSL|Could not connect|transport failure"):
            CLIENTS[client]()
        assert listener.tries > 0
        assert not any(listener.heard)


def test_a_certificate_that_is_not_trusted_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate, trusted = certificate_for(tmp_path, "db.example.org"), r"not trusted \(IP address mismatch"
    with listening("sql", certificate, monkeypatch), pytest.raises(TerminalError, match=trusted):
        Connection(Role.READER)


def test_a_broker_that_is_not_trusted_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = r"certificate is not trusted \(.*certificate verify failed.*see SKYTIER_TLS_CA_FILE"
    monkeypatch.setattr(topics, "_TIMEOUT_SECONDS", 1)
    certificate = certificate_for(tmp_path, "db.example.org")
    with listening("kafka", certificate, monkeypatch), pytest.raises(TransientError, match=named):
        topics.require(KafkaSettings(), "flight_events")
