"""The contract of flight events: one typed definition.

The Spark schema, the JSON schema and the data dictionary are derived from it (``skytier.contract``); nothing else
declares the fields of a flight event. A change of the contract raises ``SCHEMA_VERSION``.

A field's type here is how it is published. What is accepted as well and repaired (codes in lower case, a number as
text, a blank for nothing) is in the JSON schema as further alternatives of the field.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from skytier.contract import Contract
from skytier.number_text import END
from skytier.times import Moment

SCHEMA_NAME = "flight_event"
SCHEMA_VERSION = 2


class EventType(StrEnum):
    """The moments of a flight's life that are published."""

    SCHEDULED = "scheduled"
    DEPARTED = "departed"
    ARRIVED = "arrived"
    CANCELLED = "cancelled"
    DIVERTED = "diverted"


def _unit(name: str) -> dict[str, str]:
    return {"unit": name}


def _repairs(pattern: str) -> dict[str, str]:
    """Texts that are accepted beside the published form: blanks around are removed, letters become capitals."""
    return {"repairs": rf"^ *{pattern} *{END}"}


_FLIGHT_ID = r"[0-9]{4}-[0-9]{2}-[0-9]{2}-[A-Z0-9]{2}-[1-9][0-9]{0,3}-[A-Z]{3}"

AirlineCode = Annotated[
    str, Field(pattern=r"^[A-Z0-9]{2}$", max_length=2, json_schema_extra=_repairs("[A-Za-z0-9]{2}"))
]
AirportCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$", max_length=3, json_schema_extra=_repairs("[A-Za-z]{3}"))]
TailNumber = Annotated[
    str, Field(pattern=rf"^[A-Z0-9-]{{1,10}}{END}", max_length=10, json_schema_extra=_repairs("[A-Za-z0-9-]{1,10}"))
]
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
    """One moment in the life of a flight, an immutable fact that stands alone: it repeats the flight's schedule.

    Times are kept to the millisecond: what is finer is cut off, in every store. Names that are not of the contract are
    ignored; of a name that an object repeats, the last value counts.
    """

    model_config = ConfigDict(extra="ignore", regex_engine="python-re")

    event_id: Annotated[str, Field(pattern=rf"^{_FLIGHT_ID}:(?:{'|'.join(EventType)}){END}", max_length=32)] = Field(
        description="`<flight_id>:<event_type>`, the identity everywhere"
    )
    event_type: EventType = Field(description="the moment of the flight's life")
    flight_id: Annotated[str, Field(pattern=rf"^{_FLIGHT_ID}{END}", max_length=22)] = Field(
        description="`<date>-<airline>-<number>-<origin>`; the date is the scheduled departure's, local at the origin"
    )
    event_time: Moment = Field(
        description="when it happened: scheduled two hours before the scheduled departure, departed and arrived at the "
        "actual times, cancelled at the scheduled departure, diverted at the scheduled arrival"
    )
    airline: AirlineCode = Field(description="IATA code of the airline")
    flight_number: Annotated[int, Field(ge=1, le=9999)] = Field(description="flight number without the airline")
    tail_number: TailNumber | None = Field(None, description="registration of the aircraft")
    origin: AirportCode = Field(description="IATA code of the airport of departure")
    destination: AirportCode = Field(description="IATA code of the planned airport of arrival")
    scheduled_departure: Moment = Field(description="departure by the timetable")
    scheduled_arrival: Moment = Field(description="arrival by the timetable")
    actual_departure: Moment | None = Field(None, description="departure from the gate, once known")
    actual_arrival: Moment | None = Field(None, description="arrival at the gate, once known")
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
    source: Annotated[str, Field(pattern=rf"^[a-z][a-z0-9_.-]*{END}", max_length=64)] = Field(
        description="what published the event: replay, synthetic, ..."
    )
    schema_version: Annotated[int, Field(ge=1, le=9999)] = Field(description="version of this contract")


CONTRACT = Contract(SCHEMA_NAME, SCHEMA_VERSION, FlightEvent)


def event_id(flight_id: str, event_type: EventType) -> str:
    """The identity of an event."""
    return f"{flight_id}:{event_type}"


def flight_id(local_date: str, airline: str, flight_number: int, origin: str) -> str:
    """The identity of a flight; ``local_date`` (YYYY-MM-DD) is the scheduled departure's date at the origin."""
    return f"{local_date}-{airline}-{flight_number}-{origin}"
