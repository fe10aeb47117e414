"""What operators must see: one document an alert, counted up until somebody acknowledges it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum

import stamina
from bson import ObjectId
from pymongo import ASCENDING, DESCENDING, MongoClient
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from skytier import cache, logs
from skytier.cache import Basis
from skytier.hot_tier import Document
from skytier.settings import MongoSettings

COLLECTION = "alerts"
_UNACKNOWLEDGED: Document = {"acknowledged_by": None}
_INDEX, _EARLIER_INDEX = "unacknowledged", "kind_1_subject_1"  # the earlier one let an alert stand there twice

log = logs.logger("alerts")


class Severity(StrEnum):
    """How soon somebody should look."""

    WARNING = "warning"
    CRITICAL = "critical"


def alerts(connection: MongoClient[Document]) -> Collection[Document]:
    """The collection of the alerts."""
    return connection[MongoSettings().database][COLLECTION]


def ensure_indexes(connection: MongoClient[Document]) -> None:
    """Create the indexes that are not there yet.

    One of them lets an alert be unacknowledged once only. Where earlier code left it so twice, the newest stays.
    """
    collection = alerts(connection)
    try:
        _allow_each_once(collection)
    except DuplicateKeyError:
        _acknowledge_repeated(collection)
        _allow_each_once(collection)
    if _EARLIER_INDEX in collection.index_information():
        collection.drop_index(_EARLIER_INDEX)
    collection.create_index([("last_time", DESCENDING)])


def alert(connection: MongoClient[Document], kind: str, severity: Severity, subject: str, message: str) -> None:
    """Raise an alert, or count up the same one: same kind and subject, and nobody has acknowledged it yet.

    Fields: kind, severity, subject, message, first_time, last_time, count, acknowledged_by.
    """
    now = datetime.now(UTC)
    change = {
        "$set": {"severity": str(severity), "message": message, "last_time": now},
        "$setOnInsert": {"first_time": now},
        "$inc": {"count": 1},
    }
    _insert_or_count(alerts(connection), {"kind": kind, "subject": subject} | _UNACKNOWLEDGED, change)
    log.warning("alert", kind=kind, severity=str(severity), subject=subject, message=message)


def acknowledge(connection: MongoClient[Document], ids: Sequence[ObjectId], by: str) -> int:
    """Note that somebody has seen these alerts; how many nobody had seen before. Those keep who saw them first."""
    seen = alerts(connection).update_many(
        {"_id": {"$in": list(ids)}} | _UNACKNOWLEDGED, {"$set": {"acknowledged_by": by}}
    )
    cache.changed(Basis.ACKNOWLEDGEMENTS)
    log.info("alerts acknowledged", ids=[str(one) for one in ids], by=by)
    return seen.modified_count


# Of two processes that insert the same alert at once, one is refused: the second time it finds the other's and counts.
@stamina.retry(on=DuplicateKeyError, attempts=2, wait_initial=0, wait_jitter=0)
def _insert_or_count(collection: Collection[Document], same: Document, change: Document) -> None:
    collection.update_one(same, change, upsert=True)


def _allow_each_once(collection: Collection[Document]) -> None:
    keys = [("kind", ASCENDING), ("subject", ASCENDING)]
    collection.create_index(keys, name=_INDEX, unique=True, partialFilterExpression=_UNACKNOWLEDGED)


def _acknowledge_repeated(collection: Collection[Document]) -> None:
    """Leave the newest of the same unacknowledged alerts."""
    pipeline: list[Document] = [
        {"$match": _UNACKNOWLEDGED},
        {"$sort": {"last_time": -1}},
        {"$group": {"_id": {"kind": "$kind", "subject": "$subject"}, "ids": {"$push": "$_id"}}},
    ]
    for row in collection.aggregate(pipeline):
        collection.update_many({"_id": {"$in": row["ids"][1:]}}, {"$set": {"acknowledged_by": "skytier"}})
