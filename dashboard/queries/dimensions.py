"""The airlines and airports that flights of the warehouse have."""

from __future__ import annotations

from dashboard.queries.tiers import PAGE_SECONDS, sql
from skytier.cache import Question


def codes() -> Question:
    """``kind`` (airline, origin), ``code`` and ``name`` of all that flights have."""
    return sql(
        """
SELECT 'airline' AS kind, f.airline AS code, l.name
FROM (SELECT DISTINCT airline FROM flight_dw.fact_flight_events) f
LEFT JOIN flight_dw.dim_airline l ON l.iata = f.airline
UNION ALL
SELECT 'origin', f.origin, o.name
FROM (SELECT DISTINCT origin FROM flight_dw.fact_flight_events) f
LEFT JOIN flight_dw.dim_airport o ON o.iata = f.origin""",
        within_seconds=PAGE_SECONDS,
    )
