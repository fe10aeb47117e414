"""``skytier process``: one minute job, outside Airflow."""

from __future__ import annotations

from skytier import spark


def process() -> None:
    """Take everything new in Kafka through both tiers, then end: what Airflow does every minute."""
    spark.submit("process_flight_events")
