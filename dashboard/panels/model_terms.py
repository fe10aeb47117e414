"""The terms of the delay model: its stages and features."""

from __future__ import annotations

import re

STAGE_NAMES = {"after_departure": "at departure", "before_departure": "2 hours before departure"}
ERROR_DISTRIBUTION = "Prediction errors"
_FEATURES = {
    "airline": "Airline",
    "origin": "Origin",
    "destination": "Destination",
    "month": "Month",
    "day_of_week": "Day of the week",
    "scheduled_departure_minute": "Scheduled departure, time of day",
    "scheduled_arrival_minute": "Scheduled arrival, time of day",
    "distance_miles": "Distance",
    "scheduled_block_minutes": "Scheduled time gate to gate",
    "aircraft_year": "Aircraft: year built",
    "aircraft_seats": "Aircraft: seats",
    "aircraft_engines": "Aircraft: engines",
    "weather_temperature_f": "Weather: temperature",
    "weather_dew_point_f": "Weather: dew point",
    "weather_humidity_pct": "Weather: humidity",
    "weather_wind_direction_deg": "Weather: wind direction",
    "weather_wind_speed_mph": "Weather: wind speed",
    "weather_wind_gust_mph": "Weather: gusts",
    "weather_precipitation_in": "Weather: precipitation",
    "weather_pressure_hpa": "Weather: pressure",
    "weather_visibility_miles": "Weather: visibility",
    "origin_queue": "Scheduled departures at the origin, 1 h",
    "aircraft_last_delay": "Aircraft: last delay",
    "aircraft_last_age_minutes": "Aircraft: time since last event",
    "aircraft_slack_minutes": "Aircraft: time left to departure",
    "departure_delay_minutes": "Own departure delay",
    "error_distribution": ERROR_DISTRIBUTION,
}
_WINDOW = re.compile(r"(departure_delay|departures|arrival_delay|cancellations)_(.+)_(\d+)(h|min)")
_COUNTED = {
    "departure_delay": "Departure delays",
    "departures": "Departures",
    "arrival_delay": "Arrival delays",
    "cancellations": "Cancellations",
}
_WHERE = {
    "origin": "from the origin",
    "airline": "of the airline",
    "origin_airline": "of airline and origin",
    "destination": "to the destination",
    "route_airline": "of airline and route",
    "all": "everywhere",
}


def feature_name(name: str) -> str:
    """The name of a feature of the delay model. Features of recent hours are named by what, where and how far back."""
    if (window := _WINDOW.fullmatch(name)) and window[2] in _WHERE:
        return f"{_COUNTED[window[1]]} {_WHERE[window[2]]}, {window[3]} {window[4]}"
    return _FEATURES.get(name, name.replace("_", " ").capitalize())
