"""The queries of Real-Time Overview: the hot tier as of the warehouse clock, and the newest batches."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
from pymongo import DESCENDING, MongoClient

from dashboard.panels.filters import Filters
from dashboard.panels.tiers import hot_query, sql
from skytier import hot_tier
from skytier.cache import Query
from skytier.hot_tier import Document

AIR_HOURS = 24
RATE_MINUTES = 60
LATEST = 50
_LATENCY_BATCHES = 30


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


@hot_query
def ingestion(connection: MongoClient[Document], filters: Filters) -> pa.Table:
    """``events`` by ``minute`` of ingestion, for every minute of the last hour by the wall clock."""
    until = datetime.now(UTC).replace(second=0, microsecond=0)
    since = until - timedelta(minutes=RATE_MINUTES)
    pipeline: list[Document] = [
        {"$match": filters.match(ingestion_timestamp={"$gte": since, "$lt": until})},
        {"$group": {"_id": {"$dateTrunc": {"date": "$ingestion_timestamp", "unit": "minute"}}, "n": {"$sum": 1}}},
    ]
    found = {row["_id"]: row["n"] for row in hot_tier.events(connection).aggregate(pipeline)}
    minutes = [since + timedelta(minutes=number) for number in range(RATE_MINUTES)]
    return pa.table(
        {
            "minute": pa.array(minutes, pa.timestamp("us", "UTC")),
            "events": pa.array([found.get(minute, 0) for minute in minutes], pa.int64()),
        }
    )


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
    """The newest batches, oldest first: ``committed_at``, ``stored``, ``latency_seconds``, ``records`` (total so far).

    The latency is the maximum over the events of a batch: from Kafka to both the hot and the cold tier.
    """
    return sql(
        f"""
SELECT committed_at, stored, records,
  unix_micros(committed_at) / 1e6D - unix_micros(ingestion_time_min) / 1e6D AS latency_seconds
FROM (
  SELECT batch_id, committed_at, stored, ingestion_time_min, sum(stored) OVER (ORDER BY batch_id) AS records
  FROM flight_dw.batch_metadata
)
ORDER BY batch_id DESC
LIMIT {_LATENCY_BATCHES}"""
    )
