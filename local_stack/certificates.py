"""The certificates of the servers that speak TLS, in a folder that only its owner may read.

A certificate and its key are one file, as MongoDB and Kafka want it. Clients get the authority's certificate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    load_pem_private_key,
    pkcs12,
)

from local_stack import authority, processes
from local_stack.authority import Authority
from local_stack.server import Server, write_private
from skytier.errors import TerminalError
from skytier.settings.base import HOST
from skytier.settings.tls import TlsSettings

SERVERS = ("mongodb", "postgres", "redis", "kafka", "sql")
RENEWAL_DAYS = 30
"""days before its end at which a certificate is made anew"""
_LOCAL_NAMES = ("localhost", HOST)


@dataclass(frozen=True)
class Certificate:
    """What is known of a certificate."""

    owner: str
    file: str
    names: list[str]
    """of hosts, and addresses, that clients may know the server by"""
    until: datetime
    sha256: str
    """fingerprint, to compare with what a client was given"""
    was_made: bool


def pem(server: str) -> Path:
    """The file with the key and the certificate of a server, then those of authorities between."""
    return TlsSettings().folder / f"{server}.pem"


def trust_store() -> Path:
    """The authorities that clients trust, for Java: PKCS #12 without a password, for it holds no secret."""
    return TlsSettings().folder / "ca.p12"


def authority_file(folder: Path) -> Path:
    """The authorities that clients trust, of the stack whose folder of certificates this is."""
    return TlsSettings().authority() if TlsSettings().ca_file else folder / "ca.pem"


def key_store(server: str, password: str) -> bytes:
    """A server's key and certificates for Java: PKCS #12, encrypted."""
    content = pem(server).read_bytes()
    own, *others = x509.load_pem_x509_certificates(content)
    key = load_pem_private_key(content, None)
    encryption = BestAvailableEncryption(password.encode())
    return pkcs12.serialize_key_and_certificates(server.encode(), key, own, others, encryption)  # type: ignore[arg-type]


def ensure(
    names: Iterable[str] = (),
    *,
    renew: bool = False,
    now: datetime | None = None,
    folder: Path | None = None,
    of_server: Mapping[str, Iterable[str]] | None = None,
) -> list[Certificate]:
    """Make what is missing, ends soon, lacks a name, or is another authority's; with ``renew`` all servers' anew.

    ``names`` are those of all, ``of_server`` those of one server; names that a certificate has are kept. The authority
    is made anew, with its old key, where it would end before a server's certificate does: clients go on trusting it.
    Where the authority is the user's own, nothing is made.
    Raises TerminalError for a name that is none, and for a certificate of the user's that is missing or no longer good.
    """
    moment = now or datetime.now(UTC)
    folder = folder or TlsSettings().folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    if TlsSettings().ca_file:
        found = [_of_user(server, folder / f"{server}.pem", moment) for server in SERVERS]
    else:
        of_all = [*_LOCAL_NAMES, *names]
        wanted = {one: list(map(authority.canonical, [*of_all, *(of_server or {}).get(one, ())])) for one in SERVERS}
        issuer, was_made = _authority(folder, moment)
        found = [_described("authority", folder / "ca.pem", issuer.certificate, was_made)]
        for server in SERVERS:
            found.append(_of_server(server, folder / f"{server}.pem", wanted[server], issuer, moment, renew))
    _write_trust_store(folder / "ca.p12", x509.load_pem_x509_certificates(authority_file(folder).read_bytes()))
    return found


def _write_trust_store(file: Path, trusted: list[x509.Certificate]) -> None:
    known = pkcs12.load_pkcs12(file.read_bytes(), None).additional_certs if file.exists() else []
    if [one.certificate for one in known] != trusted:
        entries = [pkcs12.PKCS12Certificate(one, f"authority-{number}".encode()) for number, one in enumerate(trusted)]
        write_private(file, pkcs12.serialize_java_truststore(entries, NoEncryption()))


def renew(servers: Iterable[Server]) -> None:
    """Make what is missing or no longer good, and stop servers that would go on showing what they started with."""
    made = {one.owner for one in ensure() if one.was_made}
    for server in servers:
        if server.name in made:
            processes.stop(server.name, server.stop_signal)


def _authority(folder: Path, now: datetime) -> tuple[Authority, bool]:
    """The authority, and whether its certificate was made now."""
    key_file, file = folder / "ca.key", folder / "ca.pem"
    if not key_file.exists():
        write_private(key_file, authority.private_pem(authority.new_key()))
    key = authority.read_key(key_file.read_bytes())
    if file.exists():
        known = x509.load_pem_x509_certificate(file.read_bytes())
        lasts = known.not_valid_after_utc - now > timedelta(days=authority.SERVER_DAYS)
        if lasts and known.public_key() == key.public_key():
            return Authority(key, known), False
    made = authority.new_authority(key, now)
    write_private(file, made.certificate.public_bytes(Encoding.PEM))
    return made, True


def _of_server(
    server: str, file: Path, wanted: list[str], issuer: Authority, now: datetime, renew: bool
) -> Certificate:
    known = x509.load_pem_x509_certificate(file.read_bytes()) if file.exists() else None
    names = list(dict.fromkeys([*wanted, *(authority.names_of(known) if known else ())]))
    if known and not renew and _is_good(known, issuer.certificate, names, now):
        return _described(server, file, known, False)
    key = authority.new_key()
    made = authority.sign(issuer, server, key, names, now)
    write_private(file, authority.private_pem(key) + made.public_bytes(Encoding.PEM))
    return _described(server, file, made, True)


def _is_good(known: x509.Certificate, issuer: x509.Certificate, names: list[str], now: datetime) -> bool:
    has_names = set(names) <= set(authority.names_of(known))
    return has_names and authority.signed_by(known, issuer) and _ends_late(known, now)


def _ends_late(known: x509.Certificate, now: datetime) -> bool:
    return known.not_valid_after_utc - now > timedelta(days=RENEWAL_DAYS)


def _of_user(server: str, file: Path, now: datetime) -> Certificate:
    """What an authority of the user's own made. Raises TerminalError where it cannot be used."""
    what = (
        "SKYTIER_TLS_CA_FILE names an authority of your own, so nothing is made: put the private key of the server, "
        f"not encrypted, and its certificate, both PEM, into {file}"
    )
    try:
        content = file.read_bytes()
        load_pem_private_key(content, None)
        known = x509.load_pem_x509_certificate(content)
    except FileNotFoundError as error:
        raise TerminalError(f"{what}.") from error
    except (ValueError, TypeError) as error:
        raise TerminalError(f"{what}; what is there cannot be read: {error}.") from error
    if known.not_valid_after_utc <= now:
        raise TerminalError(f"{what}; the certificate there ended on {known.not_valid_after_utc:%Y-%m-%d}.")
    file.chmod(0o600)
    return _described(server, file, known, False)


def _described(owner: str, file: Path, certificate: x509.Certificate, was_made: bool) -> Certificate:
    return Certificate(
        owner=owner,
        file=str(file),
        names=authority.names_of(certificate),
        until=certificate.not_valid_after_utc,
        sha256=certificate.fingerprint(hashes.SHA256()).hex(":").upper(),
        was_made=was_made,
    )
