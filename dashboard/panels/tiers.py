"""Queries to both tiers, all through the cache: functions that read MongoDB, and statements of the SQL endpoint."""

from __future__ import annotations

import functools
import hashlib
import inspect
import queue
import threading
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import Any, Concatenate, ParamSpec

import pyarrow as pa
from pymongo import MongoClient

from skytier import hot_tier
from skytier.cache import Cache, CachedResult, CacheTag, Query
from skytier.errors import TransientError
from skytier.hot_tier import Document
from skytier.settings.sql import Role
from skytier.sql import Connection, Result, SqlError

P = ParamSpec("P")

PAGE_SECONDS = 10.0
"""How long a page waits, before its panels, for optional results such as the names in its filters"""
PIPELINE = "flights"
"""The pipeline whose events the pages show"""
BATCHES, ARCHIVES = CacheTag.batches(PIPELINE), CacheTag.archives(PIPELINE)
TAGS = (BATCHES, ARCHIVES, CacheTag.acknowledgements())
_LIVE_SECONDS, _LIVE_STALE_SECONDS = 5.0, 10.0
_MONGODB_TIMEOUT_MS = 1_500  # nobody benefits from a page that waits longer for a server that is down
_ARROW = {
    "boolean": pa.bool_(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"),
}
_SESSIONS = 4
_session_limit, _idle_sessions = threading.BoundedSemaphore(_SESSIONS), queue.LifoQueue[Connection]()


class Tier(StrEnum):
    """Where a panel's data is stored."""

    HOT = "hot tier"
    COLD = "cold tier"
    BOTH = "hot and cold tier"
    ALL_EVENTS = "hot tier and archive"
    METADATA = "metadata"
    SERVERS = "servers"
    MODELS = "model registry"


@functools.cache
def cache() -> Cache:
    """The cache of this process."""
    return Cache()


@functools.cache
def mongodb() -> MongoClient[Document]:
    """The client of this process, with a connection pool of its own."""
    return hot_tier.client(_MONGODB_TIMEOUT_MS)


def fetch(query: Query, wait_budget_seconds: float | None = None) -> CachedResult:
    """The result of a query, by the cache. Raises SkytierError when a server that it needs does not answer."""
    return cache().get(query, wait_budget_seconds)


def sql(statement: str, *, timeout_seconds: float | None = None) -> Query:
    """A statement of the SQL endpoint. Its result is fresh until a batch or an archive changes the tables."""
    return Query(
        name=f"sql: {statement}",
        run=lambda: _table(_execute(statement)),
        ttl_seconds=cache().settings.cold_seconds,
        tags=(BATCHES, ARCHIVES),
        timeout_seconds=timeout_seconds,
    )


def hot_query(read: Callable[Concatenate[MongoClient[Document], P], pa.Table]) -> Callable[P, Query]:
    """Decorate a function that reads MongoDB: the result takes its arguments and returns the query."""

    @functools.wraps(read)
    def query(*arguments: P.args, **named: P.kwargs) -> Query:
        @hot_tier.answering()
        def run() -> pa.Table:
            return read(mongodb(), *arguments, **named)

        return Query(
            name=f"{_version(read)}({arguments!r}, {named!r})",
            run=run,
            ttl_seconds=cache().settings.hot_seconds,
            tags=(BATCHES, ARCHIVES),
        )

    return query


def function_query(run: Callable[[], pa.Table], ttl_seconds: float, *tags: CacheTag) -> Query:
    """The query that a function without arguments runs, on whatever server."""
    return Query(_version(run), run, ttl_seconds, tags)


def live_query(run: Callable[[], pa.Table], *tags: CacheTag) -> Query:
    """A ``function_query`` for the current state of servers: its result is fresh for a few seconds.

    A page that is opened gets a result that is a few seconds older while the query runs, but no older one.
    """
    return replace(function_query(run, _LIVE_SECONDS, *tags), stale_seconds=_LIVE_STALE_SECONDS)


@functools.cache
def _version(function: Callable[..., Any]) -> str:
    """The name of a function and a hash of its module: results of earlier code are not returned for it."""
    source = inspect.getsource(inspect.getmodule(function) or function)
    return f"{function.__module__}.{function.__qualname__} {hashlib.sha256(source.encode()).hexdigest()[:12]}"


def _execute(statement: str) -> Result:
    """Execute a statement in an idle session, or a new one. A session that the server has closed is opened again."""
    with _session_limit:
        try:
            connection = _idle_sessions.get_nowait()
        except queue.Empty:
            connection = Connection(Role.READER)
        try:
            result = connection.query(statement)
        except SqlError:
            _idle_sessions.put(connection)  # the statement failed, the session did not
            raise
        except TransientError:
            connection.close()
            connection = Connection(Role.READER)
            result = connection.query(statement)
        _idle_sessions.put(connection)
        return result


def close_sessions() -> None:
    """Close the idle sessions of the SQL endpoint."""
    while not _idle_sessions.empty():
        _idle_sessions.get_nowait().close()


def _table(result: Result) -> pa.Table:
    """The rows by column. Types of SQL without an equivalent in Arrow are text."""
    columns = list(zip(*result.rows, strict=True)) or [()] * len(result.columns)
    arrays = [
        pa.array(column, _ARROW.get(kind, pa.string())) for column, kind in zip(columns, result.types, strict=True)
    ]
    return pa.table(dict(zip(result.columns, arrays, strict=True)))
