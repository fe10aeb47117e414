"""``stack.env``: the passwords and moved ports of a stack, decided at its first start and kept from then on."""

from __future__ import annotations

import base64
import os
import re
import secrets
from collections.abc import Callable, Mapping

from dotenv import dotenv_values

from local_stack import airflow_users
from local_stack.server import write_private
from skytier.errors import TerminalError
from skytier.settings.airflow import AirflowSettings
from skytier.settings.base import stack_env_file

_PLAIN = re.compile(r"[\w./:,@%+=~-]*")


def new_password() -> str:
    """A password that nobody guesses."""
    return secrets.token_urlsafe(24)


def _signing_key() -> str:
    return secrets.token_urlsafe(64)


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


OF_ONE_HOST: dict[str, Callable[[], str]] = {
    "SKYTIER_MONGODB_PASSWORD": new_password,
    "SKYTIER_MONGODB_ADMIN_PASSWORD": new_password,
    "SKYTIER_MONGODB_DASHBOARD_PASSWORD": new_password,
    "SKYTIER_MONGODB_READER_PASSWORD": new_password,
    "SKYTIER_KAFKA_ADMIN_PASSWORD": new_password,
    "SKYTIER_KAFKA_JOB_PASSWORD": new_password,
    "SKYTIER_KAFKA_MONITOR_PASSWORD": new_password,
    "SKYTIER_KAFKA_OPERATOR_PASSWORD": new_password,
    "SKYTIER_KAFKA_PRODUCER_PASSWORD": new_password,
    "SKYTIER_POSTGRES_PASSWORD": new_password,
    "SKYTIER_POSTGRES_AIRFLOW_PASSWORD": new_password,
    "SKYTIER_POSTGRES_METASTORE_PASSWORD": new_password,
    "SKYTIER_POSTGRES_MONITOR_PASSWORD": new_password,
    "SKYTIER_REDIS_PASSWORD": new_password,
    "SKYTIER_REDIS_ADMIN_PASSWORD": new_password,
    "SKYTIER_SQL_PASSWORD": new_password,
    "SKYTIER_SQL_READER_PASSWORD": new_password,
    "SKYTIER_HDFS_SECRET": new_password,
    "SKYTIER_AIRFLOW_PASSWORD": new_password,
    "SKYTIER_DASHBOARD_OPERATOR_TOKEN": new_password,
    "SKYTIER_AIRFLOW_FERNET_KEY": _fernet_key,
    "SKYTIER_AIRFLOW_JWT_SECRET": _signing_key,
}
"""the secrets of the local stack, each with what makes one"""
GENERATED = OF_ONE_HOST | {"SKYTIER_SPARK_AUTH_SECRET": _signing_key}
"""the same, with that of Spark's own cluster"""


def ensure_stack_env() -> None:
    """Write ``stack.env`` where it is missing or lacks something; what it holds stays as it is.

    Raises TerminalError where SKYTIER_AIRFLOW_USERS cannot be read, or the file cannot keep a value.
    """
    path = stack_env_file()
    kept = read_stack_env()
    values = {name: value for name, value in os.environ.items() if name.startswith("SKYTIER_PORT_")} | kept
    # Unlike ports it may change: what was given last holds until something else is.
    values |= {name: value for name, value in os.environ.items() if name.startswith("SKYTIER_TLS_")}
    makers = OF_ONE_HOST | dict.fromkeys(airflow_users.password_variables(AirflowSettings()), new_password)
    values |= {name: os.environ.get(name) or make() for name, make in makers.items() if name not in values}
    if values != kept:
        head = "# Made at the first start of this stack. Servers keep these passwords: do not change them here.\n"
        write_private(path, head + lines(values))


def lines(values: Mapping[str, str]) -> str:
    """Variables as an env file holds them. Raises TerminalError where it cannot keep a value."""
    return "".join(f"{name}={_quoted(name, value)}\n" for name, value in sorted(values.items()))


def read_stack_env() -> dict[str, str]:
    """What ``stack.env`` holds; nothing before the first start. Read as the settings read it, so that both agree."""
    return {name: value for name, value in dotenv_values(stack_env_file()).items() if value is not None}


def _quoted(name: str, value: str) -> str:
    """A value as the file holds it: in quotes where it would be read as another without them."""
    if "${" in value:
        raise TerminalError(f"{name} holds '${{', which an env file cannot keep: choose a value without it.")
    if _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
