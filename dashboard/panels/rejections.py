"""Rejected records by reason, and the reasons in words."""

from __future__ import annotations

from dashboard.panels.text import column
from dashboard.panels.tiers import sql
from skytier.cache import Query
from skytier.migrations import DATABASE

# By the part of a reason before the colon; the part after it is the field. A test compares them with
# spark_jobs/flights/validate.py.
REASONS = {
    "malformed_json": "Not exactly one JSON object",
    "unprocessable": "A step of the batch failed",
    "missing": "Missing: {}",
    "wrong_type": "Wrong type: {}",
    "too_long": "Too long: {}",
    "wrong_format": "Wrong format: {}",
    "out_of_range": "Out of range: {}",
    "unsupported_schema_version": "Unsupported schema version",
    "unknown_event_type": "Unknown event type",
    "unknown_airline": "Unknown airline",
    "unknown_origin": "Unknown origin",
    "unknown_destination": "Unknown destination",
    "origin_is_destination": "Origin is the destination",
    "flight_id_mismatch": "Flight ID does not match its parts",
    "event_id_mismatch": "Event ID does not match flight and type",
    "scheduled_times_out_of_order": "Scheduled to arrive before departing",
    "actual_times_out_of_order": "Arrived before departing",
    "event_in_the_future": "Event time later than ingestion",
}
_FIELDS = {
    "event_type": "Event type",
    "flight_id": "Flight ID",
    "schema_version": "Schema version",
    "weather": "Weather",
}


def field(name: str) -> str:
    """The label of a field of the event, without its unit."""
    return _FIELDS.get(name) or column(name.replace(".", "_")).partition(" (")[0]


def reason(code: str) -> str:
    """The description of a reason to reject a record."""
    kind, _, name = code.partition(":")
    return REASONS.get(kind, kind).format(field(name))


def rejections() -> Query:
    """``records`` by ``reason``, descending, with ``newest`` (ingestion time). A record can have several reasons."""
    return sql(
        f"""
SELECT reason, count(*) AS records, max(ingestion_timestamp) AS newest
FROM {DATABASE}.rejected_flight_events
LATERAL VIEW explode(reasons) exploded AS reason
GROUP BY reason
ORDER BY records DESC, reason"""
    )
