"""The folder of secrets of a stack of containers: made once, one folder a service, each for its owner's eyes only.

``stack.env`` and ``authority`` hold everything and are mounted nowhere; ``<service>`` holds what that service gets.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from dotenv import dotenv_values

from local_stack import airflow_users, certificates
from local_stack.environment import GENERATED, lines, new_password
from local_stack.server import write_private
from local_stack.service_secrets import ADDED_AIRFLOW_USERS, GENERATED_FILES, SERVICES, Service
from skytier.settings.hosts import HostSettings

ENV_FILE = "skytier.env"
_OF_CLUSTER = {
    "kafka": ("kafka-1", "kafka-2", "kafka-3"),
    "mongodb": ("mongodb-1", "mongodb-2", "mongodb-3"),
    "sql": ("sql-1", "sql-2"),
}
"""names of the containers of servers that run more than once"""
_HEAD = "# Made by 'skytier stack secrets'. Servers keep these passwords: do not change them here.\n"


def write(folder: Path, names: Sequence[str] = ()) -> list[Path]:
    """Make what is missing; secrets that are there stay as they are. Returns the files that are new or longer now.

    ``names`` are further names of hosts for all certificates, which are made anew when they end soon or lack a name.
    """
    _make_folder(folder)
    values, written = _all_values(folder)
    made = certificates.ensure(names, folder=folder / "authority", of_server=_names())
    written += [Path(one.file) for one in made if one.was_made]
    for name, service in SERVICES.items():
        written += _write_service(folder / name, service, values, folder / "authority")
    return written


def _all_values(folder: Path) -> tuple[dict[str, str], list[Path]]:
    """Every secret, kept or new, and the files that hold new ones."""
    known, written = _read(folder / "stack.env"), []
    makers = GENERATED | dict.fromkeys(map(airflow_users.password_variable, ADDED_AIRFLOW_USERS), new_password)
    given = {name for service in SERVICES.values() for name in service.given if os.environ.get(name)}
    values = known | {name: os.environ[name] for name in given if name not in known}
    values |= {name: os.environ.get(name) or make() for name, make in makers.items() if name not in known}
    if values != known:
        write_private(folder / "stack.env", _HEAD + lines(values))
        written.append(folder / "stack.env")
    for name, new in GENERATED_FILES.items():
        path = folder / "authority" / name
        if not path.exists():
            _make_folder(path.parent)
            write_private(path, new())
            written.append(path)
        values[name] = path.read_text()
    return values, written


def _write_service(folder: Path, service: Service, values: Mapping[str, str], authority: Path) -> list[Path]:
    for one in (folder, folder / "tls"):
        _make_folder(one)
    wanted = {name: values[name] for name in service.variables}
    wanted |= {name: values[name] for name in service.given if name in values}
    wanted |= {name: values[source] for name, source in service.renamed.items()} | dict(service.settings)
    known = _read(folder / ENV_FILE)
    written = []
    if wanted.keys() - known.keys() or not (folder / ENV_FILE).exists():
        write_private(folder / ENV_FILE, _HEAD + lines(wanted | known))
        written.append(folder / ENV_FILE)
    for name, content in service.files.items():
        if not (folder / name).exists():
            write_private(folder / name, content(values))
            written.append(folder / name)
    of_tls = {"ca.pem": certificates.authority_file(authority)}
    if service.trusts_by_java:
        of_tls["ca.p12"] = authority / "ca.p12"
    if service.certificate:
        of_tls[f"{service.certificate}.pem"] = authority / f"{service.certificate}.pem"
    return written + [folder / "tls" / name for name, file in of_tls.items() if _copy(file, folder / "tls" / name)]


def _copy(file: Path, copied: Path) -> bool:
    """Copy a file where its copy differs; whether it did."""
    content = file.read_bytes()
    if copied.exists() and copied.read_bytes() == content:
        return False
    write_private(copied, content)
    return True


def _names() -> dict[str, list[str]]:
    """What clients may call each server with a certificate."""
    hosts = HostSettings()
    return {server: [server, *_OF_CLUSTER.get(server, ()), *hosts.all_of(server)] for server in certificates.SERVERS}


def _read(path: Path) -> dict[str, str]:
    return {name: value for name, value in dotenv_values(path).items() if value is not None}


def _make_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
