"""Rows of the OpenSky Network's API as events of the contract, or why they are none."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from events import state_flags
from events.state_vector import (
    CONTRACT,
    FIRST_YEAR,
    FUTURE_TOLERANCE_SECONDS,
    SCHEMA_VERSION,
    Category,
    PositionSource,
    event_id,
)
from skytier.times import timestamp_text

ROW_LENGTHS = (17, 18)
"""values of a row; the last, the category, only where it was asked for"""
_FIRST_SECOND = int(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC).timestamp())
_FIELDS = {field.name: field for field in CONTRACT.fields()}
_ADDRESS = re.compile(r"[0-9a-f]{6}")
_NOBODYS = {"000000", "ffffff"}
_CALLSIGN = re.compile(r"[A-Z0-9]{1,8}")
_SQUAWK = re.compile(r"[0-7]{4}")
_COUNTRY_LENGTH = 64
_BEYOND = 1e15
_LARGEST_INT = 2**31 - 1
_SOURCES, _CATEGORIES = tuple(PositionSource), tuple(Category)

Values = dict[str, Any]


class _RefusedError(ValueError):
    """A value that is not the field's; the text is the kind of the reason."""


class Parsed(NamedTuple):
    """What became of a row: an event in JSON's types, or, where there are reasons, none."""

    event: Values | None
    reasons: tuple[str, ...] = ()


def parse(row: object, answer_time: int, received: float, source: str) -> Parsed:
    """A row as an event, or why it is useless.

    ``answer_time`` is what the answer states, ``received`` when it arrived, both in seconds since 1970.
    """
    if not isinstance(row, list) or len(row) not in ROW_LENGTHS:
        return Parsed(None, ("not_a_state",))
    values, reasons = _required(row, received + FUTURE_TOLERANCE_SECONDS)
    if reasons:
        return Parsed(None, tuple(reasons))
    optional, dropped = _optional(row)
    values |= optional
    flags = dropped + state_flags.raised(values, answer_time)
    position = values["time_position"]
    values |= {name: _text(values[name]) for name in ("time_position", "last_contact")}
    event = {"event_id": event_id(values["icao24"], position), **values}
    event |= {"answer_time": _text(answer_time), "quality_flags": flags}
    return Parsed(event | {"source": source, "schema_version": SCHEMA_VERSION})


def _required(row: list[Any], latest: float) -> tuple[Values, list[str]]:
    values: Values = {}
    reasons: list[str] = []
    for name, (index, read) in _REQUIRED.items():
        if row[index] is None:
            reasons.append(f"missing:{name}")
            continue
        try:
            values[name] = read(row[index], name)
        except _RefusedError as refusal:
            reasons.append(f"{refusal}:{name}")
    for name in ("time_position", "last_contact"):
        if values.get(name, 0) > latest:
            reasons.append(f"in_the_future:{name}")
    return values, reasons


def _optional(row: list[Any]) -> tuple[Values, list[str]]:
    """The values that a vector may lack, and flags for those that were dropped."""
    values: Values = {}
    dropped: list[str] = []
    for name, (index, read) in _OPTIONAL.items():
        given = row[index] if index < len(row) else None
        try:
            values[name] = None if given is None else read(given, name)
        except _RefusedError:
            values[name] = None
            dropped.append(f"dropped:{name}")
    return values, dropped


def _address(given: object, _: str) -> str:
    address = _string(given).strip().lower()
    if not _ADDRESS.fullmatch(address):
        raise _RefusedError("wrong_format")
    if address in _NOBODYS:
        raise _RefusedError("unassigned_address")
    return address


def _seconds(given: object, _: str) -> int:
    number = _finite(given)
    if number != int(number):
        raise _RefusedError("wrong_type")
    if number < _FIRST_SECOND:
        raise _RefusedError("out_of_range")
    return int(number)


def _number(given: object, name: str) -> float:
    number, field = _finite(given), _FIELDS[name]
    if not (field.minimum or 0.0) <= number <= (field.maximum or 0.0):
        raise _RefusedError("out_of_range")
    return number


def _finite(given: object) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not -_BEYOND < given < _BEYOND:
        raise _RefusedError("wrong_type")  # not finite, or no number of this API
    return float(given)


def _string(given: object) -> str:
    if not isinstance(given, str):
        raise _RefusedError("wrong_type")
    return given


def _boolean(given: object, _: str) -> bool:
    if not isinstance(given, bool):
        raise _RefusedError("wrong_type")
    return given


def _callsign(given: object, _: str) -> str | None:
    return _matching(_CALLSIGN, _string(given).strip())


def _squawk(given: object, _: str) -> str | None:
    return _matching(_SQUAWK, _string(given).strip())


def _matching(pattern: re.Pattern[str], text: str) -> str | None:
    """A text; None where it is blank."""
    if text and not pattern.fullmatch(text):
        raise _RefusedError("wrong_format")
    return text or None


def _country(given: object, _: str) -> str | None:
    country = _string(given).strip()
    if len(country) > _COUNTRY_LENGTH:
        raise _RefusedError("too_long")
    return country or None


def _one_of(names: Sequence[str]) -> Callable[[object, str], str]:
    def read(given: object, _: str) -> str:
        if isinstance(given, bool) or not isinstance(given, int):
            raise _RefusedError("wrong_type")
        if not 0 <= given < len(names):
            raise _RefusedError("out_of_range")
        return str(names[given])

    return read


def _sensors(given: object, _: str) -> list[int]:
    if not isinstance(given, list) or not all(type(one) is int and abs(one) <= _LARGEST_INT for one in given):
        raise _RefusedError("wrong_type")
    return given


def _text(seconds: int) -> str:
    return timestamp_text(datetime.fromtimestamp(seconds, UTC))


_Read = Callable[[object, str], Any]
_REQUIRED: dict[str, tuple[int, _Read]] = {
    "icao24": (0, _address),
    "time_position": (3, _seconds),
    "last_contact": (4, _seconds),
    "longitude_deg": (5, _number),
    "latitude_deg": (6, _number),
    "on_ground": (8, _boolean),
}
"""what a vector is useless without: where it is in a row, and what reads it"""
_OPTIONAL: dict[str, tuple[int, _Read]] = {
    "callsign": (1, _callsign),
    "origin_country": (2, _country),
    "baro_altitude_m": (7, _number),
    "velocity_mps": (9, _number),
    "true_track_deg": (10, _number),
    "vertical_rate_mps": (11, _number),
    "sensors": (12, _sensors),
    "geo_altitude_m": (13, _number),
    "squawk": (14, _squawk),
    "spi": (15, _boolean),
    "position_source": (16, _one_of(_SOURCES)),
    "category": (17, _one_of(_CATEGORIES)),
}
