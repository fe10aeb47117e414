"""Hand-written events as frames for the features; their default day is 6 March 2013."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from models.delay import features

Row = dict[str, Any]


def utc(clock: str) -> pd.Timestamp:
    """A moment of 6 March 2013, UTC, or of the day that comes before the time."""
    return pd.Timestamp(clock if "T" in clock else f"2013-03-06T{clock}", tz="UTC")


def event(kind: str, at: str, **fields: object) -> Row:
    flight: Row = {
        "event_type": kind,
        "event_time": utc(at),
        "airline": "UA",
        "origin": "EWR",
        "destination": "IAH",
        "tail_number": None,
        "scheduled_departure": utc("18:00"),
        "scheduled_arrival": utc("22:00"),
        "departure_delay_minutes": np.nan,
        "arrival_delay_minutes": np.nan,
        "distance_miles": 1400.0,
    }
    return flight | fields


def scheduled(departure: str, **fields: object) -> Row:
    moment = utc(departure)
    ahead = (moment - pd.Timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S")
    return event("scheduled", ahead, scheduled_departure=moment, **fields)


def departed(at: str, delay: float, **fields: object) -> Row:
    return event("departed", at, departure_delay_minutes=delay, **fields)


def arrived(at: str, delay: float, **fields: object) -> Row:
    lands = utc(at) - pd.Timedelta(minutes=delay)
    return event("arrived", at, arrival_delay_minutes=delay, scheduled_arrival=lands, **fields)


def frame(*rows: Row) -> pd.DataFrame:
    names = [*features.EVENT_COLUMNS, *features.WEATHER]
    named = [{"event_id": f"F{i}:{row['event_type']}", "flight_id": f"F{i}"} | row for i, row in enumerate(rows)]
    frame = pd.DataFrame(named, columns=names)
    numbers = ["departure_delay_minutes", "arrival_delay_minutes", "distance_miles", *features.WEATHER]
    return frame.astype(dict.fromkeys(numbers, float))
