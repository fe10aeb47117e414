"""Local times as UTC, including the hours that daylight saving skips or repeats."""

from __future__ import annotations

from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator import schedule
from generator.flights import ORIGIN_TIMEZONE, to_utc
from generator.traffic import traffic
from skytier import reference

pytestmark = pytest.mark.plain

ZONES = (ORIGIN_TIMEZONE, "America/Los_Angeles", "America/Phoenix", "Pacific/Honolulu", "America/Puerto_Rico")


def utc(local: str, timezone: str = ORIGIN_TIMEZONE) -> str:
    return f"{to_utc(pd.Series([pd.Timestamp(local)]), timezone).iloc[0]:%Y-%m-%dT%H:%MZ}"


@pytest.mark.parametrize(
    ("local", "instant"),
    [
        ("2013-03-10 01:59", "2013-03-10T06:59Z"),
        ("2013-03-10 02:00", "2013-03-10T07:00Z"),
        ("2013-03-10 02:30", "2013-03-10T07:00Z"),
        ("2013-03-10 03:00", "2013-03-10T07:00Z"),
        ("2013-11-03 00:59", "2013-11-03T04:59Z"),
        ("2013-11-03 01:00", "2013-11-03T05:00Z"),
        ("2013-11-03 01:59", "2013-11-03T05:59Z"),
        ("2013-11-03 02:00", "2013-11-03T07:00Z"),
    ],
)
def test_a_skipped_time_moves_on_and_a_repeated_one_is_the_first(local: str, instant: str) -> None:
    assert utc(local) == instant


@given(st.integers(0, 3 * 365 * 1440), st.sampled_from(ZONES))
def test_a_time_that_there_is_once_is_what_the_zone_says(minute: int, timezone: str) -> None:
    local = (pd.Timestamp("2012-01-01") + pd.Timedelta(minutes=minute)).to_pydatetime()
    aware = local.replace(tzinfo=ZoneInfo(timezone), fold=0)
    there = aware.astimezone(UTC).astimezone(aware.tzinfo).replace(tzinfo=None)
    found = to_utc(pd.Series([pd.Timestamp(local)]), timezone).iloc[0].to_pydatetime()
    if there == local:
        assert found == aware.astimezone(UTC)
    else:
        assert found.astimezone(aware.tzinfo).replace(tzinfo=None) == local.replace(minute=0) + timedelta(hours=1)


@pytest.mark.parametrize("start", ["2013-03-09T12:00Z", "2013-11-02T12:00Z", "2013-07-01T12:00Z"])
def test_every_flight_leaves_when_clocks_at_its_own_origin_say(start: str) -> None:
    """Out and back alike: number and date are the local minute of the departure, which a gap alone moves."""
    zones, rng = reference.airport_timezones(), np.random.default_rng(1)
    flights = schedule.timetable(traffic(), rng, pd.Timestamp(start), np.full(3, 400.0), lane=1)
    for flight in flights.to_dict("records"):
        local = flight["scheduled_departure"].tz_convert(zones[flight["origin"]])
        minute = flight["flight_number"] - schedule.FIRST_NUMBER
        named = pd.Timestamp(flight["flight_id"][:10]) + pd.Timedelta(minutes=minute)
        assert flight["local_hour"] == minute // 60
        if local.tz_localize(None) != named:  # the clocks skipped it
            assert (local.minute, local.tz_localize(None) - named < pd.Timedelta(hours=1)) == (0, True)
    back = flights[np.isfinite(flights["turn_minutes"])]
    west = back[back["origin"].map(zones) == "America/Los_Angeles"]
    assert len(west) > 20
    assert back["turn_minutes"].min() >= 45
