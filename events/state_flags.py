"""What is odd about a state vector that one vector alone shows; none of it makes it useless."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from events.state_vector import (
    ALTITUDE_DIFFERENCE_M,
    FASTEST_FLIGHT_MPS,
    HIGHEST_AIRPORT_M,
    HIGHEST_FLIGHT_M,
    STALE_SECONDS,
    STEEPEST_FLIGHT_MPS,
    Category,
)

_VEHICLES = {Category.SURFACE_EMERGENCY_VEHICLE, Category.SURFACE_SERVICE_VEHICLE}

Values = Mapping[str, Any]


def raised(values: Values, answer_time: int) -> list[str]:
    """The flags of ``events.state_vector.FLAGS`` that a vector raises, but those of dropped values.

    ``values`` are those of the contract, times in seconds since 1970, as ``answer_time`` is.
    """
    found = [flag for flag, is_raised in _CHECKS.items() if is_raised(values)]
    time_position, last_contact = values["time_position"], values["last_contact"]
    if last_contact - time_position > STALE_SECONDS:
        found.append("position_stale")
    if time_position > last_contact:
        found.append("position_after_contact")
    if answer_time - last_contact > STALE_SECONDS:
        found.append("contact_lost")
    return found


def _altitudes(values: Values) -> list[float]:
    return [value for name in ("baro_altitude_m", "geo_altitude_m") if (value := values[name]) is not None]


def _altitudes_disagree(values: Values) -> bool:
    altitudes = _altitudes(values)
    return len(altitudes) == 2 and abs(altitudes[0] - altitudes[1]) > ALTITUDE_DIFFERENCE_M


_CHECKS: dict[str, Callable[[Values], bool]] = {
    "callsign_missing": lambda v: v["callsign"] is None,
    "country_missing": lambda v: v["origin_country"] is None,
    "altitude_missing": lambda v: not _altitudes(v),
    "speed_missing": lambda v: v["velocity_mps"] is None,
    "altitude_negative": lambda v: any(altitude < 0 for altitude in _altitudes(v)),
    "altitude_implausible": lambda v: any(altitude > HIGHEST_FLIGHT_M for altitude in _altitudes(v)),
    "altitudes_disagree": _altitudes_disagree,
    "on_ground_aloft": lambda v: v["on_ground"] and any(altitude > HIGHEST_AIRPORT_M for altitude in _altitudes(v)),
    "speed_implausible": lambda v: (v["velocity_mps"] or 0.0) > FASTEST_FLIGHT_MPS,
    "vertical_rate_implausible": lambda v: abs(v["vertical_rate_mps"] or 0.0) > STEEPEST_FLIGHT_MPS,
    "surface_vehicle": lambda v: v["category"] in _VEHICLES,
}
