"""Alerts for operators: one document per alert in MongoDB, counted up while it lasts, resolved when its cause is gone.

A condition (``until_resolved``) lasts until the check that raised it calls ``resolve``. If it is acknowledged
meanwhile, it stays acknowledged. Any other alert is an event: an acknowledgement ends it, and the next one is new.

Each function that posts to the webhook takes its ``settings``; without them it reads those of the environment.
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

from skytier import alert_webhook, cache, hot_tier, logs
from skytier.cache import CacheTag
from skytier.hot_tier import Document
from skytier.settings.alerts import AlertSettings

COLLECTION = "alerts"
# Documents of earlier versions have no ``resolved_time``; MongoDB treats that as null.
_UNRESOLVED: Document = {"resolved_time": None}
_OPEN: Document = {"acknowledged_by": None} | _UNRESOLVED
_INDEX = "open"
# Indexes of earlier versions. The first prevents that a resolved alert is raised again, the other allows it twice.
_EARLIER_INDEXES = ("unacknowledged", "kind_1_subject_1")

log = logs.logger("alerts")


class Severity(StrEnum):
    """How urgent an alert is."""

    WARNING = "warning"
    CRITICAL = "critical"


class Condition(NamedTuple):
    """The current state of an alert's subject: how urgent it is, and what is wrong."""

    severity: Severity
    message: str


def alerts(connection: MongoClient[Document]) -> Collection[Document]:
    """The collection of the alerts."""
    return hot_tier.collection(connection, COLLECTION)


def ensure_indexes(connection: MongoClient[Document]) -> None:
    """Create the missing indexes.

    A unique index allows an alert to be open once. If an earlier version stored it twice, the newest stays open.
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
    settings: AlertSettings | None = None,
) -> None:
    """Raise an alert, or increase the count of the open one with the same kind and subject.

    Fields: kind, severity, subject, message, first_time, last_time, count, acknowledged_by, resolved_time and
    until_resolved. A new alert, and one that becomes critical, is posted to the webhook.
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
        since = before["first_time"] if before else now
        alert_webhook.post(settings or AlertSettings(), "raised", kind, str(severity), subject, message, since)


def resolve(connection: MongoClient[Document], kind: str, *subjects: str, settings: AlertSettings | None = None) -> int:
    """Resolve these alerts and return how many were open. Each is posted to the webhook."""
    return _resolve(connection, {"kind": kind, "subject": {"$in": list(subjects)}}, settings)


def settle(
    connection: MongoClient[Document],
    kind: str,
    found: Mapping[str, Condition],
    settings: AlertSettings | None = None,
) -> int:
    """Raise the conditions found, by subject; resolve all other alerts of the kind and return their number."""
    for subject, (severity, message) in found.items():
        alert(connection, kind, severity, subject, message, until_resolved=True, settings=settings)
    return _resolve(connection, {"kind": kind, "subject": {"$nin": list(found)}}, settings)


def acknowledge(connection: MongoClient[Document], ids: Sequence[ObjectId], by: str) -> int:
    """Acknowledge these alerts and return how many were not acknowledged before. The first user's name stays."""
    seen = alerts(connection).update_many(
        {"_id": {"$in": list(ids)}, "acknowledged_by": None}, {"$set": {"acknowledged_by": by}}
    )
    cache.invalidate(CacheTag.acknowledgements())
    log.info("alerts acknowledged", ids=[str(one) for one in ids], by=by)
    return seen.modified_count


def _resolve(connection: MongoClient[Document], which: Document, settings: AlertSettings | None) -> int:
    collection = alerts(connection)
    resolved = 0
    for found in list(collection.find(which | _UNRESOLVED)):
        now = datetime.now(UTC)
        done = collection.update_one({"_id": found["_id"]} | _UNRESOLVED, {"$set": {"resolved_time": now}})
        if not done.modified_count:
            continue  # another process resolved it first and posted it
        resolved += 1
        kind, severity, subject, message = (found[name] for name in ("kind", "severity", "subject", "message"))
        log.info("alert resolved", kind=kind, severity=severity, subject=subject)
        since = found["first_time"]
        alert_webhook.post(settings or AlertSettings(), "resolved", kind, severity, subject, message, since)
    if resolved:
        cache.invalidate(CacheTag.acknowledgements())
    return resolved


def _insert_or_count(connection: MongoClient[Document], same: Document, change: Document) -> Document | None:
    """The document before the count was increased; None if it is new."""
    try:
        return _count(alerts(connection), same, change)
    except DuplicateKeyError:
        ensure_indexes(connection)  # an index of an earlier version prevents that a resolved alert is raised again
        return _count(alerts(connection), same, change)


# If two processes insert the same alert at once, one fails; its second attempt finds the other's alert and counts it.
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
    """Acknowledge all but the newest of several open alerts with the same kind and subject."""
    pipeline: list[Document] = [
        {"$match": _OPEN},
        {"$sort": {"last_time": -1}},
        {"$group": {"_id": {"kind": "$kind", "subject": "$subject"}, "ids": {"$push": "$_id"}}},
    ]
    for row in collection.aggregate(pipeline):
        collection.update_many({"_id": {"$in": row["ids"][1:]}}, {"$set": {"acknowledged_by": "skytier"}})
