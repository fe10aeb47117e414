"""Malformed records: valid events, each broken in one known way that the event contract rejects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

Event = dict[str, Any]

_UNKNOWN_AIRPORT = "ZZZ"
_UNKNOWN_AIRLINE = "ZZ"


def _with(**fields: Any) -> Callable[[Event], bytes]:
    return lambda event: orjson.dumps(event | fields)


def _without(name: str) -> Callable[[Event], bytes]:
    return lambda event: orjson.dumps({key: value for key, value in event.items() if key != name})


def _truncated(event: Event) -> bytes:
    text = orjson.dumps(event)
    return text[: len(text) // 2]


KINDS: dict[str, Callable[[Event], bytes]] = {
    "truncated_json": _truncated,
    "not_json": lambda event: b"\xff\xfe\x00" + event["event_id"].encode()[::-1],
    "empty_object": lambda _event: b"{}",
    "missing_field": _without("scheduled_departure"),
    "wrong_type": _with(distance_miles="far away"),
    "bad_timestamp": _with(event_time="yesterday, about noon"),
    "unknown_airport": _with(destination=_UNKNOWN_AIRPORT),
    "unknown_airline": _with(airline=_UNKNOWN_AIRLINE),
    "arrival_before_departure": lambda event: orjson.dumps(
        event | {"scheduled_arrival": event["scheduled_departure"], "scheduled_departure": event["scheduled_arrival"]}
    ),
    "negative_distance": lambda event: orjson.dumps(event | {"distance_miles": -event["distance_miles"]}),
    "delay_out_of_range": _with(departure_delay_minutes=99_999.0),
    "wrong_event_id": lambda event: orjson.dumps(event | {"event_id": event["flight_id"] + ":boarded"}),
    "future_event": _with(event_time="2999-01-01T00:00:00Z"),
}


def break_record(value: bytes, kind: str) -> bytes:
    """The record of a valid event, broken in the way that ``kind`` names."""
    return KINDS[kind](orjson.loads(value))
