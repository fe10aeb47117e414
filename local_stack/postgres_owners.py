"""Who owns what in PostgreSQL: each database has a user of its own; the superuser is for set-up only."""

from __future__ import annotations

import psycopg
from psycopg import sql

# What a superuser made in a database, as an earlier version had it: kinds of pg_class, and the word that changes each.
_RELATIONS = {"r": "table", "p": "table", "v": "view", "m": "materialized view", "S": "sequence"}
_FOREIGN = """
select relkind, relname from pg_class
where relnamespace = 'public'::regnamespace and relowner <> %(owner)s::regrole and relkind = any(%(kinds)s)
  -- a sequence that belongs to a column goes with its table
  and not exists (select 1 from pg_depend where objid = pg_class.oid and relkind = 'S' and deptype in ('a', 'i'))
order by relname
"""
_FOREIGN_TYPES = """
select typname from pg_type
where typnamespace = 'public'::regnamespace and typowner <> %(owner)s::regrole and typtype in ('d', 'e', 'r')
"""
_LOCK_PATIENCE = "10s"


def ensure_user(connection: psycopg.Connection, user: str, password: str) -> None:
    """Make a user, or give one that is there its password. What the server sees, and may log, is a hash of it."""
    hashed = connection.pgconn.encrypt_password(password.encode(), user.encode(), b"scram-sha-256").decode()
    known = connection.execute("select 1 from pg_roles where rolname = %s", [user]).fetchone()
    verb = sql.SQL("alter" if known else "create")
    connection.execute(
        sql.SQL("{} role {} login nosuperuser nocreatedb nocreaterole password {}").format(
            verb, sql.Identifier(user), sql.Literal(hashed)
        )
    )


def ensure_database(connection: psycopg.Connection, database: str) -> None:
    """Make a database of the user of its name, or give that user one that is there; nobody else may enter."""
    name = sql.Identifier(database)
    if not connection.execute("select 1 from pg_database where datname = %s", [database]).fetchone():
        connection.execute(sql.SQL("create database {} owner {}").format(name, name))
    connection.execute(sql.SQL("alter database {} owner to {}").format(name, name))
    close(connection, database)


def ensure_monitor(connection: psycopg.Connection, user: str, password: str, database: str) -> None:
    """Make a user that may connect to a database, which shows that it works, and do nothing in it."""
    ensure_user(connection, user, password)
    names = sql.Identifier(database), sql.Identifier(user)
    connection.execute(sql.SQL("grant connect on database {} to {}").format(*names))


def close(connection: psycopg.Connection, *databases: str) -> None:
    """Let only the owner of a database, and superusers, enter it."""
    for database in databases:
        connection.execute(sql.SQL("revoke all on database {} from public").format(sql.Identifier(database)))


def hand_over(connection: psycopg.Connection, owner: str) -> None:
    """Give a user what somebody else made in a database, all or nothing. ``REASSIGN OWNED`` refuses it for superusers.

    Raises psycopg.errors.LockNotAvailable where something is in use for long.
    """
    new_owner, chosen = sql.Identifier(owner), {"owner": owner, "kinds": list(_RELATIONS)}
    with connection.transaction():
        connection.execute(sql.SQL("set local lock_timeout = {}").format(sql.Literal(_LOCK_PATIENCE)))
        for kind, name in connection.execute(_FOREIGN, chosen).fetchall():
            _give(connection, _RELATIONS[kind], name, new_owner)
        for (name,) in connection.execute(_FOREIGN_TYPES, chosen).fetchall():
            _give(connection, "type", name, new_owner)


def _give(connection: psycopg.Connection, kind: str, name: str, owner: sql.Identifier) -> None:
    what = sql.Identifier("public", name)
    connection.execute(sql.SQL("alter {} {} owner to {}").format(sql.SQL(kind), what, owner))
