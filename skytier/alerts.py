"""What operators must see: one document an alert, counted up while it lasts, resolved when its cause is gone.

Two kinds of alert differ in what ends them. A condition (``until_resolved``) lasts until who watches it calls
``resolve``: acknowledged meanwhile, it stays acknowledged. Anything else is an event: it is over for whoever has
acknowledged it, and raised again it is a new alert.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

import stamina
from bson import ObjectId
from pymongo import ASCENDING, DESCENDING, MongoClient, ReturnDocument
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from skytier import alert_webhook, cache, logs
from skytier.cache import Basis
from skytier.hot_tier import Document
from skytier.settings.mongodb import MongoSettings

COLLECTION = "alerts"
# Documents of earlier code have no ``resolved_time``: to MongoDB that is the same as null.
_UNRESOLVED: Document = {"resolved_time": None}
_OPEN: Document = {"acknowledged_by": None} | _UNRESOLVED
_INDEX = "open"
_EARLIER_INDEXES = (
    "unacknowledged",
    "kind_1_subject_1",
)  # an alert that was resolved could not come again; or stood twice

log = logs.logger("alerts")


class Severity(StrEnum):
    """How soon somebody should look."""

    WARNING = "warning"
    CRITICAL = "critical"


class Condition(NamedTuple):
    """What is wrong now with the subject of an alert."""

    severity: Severity
    message: str


def alerts(connection: MongoClient[Document]) -> Collection[Document]:
    """The collection of the alerts."""
    return connection[MongoSettings().database][COLLECTION]


def ensure_indexes(connection: MongoClient[Document]) -> None:
    """Create the indexes that are not there yet.

    One of them lets an alert be open once only. Where earlier code left it so twice, the newest stays.
    """
    collection = alerts(connection)
    try:
        _allow_each_once(collection)
    except DuplicateKeyError:
        _acknowledge_repeated(collection)
        _allow_each_once(collection)
    for earlier in set(_EARLIER_INDEXES) & set(collection.index_information()):
        collection.drop_index(earlier)
    collection.create_index([("last_time", DESCENDING)])


def alert(
    connection: MongoClient[Document],
    kind: str,
    severity: Severity,
    subject: str,
    message: str,
    *,
    until_resolved: bool = False,
) -> None:
    """Raise an alert, or count up the same one: same kind and subject, and not over yet.

    Fields: kind, severity, subject, message, first_time, last_time, count, acknowledged_by, resolved_time and
    until_resolved. The webhook is told of a new one, and of one that has become critical.
    """
    now = datetime.now(UTC)
    change = {
        "$set": {
            "severity": str(severity),
            "message": message,
            "last_time": now,
            "until_resolved": until_resolved,
        },
        "$setOnInsert": {"first_time": now, "acknowledged_by": None, "resolved_time": None},
        "$inc": {"count": 1},
    }
    lasting = {"$or": [_OPEN, _UNRESOLVED | {"until_resolved": True}]} if until_resolved else _OPEN
    before = _insert_or_count(connection, {"kind": kind, "subject": subject} | lasting, change)
    log.warning("alert", kind=kind, severity=str(severity), subject=subject, message=message)
    if before is None or (severity is Severity.CRITICAL and before["severity"] != severity):
        alert_webhook.post("raised", kind, str(severity), subject, message, before["first_time"] if before else now)


def resolve(connection: MongoClient[Document], kind: str, *subjects: str) -> int:
    """Note that the cause of these alerts is gone; how many were not resolved yet. Tells the webhook of each."""
    return _resolve(connection, {"kind": kind, "subject": {"$in": list(subjects)}})


def settle(connection: MongoClient[Document], kind: str, found: Mapping[str, Condition]) -> int:
    """Raise what was found of a kind, by subject, and resolve every other alert of the kind; how many were resolved."""
    for subject, (severity, message) in found.items():
        alert(connection, kind, severity, subject, message, until_resolved=True)
    return _resolve(connection, {"kind": kind, "subject": {"$nin": list(found)}})


def acknowledge(connection: MongoClient[Document], ids: Sequence[ObjectId], by: str) -> int:
    """Note that somebody has seen these alerts; how many nobody had seen before. Those keep who saw them first."""
    seen = alerts(connection).update_many(
        {"_id": {"$in": list(ids)}, "acknowledged_by": None}, {"$set": {"acknowledged_by": by}}
    )
    cache.changed(Basis.ACKNOWLEDGEMENTS)
    log.info("alerts acknowledged", ids=[str(one) for one in ids], by=by)
    return seen.modified_count


def _resolve(connection: MongoClient[Document], which: Document) -> int:
    collection = alerts(connection)
    resolved = 0
    for found in list(collection.find(which | _UNRESOLVED)):
        now = datetime.now(UTC)
        done = collection.update_one({"_id": found["_id"]} | _UNRESOLVED, {"$set": {"resolved_time": now}})
        if not done.modified_count:
            continue  # another process was first, and has told of it
        resolved += 1
        kind, severity, subject, message = (found[name] for name in ("kind", "severity", "subject", "message"))
        log.info("alert resolved", kind=kind, severity=severity, subject=subject)
        alert_webhook.post("resolved", kind, severity, subject, message, found["first_time"])
    if resolved:
        cache.changed(Basis.ACKNOWLEDGEMENTS)
    return resolved


def _insert_or_count(connection: MongoClient[Document], same: Document, change: Document) -> Document | None:
    """The document as it was before it was counted up; None where it is new."""
    try:
        return _count(alerts(connection), same, change)
    except DuplicateKeyError:
        ensure_indexes(connection)  # the index of earlier code lets no alert come again before it is acknowledged
        return _count(alerts(connection), same, change)


# Of two processes that insert the same alert at once, one is refused: the second time it finds the other's and counts.
@stamina.retry(on=DuplicateKeyError, attempts=2, wait_initial=0, wait_jitter=0)
def _count(collection: Collection[Document], same: Document, change: Document) -> Document | None:
    newest_first = [("last_time", DESCENDING)]
    before: Document | None = collection.find_one_and_update(
        same, change, sort=newest_first, upsert=True, return_document=ReturnDocument.BEFORE
    )
    return before


def _allow_each_once(collection: Collection[Document]) -> None:
    keys = [("kind", ASCENDING), ("subject", ASCENDING)]
    collection.create_index(keys, name=_INDEX, unique=True, partialFilterExpression=_OPEN)


def _acknowledge_repeated(collection: Collection[Document]) -> None:
    """Leave the newest of the same open alerts."""
    pipeline: list[Document] = [
        {"$match": _OPEN},
        {"$sort": {"last_time": -1}},
        {"$group": {"_id": {"kind": "$kind", "subject": "$subject"}, "ids": {"$push": "$_id"}}},
    ]
    for row in collection.aggregate(pipeline):
        collection.update_many({"_id": {"$in": row["ids"][1:]}}, {"$set": {"acknowledged_by": "skytier"}})
