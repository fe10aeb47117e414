"""The secrets of a stack themselves, so that tests can look for them where they must not be."""

from __future__ import annotations

import base64
import os
import re
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import psutil
from pydantic import SecretStr

from skytier.settings.index import ALL_SETTINGS
from tests.own_stack import OwnStack

_LEAST_CHARACTERS = 8
"""A shorter value is found anywhere."""
_SAYS_SECRET = re.compile(r"(SECRET|PASSWORD|TOKEN|KEY)$")
_PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+(\S+)")


def _is_secret(variable: str) -> bool:
    """Whether a line of ``stack.env`` is one: all are, but those of settings that are none by their type."""
    for settings in ALL_SETTINGS:
        prefix = settings.model_config["env_prefix"]
        field = (
            settings.model_fields.get(variable.removeprefix(prefix).lower()) if variable.startswith(prefix) else None
        )
        if field is not None:
            return field.annotation is SecretStr
    return True


def of_file(stack: OwnStack) -> dict[str, str]:
    """What ``stack.env`` holds of them, by variable."""
    lines = (stack.home / "stack.env").read_text().splitlines()
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {name: value for name, value in pairs if _is_secret(name)}


def of_processes(stack: OwnStack) -> dict[str, str]:
    """What processes of the stack have in their environment, such as the secrets between Spark and Python; nothing
    that the tests were started with themselves."""
    found: dict[str, str] = {}
    for process in stack.processes():
        with suppress(psutil.Error):
            given = {name: value for name, value in process.environ().items() if name not in os.environ}
            found |= {name: value for name, value in given.items() if _SAYS_SECRET.search(name)}
    return found


def of_key_files(stack: OwnStack) -> dict[str, str]:
    """The first line of every private key that the stack keeps."""
    files = [path for folder in ("conf", "tls") for path in (stack.home / folder).rglob("*") if path.is_file()]
    keys = {path.name: _PRIVATE_KEY.search(path.read_bytes()) for path in files}
    return {name: key.group(1).decode() for name, key in keys.items() if key}


def all_of(stack: OwnStack) -> dict[str, set[str]]:
    """Every secret of a running stack by name, in each form that it may have in a text."""
    secrets = of_processes(stack) | of_key_files(stack) | of_file(stack)
    return {name: _forms(value) for name, value in secrets.items() if len(value) >= _LEAST_CHARACTERS}


def _forms(value: str) -> set[str]:
    """As it is, as in a URI, and in base64, but for what depends on the characters around it."""
    encoded = [base64.b64encode(value[offset:].encode()).decode() for offset in range(3)]
    return {value, quote(value, safe=""), *(text.rstrip("=")[:-1] for text in encoded)}


def shown_in(text: str | bytes, secrets: dict[str, set[str]]) -> list[str]:
    """The names of the secrets that stand in a text."""
    read = text.encode() if isinstance(text, str) else text
    return [name for name, forms in secrets.items() if any(form.encode() in read for form in forms)]


def shown_in_file(path: Path, secrets: dict[str, set[str]]) -> list[str]:
    """The names of the secrets that stand in a file; none in one that is gone."""
    with suppress(FileNotFoundError):
        return shown_in(path.read_bytes(), secrets)
    return []
