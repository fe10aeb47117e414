"""The contract of aircraft state vectors: one typed definition, and what can be wrong with a row of the source.

The JSON schema and the documentation are derived from it (``skytier.contract``). ``events.state_rows`` makes events of
the rows of the OpenSky Network's API. A change of the contract raises ``SCHEMA_VERSION``.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from skytier.contract import Contract
from skytier.number_text import END
from skytier.times import Moment

SCHEMA_NAME = "state_vector"
SCHEMA_VERSION = 1


class PositionSource(StrEnum):
    """How a position was determined; the API counts them from 0."""

    ADS_B = "ads_b"
    ASTERIX = "asterix"
    MLAT = "mlat"
    FLARM = "flarm"


class Category(StrEnum):
    """The emitter category of an aircraft; the API counts them from 0."""

    NONE = "none"
    NO_CATEGORY = "no_category"
    LIGHT = "light"
    SMALL = "small"
    LARGE = "large"
    HIGH_VORTEX = "high_vortex"
    HEAVY = "heavy"
    HIGH_PERFORMANCE = "high_performance"
    ROTORCRAFT = "rotorcraft"
    GLIDER = "glider"
    LIGHTER_THAN_AIR = "lighter_than_air"
    PARACHUTIST = "parachutist"
    ULTRALIGHT = "ultralight"
    RESERVED = "reserved"
    UAV = "uav"
    SPACE = "space"
    SURFACE_EMERGENCY_VEHICLE = "surface_emergency_vehicle"
    SURFACE_SERVICE_VEHICLE = "surface_service_vehicle"
    POINT_OBSTACLE = "point_obstacle"
    CLUSTER_OBSTACLE = "cluster_obstacle"
    LINE_OBSTACLE = "line_obstacle"


def _number(minimum: float, maximum: float, unit: str) -> object:
    return Field(ge=minimum, le=maximum, json_schema_extra={"unit": unit})


# A barometric altitude of Mode S ends at 126,750 ft, a vertical rate at 32,640 ft/min.
_Altitude = Annotated[float, _number(-2_000, 40_000, "m")]


class StateVector(BaseModel):
    """Where an aircraft was at one moment, and how it moved, as the network knew it.

    Times are whole seconds. A vector repeats its position until a newer one is received: ``event_id`` is the identity
    of the position, and the same in each repetition.
    """

    model_config = ConfigDict(extra="ignore", regex_engine="python-re")

    event_id: Annotated[str, Field(pattern=rf"^[0-9a-f]{{6}}:[0-9]{{10}}{END}", max_length=17)] = Field(
        description="`<icao24>:<time_position in seconds since 1970>`, the identity of the position"
    )
    icao24: Annotated[str, Field(pattern=rf"^[0-9a-f]{{6}}{END}", max_length=6)] = Field(
        description="24-bit address of the transponder, in hexadecimal digits"
    )
    callsign: Annotated[str, Field(pattern=rf"^[A-Z0-9]{{1,8}}{END}", max_length=8)] | None = Field(
        None, description="callsign, without the blanks that pad it"
    )
    origin_country: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        None, description="country that the address is allocated to"
    )
    time_position: Moment = Field(description="when the position was received")
    last_contact: Moment = Field(description="when anything was received of the aircraft")
    latitude_deg: Annotated[float, _number(-90, 90, "°")] = Field(description="latitude, WGS 84")
    longitude_deg: Annotated[float, _number(-180, 180, "°")] = Field(description="longitude, WGS 84")
    baro_altitude_m: _Altitude | None = Field(None, description="barometric altitude, at standard pressure")
    geo_altitude_m: _Altitude | None = Field(None, description="geometric altitude, above the ellipsoid")
    on_ground: bool = Field(description="whether the position comes from a surface position report")
    velocity_mps: Annotated[float, _number(0, 1_000, "m/s")] | None = Field(None, description="speed over ground")
    true_track_deg: Annotated[float, _number(0, 360, "°")] | None = Field(
        None, description="direction of movement, clockwise from north"
    )
    vertical_rate_mps: Annotated[float, _number(-170, 170, "m/s")] | None = Field(
        None, description="vertical rate, up is positive"
    )
    squawk: Annotated[str, Field(pattern=rf"^[0-7]{{4}}{END}", max_length=4)] | None = Field(
        None, description="transponder code, four octal digits"
    )
    spi: bool | None = Field(None, description="whether the special purpose indicator is set")
    position_source: PositionSource | None = Field(None, description="how the position was determined")
    category: Category | None = Field(None, description="emitter category, where the source was asked for it")
    sensors: list[int] | None = Field(None, description="ids of the receivers, where the source was asked for own ones")
    answer_time: Moment = Field(description="time that the source states for the answer with this vector")
    quality_flags: list[str] = Field(description="what is odd about the vector; none of it makes it useless")
    source: Annotated[str, Field(pattern=rf"^[a-z][a-z0-9_.-]*{END}", max_length=64)] = Field(
        description="what was polled: opensky, or sample (a replay of recorded trajectories)"
    )
    schema_version: Annotated[int, Field(ge=1, le=9999)] = Field(description="version of this contract")


CONTRACT = Contract(SCHEMA_NAME, SCHEMA_VERSION, StateVector, repairs_values=False)

FIRST_YEAR = 2013
"""the network's first year: no time of a vector is before it"""
FUTURE_TOLERANCE_SECONDS = 60
"""how far a time may be ahead of the clock of whoever received the answer"""
STALE_SECONDS = 15
"""age up to which the network takes a position, or a contact, for current"""
HIGHEST_AIRPORT_M = 4_500.0
HIGHEST_FLIGHT_M = 18_288.0
"""60,000 ft: no airliner and hardly any other aircraft flies higher"""
FASTEST_FLIGHT_MPS = 400.0
"""an airliner at its limit with the strongest jet stream behind it"""
STEEPEST_FLIGHT_MPS = 50.8
"""10,000 ft/min"""
ALTITUDE_DIFFERENCE_M = 1_500.0
"""more than the hottest air and the highest pressure put between geometric and barometric altitude"""

REASONS = {
    "not_a_state": "the row is not an array of 17 or 18 values; such a row has no other reason",
    "missing:<field>": "`icao24`, `time_position`, `last_contact`, `latitude_deg`, `longitude_deg` or `on_ground` has "
    "no value; without `time_position` the network received no position in the last 15 s",
    "wrong_type:<field>": "one of these fields has a value of another type; times are whole seconds",
    "wrong_format:icao24": "the address is not six hexadecimal digits",
    "unassigned_address:icao24": "the address is 000000 or ffffff, which no aircraft has and several send",
    "out_of_range:<field>": f"a position outside of the globe, or a time before {FIRST_YEAR}",
    "in_the_future:<field>": "`time_position` or `last_contact` is later than the arrival of the answer plus "
    f"{FUTURE_TOLERANCE_SECONDS} s",
}
"""why a row is useless, by reason; the field's name after the colon"""

FLAGS = {
    "dropped:<field>": "a value that is not of the field's type, format or range was dropped",
    "callsign_missing": "no callsign",
    "country_missing": "no country has the address: military or anonymous, perhaps used by several aircraft",
    "altitude_missing": "neither altitude is known",
    "speed_missing": "no speed over ground, as often on the ground",
    "position_stale": f"the position is more than {STALE_SECONDS} s older than the last contact",
    "position_after_contact": "the position is newer than the last contact",
    "contact_lost": f"the last contact is more than {STALE_SECONDS} s older than the answer; the network keeps a "
    "vector for 300 s",
    "altitude_negative": "an altitude below zero, which high air pressure explains near the ground",
    "altitude_implausible": f"an altitude above {HIGHEST_FLIGHT_M:,.0f} m (60,000 ft)",
    "altitudes_disagree": f"geometric and barometric altitude are more than {ALTITUDE_DIFFERENCE_M:,.0f} m apart",
    "on_ground_aloft": f"on the ground at an altitude above {HIGHEST_AIRPORT_M:,.0f} m, higher than any airport",
    "speed_implausible": f"a speed over ground above {FASTEST_FLIGHT_MPS:g} m/s",
    "vertical_rate_implausible": f"a vertical rate of more than {STEEPEST_FLIGHT_MPS:g} m/s (10,000 ft/min)",
    "surface_vehicle": "a vehicle on the ground, not an aircraft",
}
"""what is odd about a vector and makes it not useless, by flag"""


def event_id(icao24: str, time_position: int) -> str:
    """The identity of a position; its time in seconds since 1970."""
    return f"{icao24}:{time_position}"
