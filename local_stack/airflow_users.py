"""Who signs in to Airflow, and with which of its roles: one admin, and whom ``SKYTIER_AIRFLOW_USERS`` names."""

from __future__ import annotations

import re
from collections.abc import Mapping

from skytier.errors import TerminalError
from skytier.settings.airflow import AirflowSettings

ROLES = ("viewer", "user", "op", "admin")
"""Airflow's own, each with the rights of those before it: looks; starts and pauses DAGs; changes pools, variables and
connections; everything"""
_SETTING = "SKYTIER_AIRFLOW_USERS"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
"""A name is a part of the variable that holds the password."""


def roles(settings: AirflowSettings) -> dict[str, str]:
    """The role of every user, the admin of each stack first. Raises TerminalError where the setting is not readable."""
    found = {settings.user: "admin"}
    for entry in filter(None, map(str.strip, settings.users.split(","))):
        name, _, role = entry.partition(":")
        if not _NAME.fullmatch(name):
            raise TerminalError(
                f"{_SETTING} has {entry!r}: a name is a small letter, then up to 31 small letters, digits and _."
            )
        if role not in ROLES:
            raise TerminalError(f"{_SETTING} has {entry!r}: write name:role, with one of {', '.join(ROLES)} as role.")
        if name in found:
            raise TerminalError(f"{_SETTING} names {name} twice, or beside SKYTIER_AIRFLOW_USER: name each user once.")
        found[name] = role
    return found


def password_variable(name: str) -> str:
    """The variable, in ``stack.env``, of the password of a user whom the setting names."""
    return f"SKYTIER_AIRFLOW_PASSWORD_{name.upper()}"


def password_variables(settings: AirflowSettings) -> list[str]:
    """The variables of all of them. Raises TerminalError as ``roles`` does."""
    return [password_variable(name) for name in roles(settings) if name != settings.user]


def passwords(settings: AirflowSettings, kept: Mapping[str, str]) -> dict[str, str]:
    """The password of every user; ``kept`` is what ``stack.env`` holds."""
    others = {name: kept[password_variable(name)] for name in roles(settings) if name != settings.user}
    return {settings.user: settings.password.get_secret_value()} | others


def simple_auth_manager_users(settings: AirflowSettings) -> str:
    """The users as Airflow's SimpleAuthManager reads them."""
    return ",".join(f"{name}:{role}" for name, role in roles(settings).items())
