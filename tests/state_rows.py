"""Real rows of recorded trajectories, as the API would have answered them.

They are from the package ``traffic`` (MIT); their data are the OpenSky Network's: research and non-commercial use.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).parent / "data" / "trajectories.csv"
_METRES_PER_FOOT, _METRES_PER_NAUTICAL_MILE = 0.3048, 1852.0

Row = list[Any]


@cache
def _cases() -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    with _FILE.open(newline="") as file:
        for line in csv.DictReader(file):
            found.setdefault(line["case"], []).append(line)
    return found


def _number(text: str, factor: float = 1.0) -> float | None:
    return float(text) * factor if text else None


def recorded(case: str) -> list[Row]:
    """The rows of a case with 17 values, in the API's units; seen at their last contact."""
    return [_row(line) for line in _cases()[case]]


def _row(line: dict[str, str]) -> Row:
    seen = int(line["timestamp"]) // 1000
    squawk = f"{int(line['squawk']):04}" if line["squawk"] else None
    position = int(line["last_position"]) // 1000 if line["last_position"] else seen
    per_minute = _METRES_PER_FOOT / 60
    return [
        *(line["icao24"], line["callsign"].ljust(8), "France", position, seen),
        *(float(line["longitude"]), float(line["latitude"])),
        *(_number(line["altitude"], _METRES_PER_FOOT), line["onground"] == "True"),
        *(_number(line["groundspeed"], _METRES_PER_NAUTICAL_MILE / 3600), _number(line["track"])),
        *(_number(line["vertical_rate"], per_minute), None, _number(line["geoaltitude"], _METRES_PER_FOOT)),
        *(squawk, False, 0),
    ]


def made(**changes: Any) -> Row:
    """A row about which nothing is odd, with 18 values, but for ``changes``; the names are the API's."""
    values: dict[str, Any] = {
        "icao24": "3c6444", "callsign": "DLH9LF  ", "origin_country": "Germany", "time_position": 1_633_600_000,
        "last_contact": 1_633_600_001, "longitude": 6.1546, "latitude": 50.1964, "baro_altitude": 9_639.3,
        "on_ground": False, "velocity": 232.88, "true_track": 98.26, "vertical_rate": 4.55, "sensors": None,
        "geo_altitude": 9_547.86, "squawk": "1000", "spi": False, "position_source": 0, "category": 4,
    }  # fmt: skip
    assert changes.keys() <= values.keys()
    return list((values | changes).values())
