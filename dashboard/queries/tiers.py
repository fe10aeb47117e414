"""Questions to the tiers: MongoDB by functions, the SQL endpoint by statements, both through the cache."""

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
from skytier.cache import Answer, Basis, Cache, Question
from skytier.errors import TransientError
from skytier.hot_tier import Document
from skytier.settings.sql import Role
from skytier.sql import Connection, Result, SqlError

P = ParamSpec("P")

PAGE_SECONDS = 10.0
"""How long a page waits, before its panels, for what it can do without, such as the names in its filters"""
_NOW_SECONDS, _NOW_STALE_SECONDS = 5.0, 10.0
_PATIENCE_MS = 1_500  # a page that waits longer for a server that is down helps nobody
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
_few, _idle = threading.BoundedSemaphore(_SESSIONS), queue.LifoQueue[Connection]()


class Tier(StrEnum):
    """Where the data of a panel lies."""

    HOT = "hot tier"
    COLD = "cold tier"
    BOTH = "both tiers"
    METADATA = "metadata"
    SERVERS = "servers"
    MODELS = "model registry"


@functools.cache
def cache() -> Cache:
    """The cache of this process."""
    return Cache()


@functools.cache
def mongodb() -> MongoClient[Document]:
    """The client of this process; it has a pool of connections of its own."""
    return hot_tier.client(_PATIENCE_MS)


def answer(question: Question, patience_seconds: float | None = None) -> Answer:
    """Ask the cache. Raises SkytierError when a server is needed that does not answer."""
    return cache().get(question, patience_seconds)


def sql(statement: str, *, within_seconds: float | None = None) -> Question:
    """The question that a statement asks the SQL endpoint; it holds until a batch or an archive changes the tables."""
    return Question(
        name=f"sql: {statement}",
        ask=lambda: _table(_query(statement)),
        ttl_seconds=cache().settings.cold_seconds,
        rests_on=(Basis.BATCHES, Basis.ARCHIVES),
        within_seconds=within_seconds,
    )


def hot(ask: Callable[Concatenate[MongoClient[Document], P], pa.Table]) -> Callable[P, Question]:
    """Make a function that asks MongoDB into one that gives the question, by its arguments, for a few seconds."""

    @functools.wraps(ask)
    def question(*arguments: P.args, **named: P.kwargs) -> Question:
        @hot_tier.answering()
        def run() -> pa.Table:
            return ask(mongodb(), *arguments, **named)

        return Question(
            name=f"{_version(ask)}({arguments!r}, {named!r})",
            ask=run,
            ttl_seconds=cache().settings.hot_seconds,
            rests_on=(Basis.BATCHES, Basis.ARCHIVES),
        )

    return question


def asked(ask: Callable[[], pa.Table], seconds: float, *rests_on: Basis) -> Question:
    """The question that a function without arguments answers, from whatever server; it holds for its time."""
    return Question(_version(ask), ask, seconds, rests_on)


def asked_now(ask: Callable[[], pa.Table], *rests_on: Basis) -> Question:
    """As ``asked``, of what is well at this moment: it holds for a few seconds.

    Who opens a page is given an answer of a few more, while it is asked anew, but not an older one.
    """
    return replace(asked(ask, _NOW_SECONDS, *rests_on), stale_seconds=_NOW_STALE_SECONDS)


@functools.cache
def _version(function: Callable[..., Any]) -> str:
    """The name of a function and of its code: an answer of earlier code is not taken for its own."""
    source = inspect.getsource(inspect.getmodule(function) or function)
    return f"{function.__module__}.{function.__qualname__} {hashlib.sha256(source.encode()).hexdigest()[:12]}"


def _query(statement: str) -> Result:
    """Ask in an idle session, or a new one; a few at once. One that the server has forgotten is opened again."""
    with _few:
        try:
            connection = _idle.get_nowait()
        except queue.Empty:
            connection = Connection(Role.READER)
        try:
            result = connection.query(statement)
        except SqlError:
            _idle.put(connection)  # the statement was refused, the session is well
            raise
        except TransientError:
            connection.close()
            connection = Connection(Role.READER)
            result = connection.query(statement)
        _idle.put(connection)
        return result


def close_sessions() -> None:
    """End the idle sessions of the SQL endpoint."""
    while not _idle.empty():
        _idle.get_nowait().close()


def _table(result: Result) -> pa.Table:
    """The rows by column; what SQL has no plain type for is text."""
    columns = list(zip(*result.rows, strict=True)) or [()] * len(result.columns)
    arrays = [
        pa.array(column, _ARROW.get(kind, pa.string())) for column, kind in zip(columns, result.types, strict=True)
    ]
    return pa.table(dict(zip(result.columns, arrays, strict=True)))
