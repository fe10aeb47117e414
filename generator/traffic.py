"""The distributions of synthetic flights: routes, aircraft and demand of the real flights."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skytier import reference

_USUAL_SEATS = 140.0

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Traffic:
    """Routes, fleets and demand. Shares add up to one; all routes lead from New York to ``destination``."""

    routes: pd.DataFrame
    """airline, origin, destination, distance_miles, share."""
    fleets: dict[str, tuple[NDArray[np.object_], Floats]]
    """Registrations and seats by airline."""
    by_hour: Floats
    """Share of the departures by local hour, 24 values."""
    by_weekday: Floats
    """Demand by weekday relative to the mean, Monday first."""
    by_month: Floats
    """Demand by month relative to the mean, January first."""


@cache
def traffic() -> Traffic:
    """Compute the distributions from the real flights."""
    columns = ["month", "day", "hour", "carrier", "origin", "dest", "distance", "tailnum"]
    flights = pd.read_csv(reference.data_file("flights.csv.zip"), usecols=columns)
    flights = flights.rename(columns={"carrier": "airline", "dest": "destination", "distance": "distance_miles"})
    routes = flights.groupby(["airline", "origin", "destination"], as_index=False).agg(
        distance_miles=("distance_miles", "median"), flights=("month", "size")
    )
    days = pd.to_datetime(flights[["month", "day"]].drop_duplicates().assign(year=2013))
    weekdays = pd.to_datetime(flights[["month", "day"]].assign(year=2013)).dt.weekday
    # Hardly any flight departs between midnight and five; without these hours no local time is ambiguous.
    hours = np.bincount(flights["hour"], minlength=24) * (np.arange(24) >= 5)
    return Traffic(
        routes=routes.assign(share=routes["flights"] / routes["flights"].sum()),
        fleets=_fleets(flights),
        by_hour=hours / hours.sum(),
        by_weekday=_relative(np.bincount(weekdays, minlength=7) / np.bincount(days.dt.weekday, minlength=7)),
        by_month=_relative(np.bincount(flights["month"], minlength=13)[1:] / np.bincount(days.dt.month)[1:]),
    )


def _relative(values: Floats) -> Floats:
    return np.asarray(values / values.mean(), dtype=np.float64)


def _fleets(flights: pd.DataFrame) -> dict[str, tuple[NDArray[np.object_], Floats]]:
    seats = {aircraft.tail_number: float(aircraft.seats) for aircraft in reference.aircraft()}
    known = flights[["airline", "tailnum"]].dropna().drop_duplicates().sort_values(["airline", "tailnum"])
    known = known.assign(seats=known["tailnum"].map(seats).fillna(_USUAL_SEATS))
    return {
        str(airline): (rows["tailnum"].to_numpy(dtype=object), rows["seats"].to_numpy(dtype=np.float64))
        for airline, rows in known.groupby("airline")
    }
