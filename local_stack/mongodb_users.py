"""The users of MongoDB: each may do what its part needs, and one, for set-up only, everything."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from pymongo import MongoClient
from pymongo.errors import OperationFailure

from skytier import alerts
from skytier.settings.base import HOST
from skytier.settings.mongodb import MongoSettings
from skytier.settings.ports import PortSettings

Client = MongoClient[dict[str, Any]]

_ACKNOWLEDGE = "acknowledgeAlerts"
_AUTHENTICATION_FAILED = 18


def ensure(settings: MongoSettings) -> None:
    """Make the users and give each its roles; an existing server's single user, who may do everything, loses them.

    A server without any user lets the first be made without a login, from this machine.
    """
    with _of_admin(settings) as admin:
        database = admin[settings.database]
        _define(database, "Role", _ACKNOWLEDGE, privileges=[_may_acknowledge(settings.database)], roles=[])
        for user, password, roles in _wanted(settings):
            _define(admin["admin"], "User", user, pwd=password, roles=roles)


def works(settings: MongoSettings) -> bool:
    """Whether all can log in."""
    return all(_logs_in(user, password) for user, password, _ in _wanted(settings))


def _wanted(settings: MongoSettings) -> list[tuple[str, str, list[Any]]]:
    """Name, password and roles of the users but the one for set-up."""
    reads = {"role": "read", "db": settings.database}
    writes = {"role": "readWrite", "db": settings.database}
    acknowledges = {"role": _ACKNOWLEDGE, "db": settings.database}
    return [
        (settings.user, settings.password.get_secret_value(), [writes]),
        (settings.dashboard_user, settings.dashboard_password.get_secret_value(), [reads, acknowledges]),
        (settings.reader_user, settings.reader_password.get_secret_value(), [reads]),
    ]


def _may_acknowledge(database: str) -> dict[str, Any]:
    return {"resource": {"db": database, "collection": alerts.COLLECTION}, "actions": ["update"]}


def _define(database: Any, kind: str, name: str, **definition: Any) -> None:
    """Make a user or a role as it is to be, or change it to that."""
    known = database.command(f"{kind.lower()}sInfo", name)[f"{kind.lower()}s"]
    database.command(f"{'update' if known else 'create'}{kind}", name, **definition)


def _of_admin(settings: MongoSettings) -> Client:
    """A client of the user for set-up, who is made where there is none."""
    name, password = settings.admin_user, settings.admin_password.get_secret_value()
    if not _logs_in(name, password):
        # The user of a server that an earlier version set up may do everything; a new one asks for no login yet.
        first = settings.user, settings.password.get_secret_value()
        with _client(*first) if _logs_in(*first) else _client() as client:
            client["admin"].command("createUser", name, pwd=password, roles=["root"])
    return _client(name, password)


def _logs_in(user: str, password: str) -> bool:
    try:
        with _client(user, password) as client:
            client["admin"].command("ping")
    except OperationFailure as error:
        if error.code == _AUTHENTICATION_FAILED:
            return False
        raise
    return True


def _client(user: str = "", password: str = "") -> Client:
    login = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user else ""
    parameters = MongoSettings.local_parameters("admin" if user else "")
    return MongoClient(f"mongodb://{login}{HOST}:{PortSettings().mongodb}/?{parameters}", serverSelectionTimeoutMS=2000)
