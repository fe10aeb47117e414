"""The airlines and origins of the stored flights."""

from __future__ import annotations

from dashboard.panels.tiers import PAGE_SECONDS, sql
from skytier.cache import Query


def codes() -> Query:
    """``kind`` (airline, origin), ``code`` and ``name`` of each."""
    return sql(
        """
SELECT 'airline' AS kind, f.airline AS code, l.name
FROM (SELECT DISTINCT airline FROM flight_dw.fact_flight_events) f
LEFT JOIN flight_dw.dim_airline l ON l.iata = f.airline
UNION ALL
SELECT 'origin', f.origin, o.name
FROM (SELECT DISTINCT origin FROM flight_dw.fact_flight_events) f
LEFT JOIN flight_dw.dim_airport o ON o.iata = f.origin""",
        timeout_seconds=PAGE_SECONDS,
    )
