"""What operators must see: one document an alert, counted up until somebody acknowledges it."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

from pymongo import ASCENDING, DESCENDING, MongoClient
from pymongo.collection import Collection

from skytier import logs
from skytier.hot_tier import Document
from skytier.settings import MongoSettings

COLLECTION = "alerts"
log = logs.logger("alerts")


class Severity(StrEnum):
    """How soon somebody should look."""

    WARNING = "warning"
    CRITICAL = "critical"


def alerts(connection: MongoClient[Document]) -> Collection[Document]:
    """The collection of the alerts."""
    return connection[MongoSettings().database][COLLECTION]


def ensure_indexes(connection: MongoClient[Document]) -> None:
    """Create the indexes that are not there yet."""
    alerts(connection).create_index([("kind", ASCENDING), ("subject", ASCENDING)])
    alerts(connection).create_index([("last_time", DESCENDING)])


def alert(connection: MongoClient[Document], kind: str, severity: Severity, subject: str, message: str) -> None:
    """Raise an alert, or count up the same one: same kind and subject, and nobody has acknowledged it yet.

    Fields: kind, severity, subject, message, first_time, last_time, count, acknowledged_by.
    """
    now = datetime.now(UTC)
    alerts(connection).update_one(
        {"kind": kind, "subject": subject, "acknowledged_by": None},
        {
            "$set": {"severity": str(severity), "message": message, "last_time": now},
            "$setOnInsert": {"first_time": now},
            "$inc": {"count": 1},
        },
        upsert=True,
    )
    log.warning("alert", kind=kind, severity=str(severity), subject=subject, message=message)
