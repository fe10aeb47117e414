"""The event contract: one typed definition of a flight event.

The Spark schema, the JSON schema and the data dictionary are derived from it (``skytier.event_schema``); nothing else
declares the fields of an event. A change of the contract raises ``SCHEMA_VERSION``.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

SCHEMA_NAME = "flight_event"
SCHEMA_VERSION = 1


class EventType(StrEnum):
    """The moments of a flight's life that are published."""

    SCHEDULED = "scheduled"
    DEPARTED = "departed"
    ARRIVED = "arrived"
    CANCELLED = "cancelled"
    DIVERTED = "diverted"


def _unit(name: str) -> dict[str, str]:
    return {"unit": name}


AirlineCode = Annotated[str, Field(pattern=r"^[A-Z0-9]{2}$")]
AirportCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
DelayMinutes = Annotated[float, Field(ge=-240, le=2880, json_schema_extra=_unit("min"))]


class Weather(BaseModel):
    """The last observation at the origin no later than the event."""

    model_config = ConfigDict(extra="ignore")

    temperature_f: Annotated[float, Field(ge=-80, le=140, json_schema_extra=_unit("°F"))] | None = Field(
        None, description="air temperature"
    )
    dew_point_f: Annotated[float, Field(ge=-100, le=110, json_schema_extra=_unit("°F"))] | None = Field(
        None, description="dew point"
    )
    humidity_pct: Annotated[float, Field(ge=0, le=100, json_schema_extra=_unit("%"))] | None = Field(
        None, description="relative humidity"
    )
    wind_direction_deg: Annotated[float, Field(ge=0, le=360, json_schema_extra=_unit("°"))] | None = Field(
        None, description="direction that the wind comes from"
    )
    wind_speed_mph: Annotated[float, Field(ge=0, le=250, json_schema_extra=_unit("mph"))] | None = Field(
        None, description="wind speed"
    )
    wind_gust_mph: Annotated[float, Field(ge=0, le=300, json_schema_extra=_unit("mph"))] | None = Field(
        None, description="speed of gusts, where there were any"
    )
    precipitation_in: Annotated[float, Field(ge=0, le=15, json_schema_extra=_unit("in"))] | None = Field(
        None, description="precipitation in the hour"
    )
    pressure_hpa: Annotated[float, Field(ge=850, le=1100, json_schema_extra=_unit("hPa"))] | None = Field(
        None, description="pressure at sea level"
    )
    visibility_miles: Annotated[float, Field(ge=0, le=100, json_schema_extra=_unit("mi"))] | None = Field(
        None, description="visibility"
    )


class FlightEvent(BaseModel):
    """One moment in the life of a flight, an immutable fact that stands alone: it repeats the flight's schedule."""

    model_config = ConfigDict(extra="ignore")

    event_id: str = Field(description="`<flight_id>:<event_type>`, the identity everywhere")
    event_type: EventType = Field(description="the moment of the flight's life")
    flight_id: str = Field(
        description="`<date>-<airline>-<number>-<origin>`; the date is the scheduled departure's, local at the origin"
    )
    event_time: AwareDatetime = Field(
        description="when it happened: scheduled two hours before the scheduled departure, departed and arrived at the "
        "actual times, cancelled at the scheduled departure, diverted at the scheduled arrival"
    )
    airline: AirlineCode = Field(description="IATA code of the airline")
    flight_number: Annotated[int, Field(ge=1, le=9999)] = Field(description="flight number without the airline")
    tail_number: str | None = Field(None, description="registration of the aircraft")
    origin: AirportCode = Field(description="IATA code of the airport of departure")
    destination: AirportCode = Field(description="IATA code of the planned airport of arrival")
    scheduled_departure: AwareDatetime = Field(description="departure by the timetable")
    scheduled_arrival: AwareDatetime = Field(description="arrival by the timetable")
    actual_departure: AwareDatetime | None = Field(None, description="departure from the gate, once known")
    actual_arrival: AwareDatetime | None = Field(None, description="arrival at the gate, once known")
    departure_delay_minutes: DelayMinutes | None = Field(None, description="departure delay, negative = early")
    arrival_delay_minutes: DelayMinutes | None = Field(None, description="arrival delay, negative = early")
    distance_miles: Annotated[float, Field(gt=0, le=12500, json_schema_extra=_unit("mi"))] = Field(
        description="distance between the two airports"
    )
    weather: Weather | None = Field(None, description="last observation at the origin no later than event_time")
    passengers: Annotated[int, Field(ge=0, le=900)] | None = Field(None, description="passengers (synthetic source)")
    ticket_price_usd: Annotated[float, Field(ge=0, le=50_000, json_schema_extra=_unit("USD"))] | None = Field(
        None, description="mean ticket price (synthetic source)"
    )
    source: str = Field(description="what published the event: replay, synthetic, ...")
    schema_version: Annotated[int, Field(ge=1)] = Field(description="version of this contract")


def event_id(flight_id: str, event_type: EventType) -> str:
    """The identity of an event."""
    return f"{flight_id}:{event_type}"


def flight_id(local_date: str, airline: str, flight_number: int, origin: str) -> str:
    """The identity of a flight; ``local_date`` (YYYY-MM-DD) is the scheduled departure's date at the origin."""
    return f"{local_date}-{airline}-{flight_number}-{origin}"


def timestamp_text(moment: datetime) -> str:
    """A moment as events carry it: UTC, ISO 8601, to the second, with Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
