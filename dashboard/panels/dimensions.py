"""The airlines and origins of the stored flights, and the days of their events."""

from __future__ import annotations

from dashboard.panels.tiers import PAGE_SECONDS, sql
from skytier.cache import Query

DAYS = "days"


def codes() -> Query:
    """``kind`` (airline, origin), ``code`` and ``name`` of each; of the ``kind`` days the first and the last, in UTC.

    The days are read from the statistics of the fact table without reading rows.
    """
    return sql(
        f"""
SELECT 'airline' AS kind, f.airline AS code, l.name
FROM (SELECT DISTINCT airline FROM flight_dw.fact_flight_events) f
LEFT JOIN flight_dw.dim_airline l ON l.iata = f.airline
UNION ALL
SELECT 'origin', f.origin, o.name
FROM (SELECT DISTINCT origin FROM flight_dw.fact_flight_events) f
LEFT JOIN flight_dw.dim_airport o ON o.iata = f.origin
UNION ALL
SELECT '{DAYS}', string(date(min(event_time))), string(date(max(event_time))) FROM flight_dw.fact_flight_events""",
        timeout_seconds=PAGE_SECONDS,
    )
