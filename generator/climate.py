"""Synthetic weather: a smooth process for each airport, which does not depend on how a run is split."""

from __future__ import annotations

import zlib
from functools import cache
from itertools import accumulate

import numpy as np
import orjson
import pandas as pd
from numpy.typing import NDArray

from skytier import reference

Floats = NDArray[np.float64]

_PERIODS_HOURS = np.array([29.0, 53.0, 97.0, 171.0, 311.0])
"""Periods without a small common multiple: their sum neither jumps nor repeats within a year."""


def _waves(seed: int, airport: str, quantity: int, hours: Floats) -> Floats:
    """A smooth series with mean 0 and variance 1 over hours since 1970."""
    phases = np.random.default_rng([seed, zlib.crc32(airport.encode()), quantity]).uniform(0, 2 * np.pi, 5)
    waves = np.sin(2 * np.pi * hours[:, None] / _PERIODS_HOURS + phases)
    return np.asarray(waves.sum(axis=1) * np.sqrt(2 / len(_PERIODS_HOURS)), dtype=np.float64)


def storminess(seed: int, airport: str, hours: Floats) -> Floats:
    """Severity of the weather: 0 in most hours, about 1 in a storm."""
    return np.clip(_waves(seed, airport, 0, hours) - 0.9, 0, 2)


def weather(seed: int, airport: str, hours: Floats) -> pd.DataFrame:
    """The observations of an airport at these hours since 1970, in the units of the event contract."""
    place = _places()[airport]
    moments = pd.DatetimeIndex((hours * 3600).astype("datetime64[s]"))
    season = np.cos(2 * np.pi * (moments.dayofyear.to_numpy() - 200) / 365.25) * np.sign(place.latitude_deg)
    sun = np.cos(2 * np.pi * (moments.hour.to_numpy() + place.longitude_deg / 15 - 15) / 24)
    storm = storminess(seed, airport, hours)
    swing = 25 * min(abs(place.latitude_deg) / 45, 1.3)
    warm = 82 - 0.75 * max(abs(place.latitude_deg) - 15, 0)
    temperature = warm + swing * (season - 0.25) + 7 * sun + 5 * _waves(seed, airport, 1, hours)
    humidity = np.clip(60 - 10 * sun + 12 * _waves(seed, airport, 2, hours) + 25 * storm, 15, 100)
    wind = np.clip(9 + 4 * _waves(seed, airport, 3, hours) + 14 * storm, 0, 70)
    frame = pd.DataFrame(
        {
            "temperature_f": np.clip(temperature, -40, 115),
            "dew_point_f": np.clip(temperature - (100 - humidity) * 0.36, -60, 85),
            "humidity_pct": humidity,
            "wind_direction_deg": np.round((200 + 90 * _waves(seed, airport, 4, hours)) % 360, -1),
            "wind_speed_mph": wind,
            "wind_gust_mph": np.where(wind > 18, wind * 1.4, np.nan),
            "precipitation_in": np.where(storm > 0.15, storm * 0.15, 0.0),
            "pressure_hpa": 1017 + 5 * _waves(seed, airport, 5, hours) - 12 * storm,
            "visibility_miles": np.clip(10 - 9 * storm, 0.25, 10),
        }
    )
    return frame.round(2)


@cache
def _places() -> dict[str, reference.Airport]:
    return {airport.iata: airport for airport in reference.airports()}


class Observed:
    """Observations as JSON, computed for several days of an airport at the first request.

    Those of a block are kept in one piece: kept one by one among records that come and go, they take ten times as much
    memory, for the records' place is not used again.
    """

    _HOURS_AT_ONCE = 240

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._made: dict[tuple[str, int], tuple[bytes, list[int]]] = {}

    def at(self, airports: list[str], moments: NDArray[np.datetime64]) -> list[orjson.Fragment]:
        """The observation at the start of the hour of each moment."""
        hours = moments.astype("datetime64[h]").astype(np.int64)
        blocks, places = (part.tolist() for part in np.divmod(hours, self._HOURS_AT_ONCE))
        keys = list(zip(airports, blocks, strict=True))
        for airport, block in set(keys) - self._made.keys():
            self._made[airport, block] = self._make(airport, block)
        return [self._fragment(key, place) for key, place in zip(keys, places, strict=True)]

    def _fragment(self, key: tuple[str, int], place: int) -> orjson.Fragment:
        made, bounds = self._made[key]
        return orjson.Fragment(made[bounds[place] : bounds[place + 1]])

    def _make(self, airport: str, block: int) -> tuple[bytes, list[int]]:
        hours = block * self._HOURS_AT_ONCE + np.arange(self._HOURS_AT_ONCE, dtype=np.float64)
        frame = weather(self._seed, airport, hours)
        rows = zip(*(frame[name].tolist() for name in frame.columns), strict=True)
        names = list(frame.columns)
        known = ({name: value for name, value in zip(names, row, strict=True) if value == value} for row in rows)
        observations = [orjson.dumps(observation) for observation in known]
        return b"".join(observations), [0, *accumulate(map(len, observations))]
