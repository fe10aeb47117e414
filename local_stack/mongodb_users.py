"""The users of MongoDB: each may do what its part needs, and one, for set-up only, everything."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import quote

from pymongo import MongoClient
from pymongo.errors import ConnectionFailure, OperationFailure

from skytier import alerts
from skytier.errors import TerminalError
from skytier.settings.base import HOST
from skytier.settings.hosts import HostSettings
from skytier.settings.mongodb import MongoSettings
from skytier.settings.ports import PortSettings

Client = MongoClient[dict[str, Any]]

_ACKNOWLEDGE = "acknowledgeAlerts"
_UNAUTHORIZED = 13
_AUTHENTICATION_FAILED = 18
_ONLY_THERE = (
    "MongoDB at {server} does not let {user} in with SKYTIER_MONGODB_ADMIN_PASSWORD. Where it has no user yet, it "
    "takes the first only from its own host: run 'skytier stack set-up mongodb' there (in a container: in one that "
    "shares its network), or let its image make this user with this password."
)


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
        create = partial(_create, name=name, password=password)
        if _logs_in(*first):
            with client_of(*first) as client:
                create(client)
        else:
            without_login(settings, create)
    return client_of(name, password)


def _create(client: Client, *, name: str, password: str) -> None:
    client["admin"].command("createUser", name, pwd=password, roles=["root"])


def take_first_step(settings: MongoSettings, step: Callable[[Client], None]) -> None:
    """Do something on the first server, which is no member of a set yet: as the user for set-up, or as nobody.

    Raises TerminalError where the server lets neither in.
    """
    name, password = settings.admin_user, settings.admin_password.get_secret_value()
    if _logs_in(name, password, directly=True):
        with client_of(name, password, directly=True) as client:
            step(client)
    else:
        without_login(settings, step)


def without_login(settings: MongoSettings, step: Callable[[Client], None]) -> None:
    """Do something on a server without users, which lets in who comes from its own host, by loopback.

    Its name is not always that: in a container that shares its network, the name leads to another of its addresses.
    """
    named = HostSettings().first("mongodb")
    for host in dict.fromkeys((named, HOST)):
        try:
            with client_of(directly=True, host=host) as client:
                step(client)
                return
        except ConnectionFailure:
            if host == named:
                raise
        except OperationFailure as error:
            if error.code != _UNAUTHORIZED:
                raise
    raise TerminalError(_ONLY_THERE.format(server=named, user=settings.admin_user))


def _logs_in(user: str, password: str, *, directly: bool = False) -> bool:
    try:
        with client_of(user, password, directly=directly) as client:
            client["admin"].command("ping")
    except OperationFailure as error:
        if error.code == _AUTHENTICATION_FAILED:
            return False
        raise
    return True


def client_of(user: str = "", password: str = "", *, directly: bool = False, host: str = "") -> Client:
    """A client of the replica set, or ``directly`` of its first server or of ``host``; without a user nobody's."""
    login = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user else ""
    parameters = MongoSettings.local_parameters("admin" if user else "", directly=directly)
    port = PortSettings().mongodb
    servers = HostSettings().addresses("mongodb", port)
    if directly:
        servers = f"{host or HostSettings().first('mongodb')}:{port}"
    return MongoClient(f"mongodb://{login}{servers}/?{parameters}", serverSelectionTimeoutMS=2000)
