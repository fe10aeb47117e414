"""Recorded trajectories: three hours around Paris, of the package traffic.

The package has the MIT licence. The data were recorded by the OpenSky Network, which allows research and
non-commercial use.
"""

from __future__ import annotations

import gzip
import zipfile
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from skytier.errors import TerminalError
from skytier.settings.base import PROJECT_ROOT

FETCHED = PROJECT_ROOT / "var" / "trajectories" / "traffic-2.13-py3-none-any.whl"
_FLIGHTS = "traffic/data/samples/collections/quickstart.json.gz"
_COUNTRIES = "traffic/data/basic/patterns.json"
_METRES_PER_FOOT = 0.3048
_METRES_PER_SECOND_PER_KNOT = 1852 / 3600
_PERIOD_STEP_SECONDS = 60
_MOVING_MPS = 0.5

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Trajectories:
    """Rows of aircraft, sorted by aircraft and second. Units are the API's; what is not known is NaN."""

    addresses: list[str]
    countries: list[str]
    """of each aircraft, by its address"""
    aircraft: Ints
    """of each row the number of its aircraft"""
    second: Ints
    """since the beginning of the recording"""
    position_second: Ints
    """when the position was received; earlier than ``second`` where the row repeats it"""
    latitude: Floats
    longitude: Floats
    altitude_m: Floats
    velocity_mps: Floats
    track_deg: Floats
    vertical_rate_mps: Floats
    on_ground: NDArray[np.bool_]
    callsigns: list[str]
    squawks: list[str | None]

    @cached_property
    def period(self) -> int:
        """The length of the recording in seconds, whole minutes."""
        return (int(self.second.max()) // _PERIOD_STEP_SECONDS + 1) * _PERIOD_STEP_SECONDS

    @cached_property
    def bounds(self) -> Ints:
        """Where the rows of each aircraft begin, and, last, where all end."""
        return np.searchsorted(self.aircraft, np.arange(len(self.addresses) + 1)).astype(np.int64)


def load(file: Path) -> Trajectories:
    """The trajectories in the wheel. Raises TerminalError where it is not there, or is another file."""
    try:
        with zipfile.ZipFile(file) as wheel:
            rows = orjson.loads(gzip.decompress(wheel.read(_FLIGHTS)))
            registers = orjson.loads(wheel.read(_COUNTRIES))["registers"]
        return _sorted(rows, _Countries(registers))
    except FileNotFoundError as error:
        raise TerminalError(
            f"{file} is not there: 'make install' fetches the trajectories of the sample, or set "
            "SKYTIER_OPENSKY_TRAJECTORIES to the wheel of traffic 2.13."
        ) from error
    except (OSError, zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        raise TerminalError(
            f"{file} holds no trajectories ({type(error).__name__}: {error}): it has to be the wheel of traffic 2.13 "
            "(SKYTIER_OPENSKY_TRAJECTORIES)."
        ) from error


def _sorted(rows: list[dict[str, Any]], countries: _Countries) -> Trajectories:
    rows = sorted(rows, key=lambda row: (row["icao24"], row["timestamp"]))
    addresses = sorted({row["icao24"] for row in rows})
    numbers = {address: number for number, address in enumerate(addresses)}
    begin = min(row["timestamp"] for row in rows) // 1000
    aircraft = np.array([numbers[row["icao24"]] for row in rows], dtype=np.int64)
    second = np.array([row["timestamp"] // 1000 - begin for row in rows], dtype=np.int64)
    latitude, longitude = _column(rows, "latitude"), _column(rows, "longitude")
    velocity = _column(rows, "groundspeed") * _METRES_PER_SECOND_PER_KNOT
    return Trajectories(
        addresses=addresses,
        countries=[countries.of(address) for address in addresses],
        aircraft=aircraft,
        second=second,
        position_second=_position_seconds(aircraft, second, latitude, longitude, velocity),
        latitude=latitude,
        longitude=longitude,
        altitude_m=_column(rows, "altitude") * _METRES_PER_FOOT,
        velocity_mps=velocity,
        track_deg=_column(rows, "track"),
        vertical_rate_mps=_column(rows, "vertical_rate") * (_METRES_PER_FOOT / 60),
        on_ground=np.array([row["onground"] for row in rows], dtype=np.bool_),
        callsigns=[row["callsign"] or "" for row in rows],
        squawks=[row["squawk"] and row["squawk"].zfill(4) for row in rows],  # the recording has no zeros in front
    )


def _column(rows: list[dict[str, Any]], name: str) -> Floats:
    return np.array([row[name] for row in rows], dtype=np.float64)  # None becomes NaN


def _position_seconds(aircraft: Ints, second: Ints, latitude: Floats, longitude: Floats, velocity: Floats) -> Ints:
    """When each row's position was received.

    The recording repeats an aircraft's last position until a newer one came: for one that moves, a position is as old
    as the first of the rows that have it. One that stands sends the same position again and again.
    """
    is_new = np.ones(len(second), dtype=np.bool_)
    is_same = (np.diff(latitude) == 0) & (np.diff(longitude) == 0) & (np.diff(aircraft) == 0)
    is_new[1:] = ~is_same | ~(velocity[1:] > _MOVING_MPS)
    first = np.maximum.accumulate(np.where(is_new, np.arange(len(second)), 0))
    return second[first]


class _Countries:
    """Countries by blocks of addresses, which do not overlap but where one lies within another."""

    def __init__(self, registers: list[dict[str, Any]]) -> None:
        blocks = [(int(one["start"], 16), int(one["end"], 16), one["country"]) for one in registers if "start" in one]
        self._blocks = sorted(blocks)
        self._starts = [start for start, _, _ in self._blocks]

    def of(self, address: str) -> str:
        """The country of an address; empty where no block holds it."""
        number = int(address, 16)
        # The last block that begins before it and reaches it is the narrowest.
        for start, end, country in reversed(self._blocks[: bisect_right(self._starts, number)]):
            if start <= number <= end:
                return str(country)
        return ""
