"""The reference data are complete for the real flights, and their codes obey the event contract."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from skytier import reference
from skytier.errors import TerminalError

pytestmark = pytest.mark.plain


def test_every_airport_of_the_real_flights_is_known_with_its_time_zone() -> None:
    flights = pd.read_csv(reference.data_file("flights.csv.zip"), usecols=["origin", "dest"])
    zones = reference.airport_timezones()
    codes = set(flights["origin"]) | set(flights["dest"])
    assert codes <= set(zones)
    assert {ZoneInfo(zones[code]).key for code in ("PHX", "HNL", "SJU")} == {
        "America/Phoenix",
        "Pacific/Honolulu",
        "America/Puerto_Rico",
    }


def test_every_airline_of_the_real_flights_is_known() -> None:
    flights = pd.read_csv(reference.data_file("flights.csv.zip"), usecols=["carrier"])
    assert set(flights["carrier"]) == {airline.iata for airline in reference.airlines()}


def test_codes_are_unique_and_sorted() -> None:
    for codes in (
        [row.iata for row in reference.airports()],
        [row.iata for row in reference.airlines()],
        [row.tail_number for row in reference.aircraft()],
    ):
        assert codes == sorted(set(codes))


def test_airports_lie_on_the_globe() -> None:
    for airport in reference.airports():
        assert re.fullmatch(r"[A-Z0-9]{3}", airport.iata)
        assert -90 <= airport.latitude_deg <= 90
        assert -180 <= airport.longitude_deg <= 180
    jfk = next(airport for airport in reference.airports() if airport.iata == "JFK")
    assert (jfk.country, jfk.subdivision, jfk.timezone) == ("US", "New York", "America/New_York")


def test_aircraft_without_a_year_stay() -> None:
    frame = pd.read_csv(reference.data_file("planes.csv"))
    assert len(reference.aircraft()) == len(frame)
    unknown = [row for row in reference.aircraft() if row.year_manufactured is None]
    assert len(unknown) == int(frame["year"].isna().sum())


def test_a_missing_data_file_is_named() -> None:
    with pytest.raises(TerminalError, match=r"moon\.csv"):
        reference.data_file("moon.csv")
