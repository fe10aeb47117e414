"""The weather of the real flights: the observation that was known at an airport at a given time."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import orjson
import pandas as pd
from numpy.typing import NDArray

from events.flight import CONTRACT
from skytier import reference

KNOWN_AFTER = pd.Timedelta(minutes=51)
"""A row is the observation up to minute 51 of the hour that starts at ``time_hour``; it is not known before."""

STALE_AFTER = pd.Timedelta(hours=3)
"""An older observation is not used: the weather data end a day before the flights do."""

_COLUMNS = {
    "temp": "temperature_f",
    "dewp": "dew_point_f",
    "humid": "humidity_pct",
    "wind_dir": "wind_direction_deg",
    "wind_speed": "wind_speed_mph",
    "wind_gust": "wind_gust_mph",
    "precip": "precipitation_in",
    "pressure": "pressure_hpa",
    "visib": "visibility_miles",
}


def read() -> pd.DataFrame:
    """The observations: ``origin``, ``known_from`` (aware) and the weather fields of the event contract, in its units.

    A value that the contract does not allow is missing (one wind of 1,048 mph).
    """
    frame = pd.read_csv(reference.data_file("weather.csv"), usecols=["origin", "time_hour", *_COLUMNS])
    frame = frame.rename(columns=_COLUMNS)
    frame["known_from"] = pd.to_datetime(frame.pop("time_hour"), utc=True) + KNOWN_AFTER
    for field in CONTRACT.nested_fields("weather"):
        name = field.name.removeprefix("weather.")
        low = -np.inf if field.minimum is None else field.minimum
        high = np.inf if field.maximum is None else field.maximum
        frame[name] = frame[name].round(2).where(frame[name].between(low, high))
    return frame.sort_values(["origin", "known_from"], ignore_index=True)


def _fragments(frame: pd.DataFrame) -> list[orjson.Fragment | None]:
    """Each observation as JSON, encoded once because many events share it; None if nothing was observed."""
    names = list(_COLUMNS.values())
    rows = zip(*(frame[name].tolist() for name in names), strict=True)
    observed = ({name: value for name, value in zip(names, row, strict=True) if value == value} for row in rows)
    return [orjson.Fragment(orjson.dumps(weather)) if weather else None for weather in observed]


class Observations:
    """All observations by airport, indexed for lookups."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame[list(_COLUMNS.values())]
        self._known_from: dict[str, tuple[int, NDArray[np.datetime64]]] = {}
        for airport, rows in frame.groupby("origin", sort=False):
            moments = rows["known_from"].to_numpy(dtype="datetime64[ns]")
            self._known_from[str(airport)] = (int(rows.index[0]), moments)

    @cached_property
    def _fragments(self) -> list[orjson.Fragment | None]:
        return _fragments(self._frame)

    def known_at(self, airports: pd.Series[str], moments: pd.Series[pd.Timestamp]) -> list[orjson.Fragment | None]:
        """The last observation of each airport that is known at the moment and not stale, as JSON; else None."""
        return [None if row < 0 else self._fragments[row] for row in self._rows(airports, moments).tolist()]

    def values_at(self, airports: pd.Series[str], moments: pd.Series[pd.Timestamp]) -> pd.DataFrame:
        """The same observations as columns, one row per moment."""
        rows = self._rows(airports, moments)
        found = self._frame.take(np.maximum(rows, 0)).set_axis(airports.index)
        return found.where(pd.Series(rows >= 0, index=airports.index))

    def _rows(self, airports: pd.Series[str], moments: pd.Series[pd.Timestamp]) -> NDArray[np.int64]:
        """The row of the observation of each airport and moment; -1 if there is none."""
        result = np.full(len(airports), -1, np.int64)
        times = moments.to_numpy(dtype="datetime64[ns]")
        for airport, (first_row, known_from) in self._known_from.items():
            rows = np.flatnonzero((airports == airport).to_numpy())
            last = np.searchsorted(known_from, times[rows], side="right") - 1
            is_fresh = (last >= 0) & (times[rows] - known_from[last] <= STALE_AFTER.to_timedelta64())
            result[rows[is_fresh]] = first_row + last[is_fresh]
        return result
