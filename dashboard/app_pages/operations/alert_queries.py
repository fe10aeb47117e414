"""The newest alerts."""

from __future__ import annotations

import pyarrow as pa
from pymongo import DESCENDING

from dashboard.panels import tiers
from skytier import alerts, hot_tier
from skytier.cache import CacheTag, Query

_ALERTS = 50
_IN_ORDER: tuple[hot_tier.Document, ...] = (
    {"resolved_time": None, "acknowledged_by": None},
    {"resolved_time": None, "acknowledged_by": {"$ne": None}},
    {"resolved_time": {"$ne": None}},
)
_TIME = pa.timestamp("us", "UTC")


def newest_alerts() -> Query:
    """The newest alerts: open ones first, then acknowledged ones, then resolved ones.

    ``alert_id``, ``severity`` (warning, critical), ``kind``, ``subject``, ``message``, ``first_time``, ``last_time``,
    ``times`` (how often it was raised), ``acknowledged_by``, ``resolved_time`` (null while the cause is there).
    """
    return tiers.live_query(_newest_alerts, CacheTag.acknowledgements())


@hot_tier.answering()
def _newest_alerts() -> pa.Table:
    collection = alerts.alerts(tiers.mongodb())
    rows = [
        row | {"alert_id": str(row["_id"]), "times": row["count"]}
        for state in _IN_ORDER
        for row in collection.find(state).sort("last_time", DESCENDING).limit(_ALERTS)
    ]
    text = dict.fromkeys(("alert_id", "severity", "kind", "subject", "message"), pa.string())
    columns = text | {"first_time": _TIME, "last_time": _TIME, "times": pa.int64(), "acknowledged_by": pa.string()}
    columns |= {"resolved_time": _TIME}
    return pa.Table.from_pylist(rows, pa.schema(columns.items()))
