"""The recent state of airports, airlines and aircraft before an event, from the other events of the hours before it.

Only events of an earlier minute count. Neither the order of arrival nor a later event changes the state.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from events.flight import EventType

_NONE = -1
_MINUTE = 60_000_000_000

# Windows of recent departures: (name, columns that they share with the flight, minutes back).
_DEPARTURE_WINDOWS: tuple[tuple[str, tuple[str, ...], int], ...] = (
    ("origin_30min", ("origin",), 30),
    ("origin_2h", ("origin",), 120),
    ("origin_6h", ("origin",), 360),
    ("origin_airline_3h", ("origin", "airline"), 180),
    ("airline_3h", ("airline",), 180),
    ("destination_6h", ("destination",), 360),
    ("route_airline_24h", ("origin", "airline", "destination"), 1440),
    ("all_1h", (), 60),
    ("all_4h", (), 240),
    ("all_12h", (), 720),
)
_ARRIVAL_WINDOWS: tuple[tuple[str, tuple[str, ...], int], ...] = (
    ("airline_3h", ("airline",), 180),
    ("destination_4h", ("destination",), 240),
    ("origin_3h", ("origin",), 180),
    ("all_3h", (), 180),
)
_CANCELLATION_WINDOWS: tuple[tuple[str, tuple[str, ...], int], ...] = (
    ("origin_4h", ("origin",), 240),
    ("airline_6h", ("airline",), 360),
    ("all_12h", (), 720),
)
_QUEUE_MINUTES, _KNOWN_AHEAD_MINUTES = 60, 120
_AIRCRAFT_MINUTES = 24 * 60
# Without limits, a few extreme delays dominate the mean of a quiet hour.
_DELAY_LIMITS = (-30.0, 240.0)

COLUMNS = (
    *(f"departure_delay_{name}" for name, _, _ in _DEPARTURE_WINDOWS),
    *(f"departures_{name}" for name, _, _ in _DEPARTURE_WINDOWS),
    *(f"arrival_delay_{name}" for name, _, _ in _ARRIVAL_WINDOWS),
    *(f"cancellations_{name}" for name, _, _ in _CANCELLATION_WINDOWS),
    "origin_queue",
    "aircraft_last_delay",
    "aircraft_last_age_minutes",
    "aircraft_slack_minutes",
)


def before(targets: pd.DataFrame, events: pd.DataFrame) -> dict[str, object]:
    """``COLUMNS`` for each target: mean delays and ages in minutes, counts of flights. ``events`` has no duplicates."""
    state = _State(targets, events)
    return state.departures() | state.arrivals() | state.cancellations() | state.queue() | state.aircraft()


def _minutes(moments: pd.Series[pd.Timestamp]) -> NDArray[np.int64]:
    """Full minutes since 1970, rounded up: an event is known from the end of its minute."""
    nanoseconds = pd.to_datetime(moments, utc=True).to_numpy(dtype="datetime64[ns]").astype(np.int64)
    return -(-nanoseconds // _MINUTE)


class _Codes:
    """Integer codes of the texts of one column, the same for targets and events; -1 for a missing text."""

    def __init__(self, *columns: pd.Series[str]) -> None:
        codes, _ = pd.factorize(pd.concat(columns, ignore_index=True))
        ends = np.cumsum([len(column) for column in columns])
        self.of_targets, self.of_events = np.split(codes.astype(np.int64), ends[:-1])
        self.size = int(codes.max(initial=0)) + 2


class _Timeline:
    """Events with a group, a minute and a value, sorted for lookups of many (group, minute) pairs at once."""

    def __init__(self, groups: NDArray[np.int64], minutes: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        counts = (groups != _NONE) & ~np.isnan(values)
        self._first = int(minutes.min(initial=0))
        self._span = int(minutes.max(initial=0)) - self._first + 2
        keys = self._keys(groups[counts], minutes[counts])
        order = np.argsort(keys, kind="stable")
        self._sorted = keys[order]
        self._sums = np.concatenate([[0.0], np.cumsum(values[counts][order])])
        self.order = np.flatnonzero(counts)[order]

    def _keys(self, groups: NDArray[np.int64], minutes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Group and minute as one number; a minute outside the timeline is clipped to it."""
        return groups * self._span + np.clip(minutes - self._first, 0, self._span - 1)

    def before(self, groups: NDArray[np.int64], minutes: NDArray[np.int64]) -> NDArray[np.int64]:
        """The end, in the order of the timeline, of the group's events before this minute."""
        return np.searchsorted(self._sorted, self._keys(groups, minutes), side="left")

    def window(
        self, groups: NDArray[np.int64], minutes: NDArray[np.int64], length: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Count and sum of the values in the ``length`` minutes before each minute; 0 for the group -1."""
        end, start = self.before(groups, minutes), self.before(groups, minutes - length)
        is_known = groups != _NONE
        return np.where(is_known, end - start, 0), np.where(is_known, self._sums[end] - self._sums[start], 0.0)


class _State:
    """The recent state before each target."""

    def __init__(self, targets: pd.DataFrame, events: pd.DataFrame) -> None:
        self._at = _minutes(targets["event_time"])
        self._codes = {
            name: _Codes(targets[name], events[name]) for name in ("airline", "origin", "destination", "tail_number")
        }
        self._scheduled_departure = _minutes(targets["scheduled_departure"])
        self._events = events
        self._minutes = _minutes(events["event_time"])
        self._event_scheduled = _minutes(events["scheduled_departure"])
        self._event_arrival = _minutes(events["scheduled_arrival"])
        types = events["event_type"].to_numpy()
        self._is = {kind: types == str(kind) for kind in EventType}
        self._delay_out = self._clipped("departure_delay_minutes")
        self._delay_in = self._clipped("arrival_delay_minutes")

    def _clipped(self, name: str) -> NDArray[np.float64]:
        values = self._events[name].to_numpy(dtype=float, na_value=np.nan)
        clipped: NDArray[np.float64] = np.clip(values, *_DELAY_LIMITS)
        return clipped

    def _groups(self, names: Iterable[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The group of each target and of each event: equal if all these columns are equal."""
        of_targets = np.zeros(len(self._at), np.int64)
        of_events = np.zeros(len(self._minutes), np.int64)
        for name in names:
            codes = self._codes[name]
            of_targets = of_targets * codes.size + codes.of_targets
            of_events = of_events * codes.size + codes.of_events
        return of_targets, of_events

    def _timeline(
        self, names: tuple[str, ...], kind: EventType, values: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], _Timeline]:
        of_targets, of_events = self._groups(names)
        chosen = self._is[kind]
        return of_targets, _Timeline(of_events[chosen], self._minutes[chosen], values[chosen])

    def departures(self) -> dict[str, object]:
        """Mean delay and number of the departures in each window."""
        result: dict[str, object] = {}
        for name, shared, length in _DEPARTURE_WINDOWS:
            groups, timeline = self._timeline(shared, EventType.DEPARTED, self._delay_out)
            counts, sums = timeline.window(groups, self._at, length)
            result[f"departure_delay_{name}"] = _mean(counts, sums)
            result[f"departures_{name}"] = counts
        return result

    def arrivals(self) -> dict[str, object]:
        """Mean delay of the arrivals in each window."""
        result: dict[str, object] = {}
        for name, shared, length in _ARRIVAL_WINDOWS:
            groups, timeline = self._timeline(shared, EventType.ARRIVED, self._delay_in)
            result[f"arrival_delay_{name}"] = _mean(*timeline.window(groups, self._at, length))
        return result

    def cancellations(self) -> dict[str, object]:
        """Number of the cancellations in each window."""
        result: dict[str, object] = {}
        ones = np.ones(len(self._minutes))
        for name, shared, length in _CANCELLATION_WINDOWS:
            groups, timeline = self._timeline(shared, EventType.CANCELLED, ones)
            result[f"cancellations_{name}"], _ = timeline.window(groups, self._at, length)
        return result

    def queue(self) -> dict[str, object]:
        """Number of departures from the origin that are scheduled in the hour before this one."""
        of_targets, of_events = self._groups(("origin",))
        chosen = self._is[EventType.SCHEDULED]
        timeline = _Timeline(of_events[chosen], self._event_scheduled[chosen], np.ones(int(chosen.sum())))
        # The timetable is known two hours ahead: a flight that departs earlier than that knows less of it.
        until = np.minimum(self._scheduled_departure, self._at + _KNOWN_AHEAD_MINUTES)
        counts, _ = timeline.window(of_targets, until, _QUEUE_MINUTES)
        return {"origin_queue": counts}

    def aircraft(self) -> dict[str, object]:
        """The last event of the aircraft: its delay, its age, and the minutes from its arrival to this departure."""
        codes = self._codes["tail_number"]
        is_arrived = self._is[EventType.ARRIVED]
        chosen = np.flatnonzero(self._is[EventType.DEPARTED] | is_arrived)
        # Events of one minute are ordered by time and id, not by arrival.
        exact = self._events[["event_time", "event_id"]].iloc[chosen].reset_index(drop=True)
        chosen = chosen[exact.sort_values(["event_time", "event_id"]).index.to_numpy()]
        delays = np.where(is_arrived, self._delay_in, self._delay_out)
        timeline = _Timeline(codes.of_events[chosen], self._minutes[chosen], delays[chosen])
        end, start = (timeline.before(codes.of_targets, self._at - back) for back in (0, _AIRCRAFT_MINUTES))
        is_known = (codes.of_targets != _NONE) & (end > start)
        delay, minutes, arrival = (np.full(len(self._at), np.nan) for _ in range(3))
        last = chosen[timeline.order[end[is_known] - 1]]
        delay[is_known], minutes[is_known] = delays[last], self._minutes[last]
        arrival[is_known] = self._event_arrival[last]
        return {
            "aircraft_last_delay": delay,
            "aircraft_last_age_minutes": self._at - minutes,
            "aircraft_slack_minutes": self._scheduled_departure - (arrival + delay),
        }


def _mean(counts: NDArray[np.int64], sums: NDArray[np.float64]) -> NDArray[np.float64]:
    means = np.full(len(sums), np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means
