"""The replica set of MongoDB: begun by its first server, joined by the others one after another."""

from __future__ import annotations

import time
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from local_stack import mongodb_users
from skytier.errors import TransientError
from skytier.settings.hosts import HostSettings
from skytier.settings.mongodb import REPLICA_SET, MongoSettings
from skytier.settings.ports import PortSettings

Client = MongoClient[dict[str, Any]]

_PATIENCE_SECONDS = 60
_POLL_SECONDS = 0.1
_IN_PROGRESS = (103, 109, 308)
"""Codes of errors with which a primary puts off a change of its set: the one before is not on a majority yet."""


def servers() -> list[str]:
    """The members that the set is to have, as host:port; the first begins it."""
    return HostSettings().addresses("mongodb", PortSettings().mongodb).split(",")


def hello(server: str) -> dict[str, Any]:
    """What a server says of itself; it asks nobody for a login for that."""
    uri = f"mongodb://{server}/?{MongoSettings.local_parameters(directly=True)}"
    client: Client = MongoClient(uri, serverSelectionTimeoutMS=2000)
    with client:
        return dict(client.admin.command("hello"))


def begin(settings: MongoSettings) -> None:
    """Make a set of the first server where there is none."""
    first = servers()[0]
    if not hello(first).get("isreplicaset"):
        return
    configuration = {"_id": REPLICA_SET, "members": [{"_id": 0, "host": first}]}

    def initiate(client: Client) -> None:
        client.admin.command("replSetInitiate", configuration)

    mongodb_users.take_first_step(settings, initiate)


def complete(settings: MongoSettings) -> None:
    """Let the servers join that are no members yet: each once it answers, and when the one before has joined.

    Raises TransientError where one does not answer, or the set does not take it.
    """
    if len(servers()) == 1:
        return
    with mongodb_users.client_of(settings.admin_user, settings.admin_password.get_secret_value()) as admin:
        for server in servers():
            if server not in _members(admin):
                _wait_until_it_answers(server)
                _join(admin, server)


def _members(admin: Client) -> list[str]:
    return [member["host"] for member in _configuration(admin)["members"]]


def _configuration(admin: Client) -> dict[str, Any]:
    return dict(admin.admin.command("replSetGetConfig")["config"])


def _wait_until_it_answers(server: str) -> None:
    """With a member that is not there, a set of two would have no majority."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            hello(server)
            return
        except PyMongoError:
            time.sleep(_POLL_SECONDS)
    raise TransientError(
        f"MongoDB at {server}, of SKYTIER_HOST_MONGODB, does not answer, so it was not added to the replica set: start "
        "it, then run 'skytier stack set-up mongodb' again."
    )


def _join(admin: Client, server: str) -> None:
    """Add a member. It gets a vote once it has all data: the set itself sees to that."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        configuration = _configuration(admin)
        number = 1 + max(member["_id"] for member in configuration["members"])
        configuration["members"].append({"_id": number, "host": server})
        configuration["version"] += 1
        try:
            admin.admin.command("replSetReconfig", configuration)
            return
        except OperationFailure as error:
            if error.code not in _IN_PROGRESS or time.monotonic() > deadline:
                raise TransientError(f"MongoDB's replica set does not take {server}: {error.details}.") from error
            time.sleep(_POLL_SECONDS)
