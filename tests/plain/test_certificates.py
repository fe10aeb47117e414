"""The certificates of the servers that speak TLS: what they hold for, who may read them, when they are made anew."""

from __future__ import annotations

import json
import ssl
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import socketpair
from typing import Any
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12
from hypothesis import given
from hypothesis import strategies as st

from local_stack import authority, certificates
from local_stack.certificates import RENEWAL_DAYS, SERVERS, Certificate, ensure, pem, trust_store
from local_stack.environment import ensure_stack_env, read_stack_env
from skytier.errors import TerminalError
from skytier.settings.mongodb import MongoSettings
from skytier.settings.postgres import PostgresSettings
from skytier.settings.redis import RedisSettings
from skytier.settings.tls import TlsSettings
from skytier.sql_transport import untrusted
from tests import commands

pytestmark = pytest.mark.plain

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a stack that has TLS on."""
    folder = tmp_path / "home"
    monkeypatch.setenv("SKYTIER_HOME", str(folder))
    monkeypatch.setenv("SKYTIER_TLS_ENABLED", "1")
    monkeypatch.delenv("SKYTIER_TLS_CA_FILE", raising=False)
    return folder


def made(found: list[Certificate]) -> set[str]:
    return {one.owner for one in found if one.was_made}


def handshake(server: Path, trusted: Path, name: str) -> str | None:
    """The version of TLS that a client and a server agree on; raises what the client says of the certificate."""
    served, asked = socketpair()
    of_server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    of_server.load_cert_chain(server)

    def serve() -> None:
        try:
            of_server.wrap_socket(served, server_side=True).close()
        except OSError:
            served.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        context = ssl.create_default_context(cafile=str(trusted))
        with context.wrap_socket(asked, server_hostname=name) as connection:
            return connection.version()
    finally:
        asked.close()
        thread.join(10)


def test_each_server_gets_a_certificate_that_clients_trust(home: Path) -> None:
    found = ensure(["db.example.org", "10.1.2.3"])
    assert made(found) == {"authority", *SERVERS}
    for server in SERVERS:
        for name in ("localhost", "127.0.0.1", "db.example.org", "10.1.2.3"):
            assert handshake(pem(server), TlsSettings().authority(), name) == "TLSv1.3"
        with pytest.raises(ssl.SSLCertVerificationError, match=r"not valid for 'other\.example\.org'"):
            handshake(pem(server), TlsSettings().authority(), "other.example.org")


def test_another_authoritys_certificate_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ensure()
    other = pem("sql")
    monkeypatch.setenv("SKYTIER_HOME", str(tmp_path / "another"))
    ensure()
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        handshake(other, TlsSettings().authority(), "localhost")
    assert untrusted(caught.value) is caught.value


def test_nobody_else_may_read_the_keys(home: Path) -> None:
    home.mkdir()
    (home / "tls").mkdir(mode=0o755)  # as a user may have made it
    ensure()
    assert stat.S_IMODE((home / "tls").stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in (home / "tls").iterdir()} == {0o600}


def test_what_clients_get_holds_no_key() -> None:
    ensure()
    assert b"PRIVATE KEY" not in TlsSettings().authority().read_bytes()
    store = pkcs12.load_pkcs12(trust_store().read_bytes(), None)
    assert store.key is None
    (trusted,) = store.additional_certs
    assert trusted.certificate.public_bytes(Encoding.PEM) == TlsSettings().authority().read_bytes()


def test_a_servers_certificate_is_for_servers_only() -> None:
    ensure()
    certificate = x509.load_pem_x509_certificate(pem("redis").read_bytes())
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.key_cert_sign) == (True, False)
    assert list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        x509.oid.ExtendedKeyUsageOID.SERVER_AUTH
    ]
    issuer = x509.load_pem_x509_certificate(TlsSettings().authority().read_bytes())
    assert issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0


def test_what_is_good_stays() -> None:
    before = ensure(now=NOW)
    again = ensure(now=NOW + timedelta(days=authority.SERVER_DAYS - RENEWAL_DAYS - 1))
    assert made(again) == set()
    assert [one.sha256 for one in again] == [one.sha256 for one in before]


@pytest.mark.parametrize("days", [authority.SERVER_DAYS - RENEWAL_DAYS, authority.SERVER_DAYS + 100])
def test_what_ends_soon_is_made_anew_with_its_names(days: int) -> None:
    ensure(["db.example.org"], now=NOW)
    later = NOW + timedelta(days=days)
    found = ensure(now=later)
    assert made(found) == set(SERVERS)
    for one in found[1:]:
        assert one.names == ["localhost", "db.example.org", "127.0.0.1"]
        assert one.until == later + timedelta(days=authority.SERVER_DAYS)


def test_a_renewed_authority_is_the_one_that_clients_know(home: Path) -> None:
    ensure()
    known = x509.load_pem_x509_certificate((home / "tls" / "ca.pem").read_bytes())
    found = ensure(now=datetime.now(UTC) + timedelta(days=authority.AUTHORITY_DAYS - authority.SERVER_DAYS))
    assert made(found) == {"authority", *SERVERS}
    renewed = x509.load_pem_x509_certificate((home / "tls" / "ca.pem").read_bytes())
    assert renewed.not_valid_after_utc > known.not_valid_after_utc
    certificate = x509.load_pem_x509_certificate(pem("sql").read_bytes())
    assert authority.signed_by(certificate, known)
    assert authority.signed_by(certificate, renewed)


@pytest.mark.parametrize("lost", ["ca.key", "ca.pem"])
def test_what_another_authority_signed_is_made_anew(home: Path, lost: str) -> None:
    ensure()
    (home / "tls" / lost).unlink()
    found = made(ensure())
    assert found == ({"authority", *SERVERS} if lost == "ca.key" else {"authority"})
    assert handshake(pem("kafka"), TlsSettings().authority(), "localhost")


def test_a_new_name_is_taken_in_and_others_are_kept() -> None:
    ensure(["a.example.org"])
    found = ensure(["b.example.org"])
    assert made(found) == set(SERVERS)
    assert {"a.example.org", "b.example.org"} <= set(found[-1].names)
    assert made(ensure(["a.example.org"])) == set()
    assert made(ensure(renew=True)) == set(SERVERS)


@given(st.one_of(st.lists(LABEL, min_size=1, max_size=4).map(".".join), st.ip_addresses().map(str)))
def test_any_name_or_address_of_a_host_is_one(name: str) -> None:
    assert authority.canonical(name) == name


@pytest.mark.parametrize("name", ["", "a b", "-a", "a-.b", "a..b", "x" * 64, "http://a", "a:1", "ä.org", "a\n", "*"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(TerminalError, match="is neither a name of a host"):
        ensure([name])


def test_an_authority_of_the_users_own_signs_by_itself(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its certificates are used as they are, and nothing is made or changed."""
    ensure(now=NOW)
    own = tmp_path / "company.pem"
    own.write_bytes((home / "tls" / "ca.pem").read_bytes())
    (home / "tls" / "ca.key").unlink()
    monkeypatch.setenv("SKYTIER_TLS_CA_FILE", str(own))
    before = {server: pem(server).read_bytes() for server in SERVERS}
    found = ensure(now=NOW + timedelta(days=authority.SERVER_DAYS - 1))
    assert [one.owner for one in found] == list(SERVERS)
    assert made(found) == set()
    assert {server: pem(server).read_bytes() for server in SERVERS} == before
    assert TlsSettings().authority() == own

    with pytest.raises(TerminalError, match=r"mongodb\.pem; the certificate there ended on 2027-03-01"):
        ensure(now=NOW + timedelta(days=authority.SERVER_DAYS))
    pem("redis").write_text("no PEM")
    with pytest.raises(TerminalError, match=r"authority of your own.*redis\.pem; what is there cannot be read"):
        ensure(now=NOW)
    pem("redis").unlink()
    with pytest.raises(TerminalError, match=r"authority of your own.*redis\.pem\.$"):
        ensure(now=NOW)


def test_a_key_store_needs_its_password() -> None:
    ensure()
    store = certificates.key_store("sql", "right")
    key, certificate, _ = pkcs12.load_key_and_certificates(store, b"right")
    assert key is not None
    assert certificate == x509.load_pem_x509_certificate(pem("sql").read_bytes())
    with pytest.raises(ValueError, match="password"):
        pkcs12.load_key_and_certificates(store, b"wrong")


def test_clients_verify_the_authority_and_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SKYTIER_MONGODB_PASSWORD", "SKYTIER_MONGODB_READER_PASSWORD", "SKYTIER_REDIS_PASSWORD"):
        monkeypatch.setenv(name, "secret")
    with pytest.raises(TerminalError, match=r"SKYTIER_TLS_ENABLED is set.*skytier stack certificates"):
        MongoSettings().connection_string()
    ensure()
    file = str(TlsSettings().authority())
    assert MongoSettings().connection_string().endswith(f"&tls=true&tlsCAFile={quote(file, safe='')}")
    assert MongoSettings().reader_connection_string().endswith("&tls=true")  # Java's driver knows no such file
    assert PostgresSettings.tls_parameters() == {"sslmode": "verify-full", "sslrootcert": file}
    url = RedisSettings().connection_string()
    assert url.startswith("rediss://")
    assert "ssl_cert_reqs=required&ssl_check_hostname=true" in url

    monkeypatch.setenv("SKYTIER_TLS_ENABLED", "0")
    assert "tls" not in MongoSettings().connection_string()
    assert PostgresSettings.tls_parameters() == {}
    assert RedisSettings().connection_string().startswith("redis://")


def test_a_server_elsewhere_is_reached_as_its_own_address_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in (("MONGODB_URI", "mongodb://a/"), ("REDIS_URL", "redis://a")):
        monkeypatch.setenv(f"SKYTIER_{variable}", value)
    assert MongoSettings().connection_string() == "mongodb://a/"
    assert RedisSettings().connection_string() == "redis://a"


def test_the_setting_is_kept_until_it_is_given_anew(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.mkdir()
    ensure_stack_env()
    monkeypatch.delenv("SKYTIER_TLS_ENABLED")
    assert TlsSettings().enabled
    ensure_stack_env()
    assert TlsSettings().enabled
    monkeypatch.setenv("SKYTIER_TLS_ENABLED", "0")
    ensure_stack_env()
    assert read_stack_env()["SKYTIER_TLS_ENABLED"] == "0"


def test_the_command_says_what_it_made_and_what_clients_need(home: Path) -> None:
    environment = {"SKYTIER_HOME": str(home)}
    first = commands.run(("stack", "certificates", "--name", "db.example.org"), environment, 60)
    assert first.returncode == 0, first.stderr
    assert f"Give clients {home}/tls/ca.pem" in first.stdout
    assert "TLS is off: set SKYTIER_TLS_ENABLED=1" in first.stdout
    again = commands.run(("stack", "certificates", "--json"), environment | {"SKYTIER_TLS_ENABLED": "1"}, 60)
    found: list[dict[str, Any]] = json.loads(again.stdout)
    assert {one["owner"]: one["was_made"] for one in found} == dict.fromkeys(["authority", *SERVERS], False)
    assert found[0]["sha256"] in first.stdout
    wrong = commands.run(("stack", "certificates", "--name", "a b"), environment, 60)
    assert (wrong.returncode, "is neither a name of a host" in wrong.stderr) == (1, True)
