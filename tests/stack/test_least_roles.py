"""Users of MongoDB, PostgreSQL and Redis may do what their part needs and no more; nobody gets in without one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, ResponseError
from redis.retry import Retry

from local_stack import mongodb_users, postgres
from local_stack.dashboard import Dashboard
from local_stack.mongodb import MongoDB
from local_stack.postgres import Postgres
from skytier import alerts, cache, hot_tier, server_questions
from skytier.alerts import Severity, alert
from skytier.settings.base import HOST
from skytier.settings.mongodb import MongoSettings
from skytier.settings.ports import PortSettings
from skytier.settings.postgres import PostgresSettings
from skytier.settings.redis import RedisSettings
from tests.own_stack import OwnStack

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("stack")]

Client = MongoClient[dict[str, Any]]
Act = Callable[[Client], object]
_UNAUTHORIZED = 13
HOT = "flight_tracking"

EVE: dict[str, Any] = {"pwd": "a-password-of-hers"}

READS: dict[str, Act] = {
    "find events": lambda client: client[HOT]["flight_events"].find_one(),
    "aggregate": lambda client: list(client[HOT]["flight_events"].aggregate([{"$limit": 1}])),
    "size of the database": lambda client: client[HOT].command("dbStats", freeStorage=1),
    "size": lambda client: list(client[HOT]["flight_events"].aggregate([{"$collStats": {"storageStats": {}}}])),
}
ACKNOWLEDGES: dict[str, Act] = {
    "acknowledge": lambda client: client[HOT]["alerts"].update_many({"_id": 0}, {"$set": {"acknowledged_by": "x"}}),
}
WRITES: dict[str, Act] = {
    "insert an event": lambda client: client[HOT]["test_roles"].insert_one({"_id": 1}),
    "change an event": lambda client: client[HOT]["flight_events"].update_one({"_id": 0}, {"$set": {"a": 1}}),
    "delete an event": lambda client: client[HOT]["flight_events"].delete_one({"_id": 0}),
    "delete an alert": lambda client: client[HOT]["alerts"].delete_one({"_id": 0}),
    "raise an alert": lambda client: client[HOT]["alerts"].update_one(
        {"_id": "test_roles"}, {"$set": {"resolved_time": 0, "acknowledged_by": "x"}}, upsert=True
    ),
    "index": lambda client: client[HOT]["test_roles"].create_index("a"),
    "drop": lambda client: client[HOT]["test_roles"].drop(),
}
RULES: dict[str, Act] = {
    "make a user": lambda client: client.admin.command("createUser", "eve", **EVE, roles=["root"]),
    "give itself a role": lambda client: client.admin.command("grantRolesToUser", "skytier", roles=["root"]),
    "read the users": lambda client: list(client.admin["system.users"].find()),
    "read the log of operations": lambda client: client.local["oplog.rs"].find_one(),
    "write elsewhere": lambda client: client["elsewhere"]["a"].insert_one({}),
    "drop the database": lambda client: client.drop_database(HOT),
    "stop the server": lambda client: client.admin.command("shutdown"),
    "set a parameter": lambda client: client.admin.command("setParameter", 1, logLevel=0),
    "look at the replica set": lambda client: client.admin.command("replSetGetConfig"),
    "make a user of its own": lambda client: client[HOT].command("createUser", "eve", **EVE, roles=[]),
}


@pytest.fixture
def clients() -> Iterator[dict[str, Client]]:
    """Who asks MongoDB, by what for."""
    settings = MongoSettings()
    users = {
        "jobs": (settings.user, settings.password.get_secret_value()),
        "dashboard": (settings.dashboard_user, settings.dashboard_password.get_secret_value()),
        "reader": (settings.reader_user, settings.reader_password.get_secret_value()),
        "nobody": ("", ""),
    }
    opened = {name: mongodb_users.client_of(*login) for name, login in users.items()}
    yield opened
    for client in opened.values():
        client.close()


def refused(client: Client, acts: dict[str, Act]) -> set[str]:
    """What somebody may not do."""
    return {name for name, act in acts.items() if is_refused(client, act)}


def is_refused(client: Client, act: Act) -> bool:
    """Whether somebody may not do this; any other failure is one."""
    try:
        act(client)
    except OperationFailure as error:
        if error.code != _UNAUTHORIZED:
            raise
        return True
    return False


def test_each_user_of_mongodb_may_do_what_its_part_needs(clients: dict[str, Client]) -> None:
    may = {
        "jobs": READS | ACKNOWLEDGES | WRITES,
        "dashboard": READS | ACKNOWLEDGES,
        "reader": READS,
        "nobody": {},
    }
    every = READS | ACKNOWLEDGES | WRITES | RULES
    for who, client in clients.items():
        assert refused(client, every) == set(every) - set(may[who]), who


def test_mongodb_refuses_wrong_passwords(clients: dict[str, Client]) -> None:
    settings = MongoSettings()
    for user in (settings.user, settings.dashboard_user, settings.reader_user, settings.admin_user, "root"):
        with mongodb_users.client_of(user, "wrong") as client, pytest.raises(OperationFailure) as error:
            client.admin.command("ping")
        assert error.value.code == mongodb_users._AUTHENTICATION_FAILED


def test_mongodb_does_not_offer_zlib(clients: dict[str, Client]) -> None:
    asked = ["zlib", "snappy", "zstd"]
    assert clients["nobody"].admin.command("hello", compression=asked)["compression"] == ["snappy", "zstd"]


def test_the_dashboards_own_user_acknowledges(monkeypatch: pytest.MonkeyPatch) -> None:
    with hot_tier.client() as jobs:
        alerts.ensure_indexes(jobs)
        alert(jobs, "test roles", Severity.WARNING, "a", "m")
        for name, value in Dashboard().environment().items():
            monkeypatch.setenv(name, value)
        with hot_tier.client() as dashboard:
            (found,) = alerts.alerts(dashboard).find({"kind": "test roles"})
            assert alerts.acknowledge(dashboard, [found["_id"]], "ann") == 1
        alerts.alerts(jobs).delete_many({"kind": "test roles"})


def test_the_one_user_of_an_earlier_version_gives_up_its_rights(clients: dict[str, Client]) -> None:
    settings = MongoSettings()
    with mongodb_users._of_admin(settings) as admin:
        for user in (settings.dashboard_user, settings.reader_user):
            admin["admin"].command("dropUser", user)
        admin["admin"].command("updateUser", settings.user, roles=["root"])
        admin["admin"].command("dropUser", settings.admin_user)
    assert refused(clients["jobs"], {"look": lambda client: client.admin.command("usersInfo")}) == set()
    server = MongoDB()
    assert not server.ready()
    server.set_up()
    assert server.ready()
    test_each_user_of_mongodb_may_do_what_its_part_needs(clients)


REFUSED = "[Nn]o permission|not allowed|ACL failure"
AT_ONCE = Retry(NoBackoff(), 0)
OWNERS = ("airflow", "metastore")


@pytest.mark.parametrize("owner", OWNERS)
def test_an_owner_of_a_database_may_do_nothing_else(owner: str) -> None:
    (other,) = set(OWNERS) - {owner}
    login = {"host": HOST, "port": PortSettings().postgres, "user": owner}
    password = PostgresSettings().password_of(owner)
    for database in (other, "postgres", "template1"):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(**login, password=password, dbname=database)  # type: ignore[arg-type]
    for wrong in ("", "wrong", PostgresSettings().password_of(other)):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(**login, password=wrong, dbname=owner)  # type: ignore[arg-type]
    for statement in (
        "copy (select 1) to program 'true'",
        "select pg_read_file('postgresql.conf')",
        "create role eve",
        f"alter role {owner} superuser",
        "create database eve",
        "select * from pg_authid",
        "alter system set log_connections = on",
        "set session authorization skytier",
    ):
        with postgres.connect(owner) as connection:
            connection.autocommit = True
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_who_probes_postgresql_may_only_connect() -> None:
    user, password = PostgresSettings().probe_login()
    assert user == "monitor"
    login = {"host": HOST, "port": PortSettings().postgres, "user": user}
    for database in ("metastore", "postgres", "template1"):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(**login, password=password, dbname=database)  # type: ignore[arg-type]
    server_questions.postgres()
    for statement in ("select * from pg_authid", "create table eve (a int)", "create temporary table eve (a int)"):
        connection = psycopg.connect(**login, password=password, dbname="airflow")  # type: ignore[arg-type]
        with connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


def test_what_an_earlier_version_made_is_handed_over() -> None:
    made = (
        "create type public.test_mood as enum ('a')",
        "create table public.test_old (id serial primary key, mood public.test_mood)",
        "alter table public.test_old add column big bigint generated always as identity",
        "insert into public.test_old (mood) values ('a')",
        "create view public.test_view as select * from public.test_old",
        "create sequence public.test_alone",
    )
    with postgres._connect_superuser("metastore") as connection:
        connection.autocommit = True
        for statement in made:
            connection.execute(statement)
        connection.execute("alter database metastore owner to skytier")
        connection.execute("grant connect on database metastore to public")
    with postgres.connect("metastore") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("select * from test_old")
    server = Postgres()
    server.set_up()
    server.set_up()  # again changes nothing
    with postgres.connect("metastore") as connection:
        assert connection.execute("select mood from test_view").fetchone() == ("a",)
        left = "select count(*) from pg_class where relnamespace = 'public'::regnamespace and relowner <> %s::regrole"
        assert connection.execute(left, ["metastore"]).fetchone() == (0,)
        connection.execute("drop view test_view")
        connection.execute("drop table test_old")
        connection.execute("drop type test_mood")
        connection.execute("drop sequence test_alone")


def test_redis_keeps_its_clients_from_what_is_not_the_caches() -> None:
    with cache.client(RedisSettings()) as client:
        for command in (
            ("CONFIG", "GET", "*"),
            ("CONFIG", "SET", "dir", "/tmp"),
            ("SHUTDOWN",),
            ("DEBUG", "SLEEP", "0"),
            ("MODULE", "LIST"),
            ("EVAL", "return 1", "0"),
            ("FLUSHALL",),
            ("KEYS", "*"),
            ("ACL", "LIST"),
            ("MONITOR",),
            ("REPLICAOF", "NO", "ONE"),
            ("SAVE",),
            ("CLIENT", "KILL", "ID", "0"),
            ("PUBLISH", "a", "b"),
            ("SET", "not-of-skytier", "1"),
            ("GET", "not-of-skytier"),
        ):
            with pytest.raises(ResponseError, match=REFUSED):
                client.execute_command(*command)
        script = client.script_load("return redis.call('config', 'get', '*')")
        with pytest.raises(ResponseError, match=REFUSED):
            client.evalsha(script, 0)
        with client.lock("skytier:test:lock", timeout=1):
            pass  # taken and released


def test_redis_refuses_who_has_no_password_of_its() -> None:
    port = PortSettings().redis
    for password in (None, "wrong", RedisSettings().admin_password.get_secret_value()):
        with Redis(port=port, password=password, retry=AT_ONCE) as client, pytest.raises(AuthenticationError):
            client.ping()
    admin = RedisSettings().admin_password.get_secret_value()
    with Redis(port=port, username="skytier-admin", password=admin) as client:
        assert client.config_get("bind")["bind"] == HOST


def test_the_stack_has_users_of_its_own_and_is_well(stack: OwnStack) -> None:
    """After all that was changed and put back above."""
    assert stack.skytier("stack", "status").returncode == 0
