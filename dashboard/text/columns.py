"""What the columns of answers are called in tables and files, with their units."""

from __future__ import annotations

COLUMNS = {
    "event_time": "Event time (UTC)",
    "event_type": "Event",
    "flight_id": "Flight",
    "departed_at": "Departed (UTC)",
    "landed_at": "Landed (UTC)",
    "clock": "Warehouse clock (UTC)",
    "minute": "Minute (UTC)",
    "committed_at": "Committed (UTC)",
    "latency_seconds": "Latency (s)",
    "departure_delay_minutes": "Departure delay (min)",
    "arrival_delay_minutes": "Arrival delay (min)",
    "predicted_delay_minutes": "Predicted delay (min)",
    "quality_score": "Quality (0 to 1)",
    "size_mb": "Size (MB)",
    "limit_mb": "Limit (MB)",
}
