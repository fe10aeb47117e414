"""The queries of Real-Time Overview: the hot tier as of the warehouse clock, and the newest batches."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
from pymongo import DESCENDING, MongoClient

from dashboard.app_pages.overview import text
from dashboard.panels import tiers
from dashboard.panels.filters import Filters
from dashboard.panels.tiers import hot_query, live_query, sql
from skytier import hot_tier
from skytier.cache import Query
from skytier.errors import SkytierError
from skytier.hot_tier import Document
from skytier.topic_state import topic_state

AIR_HOURS = 24
LATEST = 50
_BATCHES = 120  # more than an hour has


@hot_query
def in_the_air(connection: MongoClient[Document], filters: Filters) -> pa.Table:
    """A row for each flight that departed in the 24 hours before the warehouse clock.

    ``flight_id``, ``airline``, ``origin``, ``destination``, ``departed_at``, ``landed_at`` (null while in the
    air), ``departure_delay_minutes``, ``clock``.
    """
    clock = hot_tier.clock(connection)
    schema = pa.schema(
        [
            ("flight_id", pa.string()),
            ("airline", pa.string()),
            ("origin", pa.string()),
            ("destination", pa.string()),
            ("departed_at", pa.timestamp("us", "UTC")),
            ("landed_at", pa.timestamp("us", "UTC")),
            ("departure_delay_minutes", pa.float64()),
            ("clock", pa.timestamp("us", "UTC")),
        ]
    )
    if clock is None:
        return schema.empty_table()
    since = clock - timedelta(hours=AIR_HOURS)
    wanted = {"$in": ["departed", "arrived", "diverted"]}
    left = {"$eq": ["$event_type", "departed"]}
    pipeline: list[Document] = [
        {"$match": filters.match(event_time={"$gte": since}, event_type=wanted)},
        {
            "$group": {
                "_id": "$flight_id",
                "airline": {"$first": "$airline"},
                "origin": {"$first": "$origin"},
                "destination": {"$first": "$destination"},
                "departed_at": {"$max": {"$cond": [left, "$event_time", None]}},
                "landed_at": {"$max": {"$cond": [left, None, "$event_time"]}},
                "departure_delay_minutes": {"$max": {"$cond": [left, "$departure_delay_minutes", None]}},
            }
        },
        {"$match": {"departed_at": {"$ne": None}}},
    ]
    rows = [row | {"flight_id": row["_id"], "clock": clock} for row in hot_tier.events(connection).aggregate(pipeline)]
    return pa.Table.from_pylist(rows, schema)


def incoming() -> Query:
    """One row: ``arrived``, the records that Kafka got in the last minute; ``newest``, when the newest one came.

    ``age_seconds`` is the time since then.
    """
    return live_query(_incoming)


def _incoming() -> pa.Table:
    now = datetime.now(UTC)
    state = topic_state(now - timedelta(minutes=1))
    age_seconds = (now - state.newest).total_seconds() if state.newest else None
    row = {"arrived": state.arrived, "newest": state.newest, "age_seconds": age_seconds}
    columns = {"arrived": pa.int64(), "newest": pa.timestamp("us", "UTC"), "age_seconds": pa.float64()}
    return pa.Table.from_pylist([row], pa.schema(columns.items()))


@hot_query
def latest(connection: MongoClient[Document], filters: Filters) -> pa.Table:
    """The newest events by ``event_time``."""
    columns = {
        "event_time": pa.timestamp("us", "UTC"),
        "event_type": pa.string(),
        "flight_id": pa.string(),
        "airline": pa.string(),
        "origin": pa.string(),
        "destination": pa.string(),
        "departure_delay_minutes": pa.float64(),
        "arrival_delay_minutes": pa.float64(),
        "predicted_delay_minutes": pa.float64(),
        "quality_score": pa.float64(),
    }
    found = hot_tier.events(connection).find(filters.match(), dict.fromkeys(columns, 1))
    rows = list(found.sort("event_time", DESCENDING).limit(LATEST))
    return pa.Table.from_pylist(rows, pa.schema(columns.items()))


def batches() -> Query:
    """The newest batches, oldest first.

    ``committed_at``; counts of records: ``consumed``, ``stored``, ``duplicates``, ``rejected``; ``records``, the total
    stored so far; ``latency_seconds``, the maximum over the events of a batch, from Kafka to both the hot and the cold
    tier; ``now``, the time of the query.
    """
    return sql(
        f"""
SELECT committed_at, consumed, stored, duplicates, rejected, records,
  unix_micros(committed_at) / 1e6D - unix_micros(ingestion_time_min) / 1e6D AS latency_seconds,
  current_timestamp() AS now
FROM (
  SELECT batch_id, committed_at, consumed, stored, duplicates, rejected, ingestion_time_min,
    sum(stored) OVER (ORDER BY batch_id) AS records
  FROM flight_dw.batch_metadata
)
ORDER BY batch_id DESC
LIMIT {_BATCHES}"""
    )


def idle() -> str | None:
    """Why no flight moves although the minute job runs, as ``text.idle`` tells it; None where events are stored."""
    try:
        found, topic = tiers.fetch(batches()), tiers.fetch(incoming())
    except SkytierError:
        return None  # the panels show the error
    return text.idle(found.table.to_pylist(), topic.table.to_pylist()[0]["newest"], datetime.now(UTC))
