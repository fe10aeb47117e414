"""The hot tier: the last days of flight events in MongoDB."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from pymongo import DESCENDING, MongoClient
from pymongo.collection import Collection
from pymongo.errors import PyMongoError

from skytier.errors import TransientError
from skytier.settings.mongodb import MongoSettings

Document = dict[str, Any]

DUPLICATE_KEY = 11000
# What somebody wrote by hand may have no date, or one that Python cannot hold: the clock does not follow it.
_DATED = {"event_time": {"$lt": datetime(2262, 1, 1, tzinfo=UTC)}}


def client(patience_ms: int = 5_000) -> MongoClient[Document]:
    """A client of the hot tier's server, which waits so long for it; times come back as aware UTC."""
    uri = MongoSettings().connection_string()
    return MongoClient(uri, tz_aware=True, serverSelectionTimeoutMS=patience_ms, appname="skytier")


def collection(connection: MongoClient[Document], name: str) -> Collection[Document]:
    """A collection of the hot tier's database."""
    return connection[MongoSettings().database][name]


def events(connection: MongoClient[Document]) -> Collection[Document]:
    """The collection of the flight events."""
    return collection(connection, MongoSettings().collection)


@contextmanager
def answering() -> Iterator[None]:
    """Turn what PyMongo raises into a TransientError that says what to do; for a block, or a function as decorator."""
    try:
        yield
    except PyMongoError as error:
        raise TransientError(f"MongoDB does not answer: {error}. See 'skytier stack status'.") from error


def ensure_indexes(into: Collection[Document], indexes: Sequence[tuple[str, int]]) -> None:
    """Create the indexes, each a field and its direction (1, -1), that are not there yet."""
    for index in indexes:
        into.create_index([index])


def clock(connection: MongoClient[Document]) -> datetime | None:
    """The warehouse's now: the newest event_time stored; None in an empty warehouse.

    Raises TransientError when the server does not answer.
    """
    return newest_event_time(events(connection))


def newest_event_time(collection: Collection[Document]) -> datetime | None:
    """The newest event_time in a collection of events; None in an empty one. Raises as ``clock`` does."""
    with answering():
        newest = collection.find_one(_DATED, {"event_time": 1}, sort=[("event_time", DESCENDING)])
    return newest["event_time"].astimezone(UTC) if newest else None


def count_by_batch(of: Collection[Document], since: datetime, until: datetime) -> dict[int, int]:
    """Documents of a collection by batch_id, those ingested from ``since`` to ``until``, both included."""
    pipeline: list[dict[str, Any]] = [
        {"$match": {"ingestion_timestamp": {"$gte": since, "$lte": until}}},
        {"$group": {"_id": "$batch_id", "documents": {"$sum": 1}}},
    ]
    return {row["_id"]: row["documents"] for row in of.aggregate(pipeline)}
