"""The time windows of features, stated independently for tests: kind of event, shared columns, minutes."""

from __future__ import annotations

from models.delay import features

DEPARTURE_WINDOWS = {
    "origin_30min": ("departed", ("origin",), 30),
    "origin_2h": ("departed", ("origin",), 120),
    "origin_6h": ("departed", ("origin",), 360),
    "origin_airline_3h": ("departed", ("origin", "airline"), 180),
    "airline_3h": ("departed", ("airline",), 180),
    "destination_6h": ("departed", ("destination",), 360),
    "route_airline_24h": ("departed", ("origin", "airline", "destination"), 1440),
    "all_1h": ("departed", (), 60),
    "all_4h": ("departed", (), 240),
    "all_12h": ("departed", (), 720),
}
ARRIVAL_WINDOWS = {
    "airline_3h": ("arrived", ("airline",), 180),
    "destination_4h": ("arrived", ("destination",), 240),
    "origin_3h": ("arrived", ("origin",), 180),
    "all_3h": ("arrived", (), 180),
}
CANCELLATION_WINDOWS = {
    "origin_4h": ("cancelled", ("origin",), 240),
    "airline_6h": ("cancelled", ("airline",), 360),
    "all_12h": ("cancelled", (), 720),
}
COUNTS = [name for name in features.FEATURES if name.startswith(("departures_", "cancellations_"))]
MEANS = [name for name in features.FEATURES if name.startswith(("departure_delay_", "arrival_delay_"))]
MEANS.remove("departure_delay_minutes")
AIRCRAFT = ["aircraft_last_delay", "aircraft_last_age_minutes", "aircraft_slack_minutes"]
