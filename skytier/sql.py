"""Queries through the SQL endpoint (Spark Thrift Server), as any PyHive client sends them."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import count
from types import TracebackType
from typing import Any

import stamina
from pyhive import exc, hive
from thrift.transport.TTransport import TTransportException

from skytier import blocks, sql_transport
from skytier.errors import TerminalError, TransientError
from skytier.files import Files
from skytier.settings.base import stack_env_file
from skytier.settings.sql import Role, SqlSettings

_TYPE_SUFFIX = "_TYPE"
# Spark's own words, behind the names of the server's exception classes: "[ERROR_CLASS] what happened".
_SPARK_ERROR = re.compile(r"\[[A-Z][A-Z_0-9.]+\] (?![\w.$]+Exception: )[^\n]+")
_EXCEPTION_CLASSES = re.compile(r"^(?:[\w.$]+(?:Exception|Error): |Error running query: )+")

_REFUSED_LOGIN = "Bad status: 3"  # Thrift's SASL: the server closes after it
_TIMED_OUT = "found TIMEDOUT"
METASTORE_DOWN = (
    "The Hive metastore does not reach its database: see 'skytier stack status', and start what is down with 'skytier "
    "stack up'."
)
METASTORE_SILENT = METASTORE_DOWN.replace("reach its database", "answer")
_WITHOUT_DATABASE = ("Connection is not available, request timed out", "PSQLException")  # HikariCP's and JDBC's words
_NO_METASTORE = ("Could not connect to meta store", "TTransportException")  # Hive's and Thrift's
_CONFLICTS = ("Found conflicting files", "CommitFailedException")  # Iceberg's words

# What it would print is in the error that is raised.
for _module in ("TSocket", "TSSLSocket"):
    logging.getLogger(f"thrift.transport.{_module}").setLevel(logging.CRITICAL)


class SqlError(TerminalError):
    """The SQL endpoint refused a statement; the message is the first line of what it said."""


class ConflictError(TransientError):
    """Another commit to the table came first, and the statement wrote nothing."""


@dataclass(frozen=True)
class Result:
    """What a query gave: names, SQL types and rows. Times are aware, in UTC; arrays, maps, structs the
    endpoint's text, which is JSON while no text in them holds quotes (``skytier.nested``)."""

    columns: list[str]
    types: list[str]
    rows: list[tuple[Any, ...]]

    def dicts(self) -> list[dict[str, Any]]:
        """The rows by column name; the second column of a name is ``name_2``."""
        names = self.unique_names()
        return [dict(zip(names, row, strict=True)) for row in self.rows]

    def unique_names(self) -> list[str]:
        """The names of the columns, each once: where one comes again it is numbered, from ``name_2`` on."""
        names: list[str] = []
        for column in self.columns:
            numbered = (f"{column}_{number}" for number in count(2))
            names.append(
                column if column not in names else next(n for n in numbered if n not in {*names, *self.columns})
            )
        return names


class Connection:
    """A session of the SQL endpoint; use it in ``with``. Not for several threads at once."""

    def __init__(self, role: Role = Role.OPERATOR) -> None:
        """Connect as the user of a role.

        Raises TransientError when the SQL endpoint does not answer in a few tries, or opens no session, TerminalError
        when it refuses the password or there is none.
        """
        try:
            self._connection = _connect(SqlSettings(), role)
        except exc.Error as error:
            refused = f"The SQL endpoint opened no session: {_first_line(error)} See 'skytier stack status'."
            raise TransientError(_metastore_down(str(error)) or refused) from error

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the session."""
        # Where the server is gone, the session is gone with it.
        with suppress(OSError, TTransportException):
            self._connection.close()

    def query(self, statement: str) -> Result:
        """Run one statement and fetch all that it gives.

        Raises ConflictError when another commit came first, DamagedFileError when a file of a table is damaged,
        SqlError when the statement fails otherwise, TransientError when the SQL endpoint goes away meanwhile, or the
        metastore or its database is down.
        """
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(statement)
                if not cursor.description:
                    return Result([], [], [])
                types = [str(column[1]).removesuffix(_TYPE_SUFFIX).lower() for column in cursor.description]
                rows = [_typed(row, types) for row in cursor.fetchall()]
                return Result([column[0] for column in cursor.description], types, rows)
        except exc.Error as error:
            if any(words in str(error) for words in _CONFLICTS):
                raise ConflictError(
                    f"Another commit to the table came first: try again. {_first_line(error)}"
                ) from error
            if words := _metastore_down(str(error)):
                raise TransientError(words) from error
            if path := blocks.file_in(str(error)):
                Files().check_whole(path)
            raise SqlError(_first_line(error)) from error
        except (OSError, TTransportException) as error:
            raise TransientError(f"The SQL endpoint went away ({error}): see 'skytier stack status'.") from error


def query(statement: str, role: Role = Role.OPERATOR) -> Result:
    """Run one statement in a session of its own. Raises as ``Connection`` does."""
    with Connection(role) as connection:
        return connection.query(statement)


def ping(seconds: float) -> None:
    """Ask ``SELECT 1`` in a session of its own, once, and wait for each answer no longer than this.

    Raises what PyHive and Thrift raise.
    """
    settings = SqlSettings()
    user, password = settings.login(Role.READER)
    transport = sql_transport.transport(settings.host, settings.port, user, password, seconds)
    with (
        closing(hive.Connection(thrift_transport=transport, username=user)) as connection,
        closing(connection.cursor()) as cursor,
    ):
        cursor.execute("SELECT 1")
        cursor.fetchall()


@stamina.retry(on=TransientError, attempts=3, wait_initial=0.2, wait_max=1.0)
def _connect(settings: SqlSettings, role: Role) -> Any:
    port = settings.port
    user, password = settings.login(role)
    try:
        transport = sql_transport.transport(settings.host, port, user, password)
        return hive.Connection(thrift_transport=transport, username=user)
    except (OSError, TTransportException) as error:
        if untrusted := sql_transport.untrusted(error):
            raise TerminalError(
                f"The SQL endpoint at {settings.host}:{port} shows a certificate that is not trusted "
                f"({untrusted.verify_message}): SKYTIER_TLS_CA_FILE has to be the certificate of the authority that "
                "signed it, and the host's name, or address, to be in it."
            ) from error
        if _REFUSED_LOGIN in str(error):
            raise TerminalError(
                f"The SQL endpoint at {settings.host}:{port} refuses the password of {user}: the one in "
                f"{stack_env_file()}, or in the environment, is not the one that it was started with. "
                "'skytier stack down sql' and 'skytier stack up' restart it."
            ) from error
        raise TransientError(
            f"The SQL endpoint at {settings.host}:{port} does not answer ({type(error).__name__}): "
            "see 'skytier stack status', and start it with 'skytier stack up'."
        ) from error


def _typed(row: Sequence[Any], types: Sequence[str]) -> tuple[Any, ...]:
    """The row with what PyHive leaves undone: dates as dates, times marked as what the session gives: UTC."""
    return tuple(_value(value, kind) for value, kind in zip(row, types, strict=True))


def _value(value: Any, kind: str) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC)
    return date.fromisoformat(value) if kind == "date" and value is not None else value


def _metastore_down(text: str) -> str | None:
    """What to say where a statement failed because the metastore, or the database under it, is down."""
    if "MetaException" not in text:
        return None
    if any(words in text for words in _WITHOUT_DATABASE):
        return METASTORE_DOWN
    return METASTORE_SILENT if any(words in text for words in _NO_METASTORE) else None


def _first_line(error: exc.Error) -> str:
    status = getattr(error.args[0], "status", None) if error.args else None
    text = str(getattr(status, "errorMessage", None) or error)
    if _TIMED_OUT in text:
        return (
            "The query ran longer than SKYTIER_SQL_QUERY_TIMEOUT_SECONDS allows and was cancelled: "
            "ask for less, or raise the setting."
        )
    if spark_error := _SPARK_ERROR.search(text):
        return spark_error[0]
    return _EXCEPTION_CLASSES.sub("", text.splitlines()[0])
