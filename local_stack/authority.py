"""X.509 as the stack's test authority makes it: its own certificate and those of servers. No files are touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from skytier.errors import TerminalError

AUTHORITY_DAYS, SERVER_DAYS = 3650, 365
_CLOCKS_DIFFER = timedelta(hours=1)
_USES = (
    "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign crl_sign "
    "encipher_only decipher_only"
)


@dataclass(frozen=True)
class Authority:
    """A key and the certificate that says so."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


def new_key() -> ec.EllipticCurvePrivateKey:
    """A private key."""
    return ec.generate_private_key(ec.SECP256R1())


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A key as PEM (PKCS #8), not encrypted."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def read_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    """The key of a PEM file that this module made. Raises ValueError where there is none."""
    key = load_pem_private_key(pem, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("not a key of an elliptic curve")
    return key


def new_authority(key: ec.EllipticCurvePrivateKey, now: datetime) -> Authority:
    """An authority for servers, of none but itself."""
    name = _name("test authority")
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=True, path_length=0), True),
        (_usage("key_cert_sign", "crl_sign"), True),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
    ]
    return Authority(key, _signed(key, name, name, key, now, AUTHORITY_DAYS, extensions))


def sign(
    authority: Authority, server: str, key: ec.EllipticCurvePrivateKey, names: Sequence[str], now: datetime
) -> x509.Certificate:
    """A certificate of a server with these names of hosts, and addresses."""
    # A member of MongoDB's replica set is a client of the others, and shows them the same one.
    uses = [ExtendedKeyUsageOID.SERVER_AUTH, *([ExtendedKeyUsageOID.CLIENT_AUTH] if server == "mongodb" else [])]
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (_usage("digital_signature"), True),
        (x509.ExtendedKeyUsage(uses), False),
        (x509.SubjectAlternativeName([_general_name(name) for name in names]), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), False),
    ]
    issuer = authority.certificate.subject
    return _signed(authority.key, issuer, _name(server), key, now, SERVER_DAYS, extensions)


def signed_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Whether an authority made a certificate."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def names_of(certificate: x509.Certificate) -> list[str]:
    """The names of hosts, and addresses, that a certificate holds for."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))]


def canonical(name: str) -> str:
    """A name of a host, or an address, as certificates spell it. Raises TerminalError where it is neither."""
    general = _general_name(name)
    return str(general.value)


def _general_name(name: str) -> x509.DNSName | x509.IPAddress:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        pass
    labels = name.removeprefix("*.").split(".")
    if len(name) <= 253 and all(_is_label(label) for label in labels):
        return x509.DNSName(name.lower())
    raise TerminalError(f"{name!r} is neither a name of a host, such as db.example.org, nor an address.")


def _is_label(label: str) -> bool:
    fits = 0 < len(label) <= 63 and label.isascii() and label.replace("-", "").isalnum()
    return fits and not label.startswith("-") and not label.endswith("-")


def _name(what: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Skytier {what}")])


def _usage(*allowed: str) -> x509.KeyUsage:
    chosen: dict[str, Any] = {use: use in allowed for use in _USES.split()}
    return x509.KeyUsage(**chosen)


def _signed(
    signing_key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    days: int,
    extensions: Sequence[tuple[x509.ExtensionType, bool]],
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now.astimezone(UTC) - _CLOCKS_DIFFER)
        .not_valid_after(now.astimezone(UTC) + timedelta(days=days))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(signing_key, hashes.SHA256())
