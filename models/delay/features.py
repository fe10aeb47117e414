"""The features of a delay prediction, computed by the same code in training and in the minute job.

A prediction is made on a ``scheduled`` event (two hours before the scheduled departure) and again on ``departed``. Its
features are the event's own fields, and the recent state of the airports, the airlines and the aircraft: what other
events of the ``LOOKBACK`` before it show. Only events strictly earlier than the prediction count. Neither the order of
arrival nor a later event changes a feature.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from events.flight import CONTRACT, EventType
from models.delay import recent_state
from skytier import reference

BEFORE, AFTER = "before_departure", "after_departure"
STAGES = {str(EventType.SCHEDULED): BEFORE, str(EventType.DEPARTED): AFTER}
"""The stage of the prediction that is made on an event of each type."""

LOOKBACK = pd.Timedelta(hours=36)
"""Events earlier than a prediction by more than this are not used for its features."""

WEATHER = tuple(field.name.replace(".", "_", 1) for field in CONTRACT.nested_fields("weather"))
EVENT_COLUMNS = (
    "event_id",
    "flight_id",
    "event_type",
    "event_time",
    "airline",
    "origin",
    "destination",
    "tail_number",
    "scheduled_departure",
    "scheduled_arrival",
    "departure_delay_minutes",
    "arrival_delay_minutes",
    "distance_miles",
)
"""The columns of an event that features use; an event to predict on has ``WEATHER`` as well."""

CATEGORIES = ("airline", "origin", "destination")
CALENDAR = ("month", "day_of_week", "scheduled_departure_minute", "scheduled_arrival_minute")

FEATURES: tuple[str, ...] = (
    *CATEGORIES,
    *CALENDAR,
    "distance_miles",
    "scheduled_block_minutes",
    "aircraft_year",
    "aircraft_seats",
    "aircraft_engines",
    *WEATHER,
    *recent_state.COLUMNS,
    "departure_delay_minutes",
)
"""The columns of ``build``. Delays and ages in minutes, counts of flights, weather in the units of the contract."""


def is_predicted_on(events: pd.DataFrame) -> pd.Series[bool]:
    """Whether a prediction is made on the event."""
    return events["event_type"].isin(list(STAGES))


def build(targets: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """The features of each target: one row per target, with its index and the columns ``FEATURES``.

    ``targets`` are events to predict on (``EVENT_COLUMNS`` and ``WEATHER``). ``events`` are all events that may be used
    (``EVENT_COLUMNS``), in any order; they may include targets and duplicates. Categories are codes as text, all other
    features float32; a missing value is NaN.
    """
    columns: dict[str, object] = {name: targets[name].to_numpy() for name in CATEGORIES}
    columns |= _timetable(targets) | _aircraft(targets["tail_number"])
    columns |= {name: targets[name].to_numpy(dtype=float, na_value=np.nan) for name in WEATHER}
    columns |= recent_state.before(targets, events.drop_duplicates("event_id"))
    columns["departure_delay_minutes"] = _departure_delay(targets)
    frame = pd.DataFrame(columns, index=targets.index)[list(FEATURES)]
    return frame.astype({name: np.float32 for name in FEATURES if name not in CATEGORIES})


def _departure_delay(targets: pd.DataFrame) -> NDArray[np.float64]:
    """The departure delay of departed flights (minutes), computed from the times if the event does not state it."""
    stated = targets["departure_delay_minutes"].to_numpy(dtype=float, na_value=np.nan)
    late = (targets["event_time"] - targets["scheduled_departure"]).dt.total_seconds().to_numpy() / 60
    is_departed = (targets["event_type"] == str(EventType.DEPARTED)).to_numpy()
    return np.where(is_departed, np.where(np.isnan(stated), late, stated), np.nan)


def _timetable(targets: pd.DataFrame) -> dict[str, object]:
    departure = _local(targets["scheduled_departure"], targets["origin"])
    arrival = _local(targets["scheduled_arrival"], targets["destination"])
    block = (targets["scheduled_arrival"] - targets["scheduled_departure"]).dt.total_seconds() / 60
    return {
        "month": departure.dt.month.to_numpy(),
        "day_of_week": (departure.dt.dayofweek + 1).to_numpy(),
        "scheduled_departure_minute": (departure.dt.hour * 60 + departure.dt.minute).to_numpy(),
        "scheduled_arrival_minute": (arrival.dt.hour * 60 + arrival.dt.minute).to_numpy(),
        "distance_miles": targets["distance_miles"].to_numpy(dtype=float, na_value=np.nan),
        "scheduled_block_minutes": block.to_numpy(),
    }


def _local(moments: pd.Series[pd.Timestamp], airports: pd.Series[str]) -> pd.Series[pd.Timestamp]:
    """Wall-clock times at the airports, naive."""
    zones = airports.map(reference.airport_timezones())
    local = pd.Series(pd.NaT, index=moments.index, dtype="datetime64[ns]")
    for zone, rows in zones.groupby(zones).groups.items():
        local[rows] = moments[rows].dt.tz_convert(str(zone)).dt.tz_localize(None)
    return local


@cache
def _register() -> pd.DataFrame:
    """Year, seats and engines of each aircraft, by registration."""
    rows = pd.DataFrame(reference.aircraft()).set_index("tail_number")
    rows = rows[["year_manufactured", "seats", "engines"]].astype(float)
    return rows.set_axis(["aircraft_year", "aircraft_seats", "aircraft_engines"], axis=1)


def _aircraft(tails: pd.Series[str]) -> dict[str, object]:
    found = _register().reindex(tails.to_numpy())
    return {str(name): found[name].to_numpy() for name in found}
