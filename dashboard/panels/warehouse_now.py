"""The warehouse's clock, and when its newest event was taken in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
from pymongo import DESCENDING, MongoClient

from dashboard.panels.tiers import hot_query
from skytier import hot_tier
from skytier.hot_tier import Document

_REPLAY_BEHIND = timedelta(days=1)
_TIME = pa.timestamp("us", "UTC")


@hot_query
def warehouse_now(connection: MongoClient[Document]) -> pa.Table:
    """One row: ``clock`` (the newest event time) and ``ingested`` (the newest ingestion); null in an empty hot tier."""
    newest = hot_tier.events(connection).find_one(
        {}, {"ingestion_timestamp": 1}, sort=[("ingestion_timestamp", DESCENDING)]
    )
    row = {"clock": hot_tier.clock(connection), "ingested": newest["ingestion_timestamp"] if newest else None}
    return pa.Table.from_pylist([row], pa.schema([("clock", _TIME), ("ingested", _TIME)]))


def is_replay(clock: datetime, now: datetime | None = None) -> bool:
    """Whether the events are of an earlier time than now: more than a day behind the wall clock."""
    return (now or datetime.now(UTC)) - clock > _REPLAY_BEHIND
