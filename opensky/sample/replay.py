"""The states of a replay at any moment: the recording over and over, and shifted copies of its aircraft.

What the replay answers depends on the moment alone: it goes on after a restart as if there had been none.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from events.state_vector import STALE_SECONDS
from opensky.areas import Box
from opensky.sample.trajectories import Floats, Ints, Trajectories

SYNTHETIC = "Synthetic"
"""the origin country of copies"""
MAX_POSITION_AGE_SECONDS = 15
"""how long a vector is answered after its last row; the rows have the time already for which the network keeps one"""
_GAP_SECONDS = 1_800
_FIRST_COPY = 0xB00000  # of a block that no country has
_LARGEST = 100_000
# Copies of one number keep together, as the recording does; numbers that follow each other lie far apart.
_STEP_DEGREES, _STEP_SECONDS = 222.5, 4_001
Row = list[Any]


class Replay:
    """A replay of trajectories with about ``aircraft`` at a time; None: those of the recording, once.

    A copy is another time and another place: shifted along its parallel, and every other one mirrored at the equator,
    which keeps distances and speeds. An aircraft whose recording would begin within half an hour after its end flies
    every other time only, as nobody can be elsewhere at once.
    """

    def __init__(self, trajectories: Trajectories, aircraft: int | None = None) -> None:
        self._of = trajectories
        recorded = len(trajectories.addresses)
        count = recorded if aircraft is None else min(_LARGEST, max(1, round(aircraft / self._mean_share())))
        numbers = np.arange(count)
        self._aircraft, copy = numbers % recorded, numbers // recorded
        self._is_copy = copy > 0
        self._shift_seconds = copy * _STEP_SECONDS
        self._shift_degrees = copy * _STEP_DEGREES
        self._sign = np.where(copy % 2 == 1, -1.0, 1.0)
        self._every_other = self._restarts_too_soon()[self._aircraft]
        self._span = trajectories.period + MAX_POSITION_AGE_SECONDS + 1  # so that no two aircraft share a key
        self._keys = trajectories.aircraft * self._span + trajectories.second

    def states(self, moment: int, area: Box | None = None, *, has_category: bool = True) -> list[Row]:
        """The rows of an answer at a moment, in seconds since 1970, sorted by address; with 17 or 18 values."""
        who, row, age = self._present(moment)
        position_age = age + (self._of.second - self._of.position_second)[row]
        latitude = self._of.latitude[row] * self._sign[who]
        longitude = (self._of.longitude[row] + self._shift_degrees[who] + 180.0) % 360.0 - 180.0
        is_known = position_age <= STALE_SECONDS
        if area is not None:
            kept = is_known & _within(area, latitude, longitude)
            who, row, age, position_age = who[kept], row[kept], age[kept], position_age[kept]
            latitude, longitude, is_known = latitude[kept], longitude[kept], is_known[kept]
        track = self._of.track_deg[row]
        columns = [
            *(self._names(who, row)),
            _known(moment - position_age, is_known),
            (moment - age).tolist(),
            _known(np.round(longitude, 4), is_known),
            _known(np.round(latitude, 4), is_known),
            _numbers(self._of.altitude_m[row]),
            self._of.on_ground[row].tolist(),
            _numbers(self._of.velocity_mps[row]),
            _numbers(np.where(self._sign[who] > 0, track, (180.0 - track) % 360.0)),
            _numbers(self._of.vertical_rate_mps[row]),
            *([None] * len(who) for _ in ("sensors", "geo_altitude")),
            [self._of.squawks[one] for one in row.tolist()],
            *([value] * len(who) for value in ((False, 0, 0) if has_category else (False, 0))),
        ]
        return sorted(map(list, zip(*columns, strict=True)), key=lambda found: str(found[0]))

    def _present(self, moment: int) -> tuple[Ints, Ints, Ints]:
        """Who is there, in which row of the recording, and how many seconds ago that was."""
        elapsed = moment + self._shift_seconds
        second, cycle = elapsed % self._of.period, elapsed // self._of.period
        row = np.searchsorted(self._keys, self._aircraft * self._span + second, side="right") - 1
        age = second - self._of.second[row]
        is_there = (row >= 0) & (self._of.aircraft[row] == self._aircraft) & (age <= MAX_POSITION_AGE_SECONDS)
        (who,) = np.nonzero(is_there & ~(self._every_other & (cycle % 2 == 1)))
        return who.astype(np.int64), row[who].astype(np.int64), age[who].astype(np.int64)

    def _names(self, who: Ints, row: Ints) -> tuple[list[str], list[str], list[str]]:
        addresses, callsigns, countries = [], [], []
        for one, at in zip(who.tolist(), row.tolist(), strict=True):
            aircraft = int(self._aircraft[one])
            if self._is_copy[one]:
                addresses.append(f"{_FIRST_COPY + one:06x}")
                callsigns.append(f"SYN{one:05}")
                countries.append(SYNTHETIC)
            else:
                addresses.append(self._of.addresses[aircraft])
                callsigns.append(f"{self._of.callsigns[at]:8}")
                countries.append(self._of.countries[aircraft])
        return addresses, callsigns, countries

    def _first_and_last(self) -> tuple[Ints, Ints]:
        bounds = self._of.bounds
        return self._of.second[bounds[:-1]], self._of.second[bounds[1:] - 1]

    def _restarts_too_soon(self) -> Any:
        first, last = self._first_and_last()
        return self._of.period - (last - first) < _GAP_SECONDS

    def _mean_share(self) -> float:
        """The share of the time that a recorded aircraft is there, on average."""
        seconds = np.diff(self._of.second, append=self._of.period)
        seconds[self._of.bounds[1:] - 1] = MAX_POSITION_AGE_SECONDS
        share = np.minimum(seconds, MAX_POSITION_AGE_SECONDS).sum() / (self._of.period * len(self._of.addresses))
        return float(share)


def _within(area: Box, latitude: Floats, longitude: Floats) -> Any:
    is_between = (area.south <= latitude) & (latitude <= area.north)
    return is_between & (area.west <= longitude) & (longitude <= area.east)


def _known(values: Ints | Floats, is_known: Any) -> list[Any]:
    return [value if known else None for value, known in zip(values.tolist(), is_known.tolist(), strict=True)]


def _numbers(values: Floats) -> list[float | None]:
    """Numbers to two decimals, as the API has them."""
    return [None if math.isnan(value) else value for value in np.round(values, 2).tolist()]
