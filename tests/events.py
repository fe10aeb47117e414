"""Valid flight events for tests, and ways to spoil them."""

from __future__ import annotations

import json
from typing import Any

DEPARTED: dict[str, Any] = {
    "event_id": "2013-01-01-UA-1545-EWR:departed",
    "event_type": "departed",
    "flight_id": "2013-01-01-UA-1545-EWR",
    "event_time": "2013-01-01T10:17:00Z",
    "airline": "UA",
    "flight_number": 1545,
    "tail_number": "N14228",
    "origin": "EWR",
    "destination": "IAH",
    "scheduled_departure": "2013-01-01T10:15:00Z",
    "scheduled_arrival": "2013-01-01T14:19:00Z",
    "actual_departure": "2013-01-01T10:17:00Z",
    "departure_delay_minutes": 2.0,
    "distance_miles": 1400.0,
    "weather": {
        "temperature_f": 39.02,
        "dew_point_f": 26.06,
        "humidity_pct": 59.37,
        "wind_direction_deg": 270.0,
        "wind_speed_mph": 10.36,
        "precipitation_in": 0.0,
        "pressure_hpa": 1012.0,
        "visibility_miles": 10.0,
    },
    "source": "replay",
    "schema_version": 1,
}

ARRIVED: dict[str, Any] = DEPARTED | {
    "event_id": "2013-01-01-UA-1545-EWR:arrived",
    "event_type": "arrived",
    "event_time": "2013-01-01T14:30:00Z",
    "actual_arrival": "2013-01-01T14:30:00Z",
    "arrival_delay_minutes": 11.0,
}

SCHEDULED: dict[str, Any] = {
    name: value for name, value in DEPARTED.items() if name not in ("actual_departure", "departure_delay_minutes")
} | {
    "event_id": "2013-01-01-UA-1545-EWR:scheduled",
    "event_type": "scheduled",
    "event_time": "2013-01-01T08:15:00Z",
}


def encode(event: dict[str, Any]) -> bytes:
    """The event as a Kafka message carries it."""
    return json.dumps(event).encode()


def without(event: dict[str, Any], *names: str) -> dict[str, Any]:
    """The event less some fields."""
    return {name: value for name, value in event.items() if name not in names}
