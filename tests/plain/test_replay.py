"""The events of the real flights: counts, times, order, weather."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import orjson
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.flight import FlightEvent, event_id, flight_id
from generator import flights, observations
from generator.records import Record
from skytier import reference
from skytier.errors import TerminalError
from skytier.times import timestamp_text
from tests import oracle

pytestmark = pytest.mark.plain

SPRING = (date(2013, 3, 8), date(2013, 3, 14))
AUTUMN = (date(2013, 11, 1), date(2013, 11, 7))
NEW_YEAR = (date(2013, 12, 30), date(2013, 12, 31))
YEAR = datetime.fromisoformat("2013-01-01"), datetime.fromisoformat("2013-12-31")
ZONES = sorted({reference.airport_timezones()[code] for code in ("JFK", "ORD", "DEN", "LAX", "PHX", "HNL", "SJU")})


def _records(first: date, last: date, after: tuple[pd.Timestamp, str] | None = None) -> list[Record]:
    return [record for batch in flights.replay(first, last, after) for record in batch]


def _source(first: date, last: date) -> pd.DataFrame:
    """The rows of the source in the order of ``read_flights``."""
    return oracle.flights(first, last).sort_values(["year", "month", "day"], kind="stable").reset_index(drop=True)


def _events(first: date, last: date) -> list[dict[str, Any]]:
    return [orjson.loads(record.value) for record in _records(first, last)]


@pytest.fixture(scope="module")
def spring() -> list[Record]:
    return _records(*SPRING)


@pytest.mark.parametrize("days", [SPRING, AUTUMN, NEW_YEAR, (date(2013, 1, 1), date(2013, 1, 31))])
def test_counts_equal_those_of_the_source(days: tuple[date, date]) -> None:
    records = _records(*days)
    assert Counter(record.event_type for record in records) == oracle.expected_counts(*days)
    arrived = Counter(orjson.loads(r.value)["airline"] for r in records if r.event_type == "arrived")
    assert arrived == oracle.arrived_by_airline(*days)


def test_january_has_27_004_flights() -> None:
    assert oracle.expected_counts(date(2013, 1, 1), date(2013, 1, 31))["scheduled"] == 27_004


@pytest.mark.parametrize("days", [SPRING, AUTUMN, NEW_YEAR])
def test_every_event_obeys_the_contract(days: tuple[date, date]) -> None:
    for record in _records(*days):
        event = FlightEvent.model_validate_json(record.value)
        assert record.event_id == event.event_id == event_id(event.flight_id, event.event_type)
        local = event.scheduled_departure.astimezone(ZoneInfo("America/New_York"))
        number = event.flight_number
        assert event.flight_id == flight_id(local.date().isoformat(), event.airline, number, event.origin)
        assert record.key == event.flight_id
        assert record.event_time == int(event.event_time.timestamp())
        assert event.scheduled_arrival > event.scheduled_departure
        if event.actual_arrival and event.actual_departure:
            assert event.actual_arrival > event.actual_departure


def test_events_know_no_more_than_their_moment(spring: list[Record]) -> None:
    actual = {"actual_departure", "departure_delay_minutes"}, {"actual_arrival", "arrival_delay_minutes"}
    known = {"scheduled": 0, "cancelled": 0, "departed": 1, "diverted": 1, "arrived": 2}
    for record in spring:
        event = orjson.loads(record.value)
        assert [names <= event.keys() for names in actual] == [known[record.event_type] > i for i in range(2)]
        for name in ("actual_departure", "actual_arrival"):
            is_past = name not in event or event[name] <= event["event_time"]
            assert is_past or record.event_type == "diverted"


def test_scheduled_departures_agree_with_the_package_s_own_hours() -> None:
    frame = flights.read_flights(date(2013, 1, 1), date(2013, 12, 31))
    hours = pd.to_datetime(_source(date(2013, 1, 1), date(2013, 12, 31))["time_hour"])
    assert len(frame) == 336_776
    assert (frame["scheduled_departure"].dt.floor("h") == hours).all()


def test_arrivals_agree_with_the_package_s_own_clocks() -> None:
    """arr_time, the actual arrival on local clocks, is not used to derive it: all but one flight agree."""
    days = date(2013, 1, 1), date(2013, 12, 31)
    frame = flights.read_flights(*days)
    clocks = (
        oracle.flights(*days).sort_values(["year", "month", "day"], kind="stable")["arr_time"].reset_index(drop=True)
    )
    landed = frame["actual_arrival"].notna()
    minutes = pd.Series(np.nan, index=frame.index)
    for zone, rows in frame[landed].groupby(frame["destination"].map(reference.airport_timezones())).groups.items():
        local = frame.loc[rows, "actual_arrival"].dt.tz_convert(str(zone))
        minutes[rows] = local.dt.hour * 60 + local.dt.minute
    expected = (clocks // 100 * 60 + clocks % 100) % 1440
    assert int((minutes[landed] != expected[landed]).sum()) == 1
    blocks = (frame["scheduled_arrival"] - frame["scheduled_departure"]).dt.total_seconds() / 60
    usual = 45 + frame["distance_miles"] / 8
    assert (blocks - usual).abs().max() < 120
    assert (frame["actual_arrival"] > frame["actual_departure"])[landed].all()


def test_the_first_flight_of_the_year() -> None:
    departed = next(e for e in _events(date(2013, 1, 1), date(2013, 1, 1)) if e["event_type"] == "departed")
    assert departed == departed | {
        "flight_id": "2013-01-01-UA-1545-EWR",
        "event_time": "2013-01-01T10:17:00Z",
        "scheduled_departure": "2013-01-01T10:15:00Z",
        "scheduled_arrival": "2013-01-01T14:19:00Z",
        "tail_number": "N14228",
        "departure_delay_minutes": 2.0,
        "distance_miles": 1400.0,
        "source": "replay",
    }


def test_order_is_strict_over_days_and_batches(spring: list[Record]) -> None:
    keys = [(record.event_time, record.event_id) for record in spring]
    assert keys == sorted(set(keys))


@pytest.mark.parametrize("share", [0.0, 0.001, 0.37, 0.5, 0.93, 1.0])
def test_a_resumed_replay_sends_the_rest_once(spring: list[Record], share: float) -> None:
    last = min(int(len(spring) * share), len(spring) - 1)
    moment = pd.Timestamp(spring[last].event_time, unit="s", tz="UTC")
    assert _records(*SPRING, after=(moment, spring[last].event_id)) == spring[last + 1 :]


@given(
    moment=st.datetimes(*YEAR),
    zone=st.sampled_from(ZONES),
)
def test_local_times_become_the_utc_that_the_standard_library_knows(moment: datetime, zone: str) -> None:
    local = moment.replace(second=0, microsecond=0)
    utc = flights.to_utc(pd.Series([pd.Timestamp(local)]), zone)[0]
    expected = local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    exists = expected.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == local
    if exists:
        assert utc == expected
    else:
        assert utc.tz_convert(zone).hour == local.hour + 1
        assert utc.tz_convert(zone).minute == 0


@given(
    departure=st.datetimes(*YEAR, timezones=st.just(UTC)),
    minutes=st.integers(20, 1200),
    zone=st.sampled_from(ZONES),
)
def test_the_day_of_an_arrival_is_found_again(departure: datetime, minutes: int, zone: str) -> None:
    departure = departure.replace(second=0, microsecond=0)
    arrival = (departure + timedelta(minutes=minutes)).astimezone(ZoneInfo(zone))
    day = departure.astimezone(ZoneInfo("America/New_York")).replace(tzinfo=None)
    found = flights.first_after(
        pd.Series([pd.Timestamp(departure)]),
        pd.Series([pd.Timestamp(day).normalize()]),
        pd.Series([arrival.hour * 100 + arrival.minute]),
        pd.Series([zone]),
    )[0]
    repeated = arrival.replace(fold=0).utcoffset() != arrival.replace(fold=1).utcoffset()
    assert found == arrival or repeated


def test_midnight_may_be_written_as_2400() -> None:
    assert flights.clock_time(pd.Series([0, 5, 2359, 2400])).dt.total_seconds().tolist() == [0, 300, 86_340, 86_400]


def test_weather_is_the_last_that_was_known(spring: list[Record]) -> None:
    table = pd.read_csv(reference.data_file("weather.csv"))
    known_from = pd.to_datetime(table["time_hour"]) + pd.Timedelta(minutes=51)
    for record in spring[::97]:
        event = orjson.loads(record.value)
        is_known = (table["origin"] == event["origin"]) & (known_from <= pd.Timestamp(event["event_time"]))
        row = table[is_known].iloc[-1]
        weather = event["weather"]
        assert weather.get("temperature_f") == (None if pd.isna(row["temp"]) else round(row["temp"], 2))
        assert weather.get("pressure_hpa") == (None if pd.isna(row["pressure"]) else row["pressure"])


def test_weather_is_absent_where_none_was_known_lately() -> None:
    events = _events(*NEW_YEAR)
    assert not any("weather" in event for event in events if event["event_time"] > "2013-12-31T03:00:00Z")
    assert all("weather" in event for event in events if event["event_time"] < "2013-12-31T00:00:00Z")


def test_an_impossible_wind_is_missing() -> None:
    assert observations.read()["wind_speed_mph"].max() < 100


def test_unknown_aircraft_are_absent() -> None:
    days = date(2013, 1, 1), date(2013, 1, 7)
    scheduled = [event for event in _events(*days) if event["event_type"] == "scheduled"]
    missing = int(oracle.flights(*days)["tailnum"].isna().sum())
    assert sum("tail_number" not in event for event in scheduled) == missing > 0


@pytest.mark.parametrize("days", [(date(2012, 12, 31), date(2013, 1, 1)), (date(2013, 2, 2), date(2013, 2, 1))])
def test_days_without_real_flights_are_refused(days: tuple[date, date]) -> None:
    with pytest.raises(TerminalError, match="2013-01-01 to 2013-12-31"):
        flights.check_days(*days)


@given(st.datetimes(*YEAR, timezones=st.just(UTC)))
def test_times_survive_their_text(moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    assert datetime.fromisoformat(timestamp_text(moment)) == moment
