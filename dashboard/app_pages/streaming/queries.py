"""The queries of Streaming Analytics: the newest hours and days of the hot tier, by interval and by flight."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple

import pyarrow as pa
from pymongo import ASCENDING, DESCENDING, MongoClient

from dashboard.panels.filters import Filters
from dashboard.panels.tiers import hot_query
from skytier import hot_tier
from skytier.hot_tier import Document

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BEFORE, _AFTER = timedelta(days=2), timedelta(days=5)
"""From the start of a flight date, in UTC, to its first and to its last event (delays are at most two days)"""
_UTC = pa.timestamp("us", "UTC")


class Range(NamedTuple):
    """A time range, its interval, and the window lengths that are offered for it."""

    hours: int
    step_minutes: int
    windows_minutes: tuple[int, ...]
    """multiples of the interval; each fits several times"""


RANGES = {
    "6h": Range(6, 10, (30, 60, 120)),
    "24h": Range(24, 30, (60, 180, 360)),
    "3d": Range(72, 60, (180, 360, 720)),
    "7d": Range(168, 60, (360, 720, 1440)),
    "28d": Range(672, 180, (720, 1440, 4320)),
}

_INTERVALS = pa.schema(
    [
        ("interval_start", _UTC),
        ("interval_end", _UTC),
        ("is_complete", pa.bool_()),
        ("events", pa.int64()),
        ("departures", pa.int64()),
        ("arrivals", pa.int64()),
        ("cancellations", pa.int64()),
        ("diversions", pa.int64()),
        ("departure_delay_sum_minutes", pa.float64()),
        ("departures_with_delay", pa.int64()),
        ("arrival_delay_sum_minutes", pa.float64()),
        ("arrivals_with_delay", pa.int64()),
        ("delayed_arrivals", pa.int64()),
        ("arrivals_with_status", pa.int64()),
        ("quality_sum", pa.float64()),
        ("events_with_quality", pa.int64()),
    ]
)
_FLIGHTS = pa.schema(
    [
        ("grouped_by", pa.string()),
        ("name", pa.string()),
        ("delay_from_minutes", pa.float64()),
        ("flights", pa.int64()),
        ("cancelled", pa.int64()),
        ("arrivals_with_delay", pa.int64()),
        ("arrival_delay_sum_minutes", pa.float64()),
        ("delayed_arrivals", pa.int64()),
        ("arrivals_with_status", pa.int64()),
    ]
)
ON_THE_WAY = "on_the_way"
BIN_MINUTES = 5


@hot_query
def intervals(connection: MongoClient[Document], filters: Filters, span: str) -> pa.Table:
    """A row for each interval of a range of ``RANGES``, oldest first; intervals without events have zeros.

    ``interval_start`` (inclusive) and ``interval_end`` (exclusive), at round times in UTC; ``is_complete``: false for
    the newest, which contains the warehouse clock. Counts: ``events``, ``departures``, ``arrivals``, ``cancellations``,
    ``diversions`` (by event_time). Sums and counts of means, which can be added over intervals:
    ``departure_delay_sum_minutes`` over ``departures_with_delay``, ``arrival_delay_sum_minutes`` over
    ``arrivals_with_delay``, ``delayed_arrivals`` (15 minutes or more) over ``arrivals_with_status``,
    ``quality_sum`` (each 0 to 1) over ``events_with_quality``.
    """
    bounds = _bounds(connection, filters, span)
    if bounds is None:
        return _INTERVALS.empty_table()
    step = timedelta(minutes=RANGES[span].step_minutes)
    start = {"$dateTrunc": {"date": "$event_time", "unit": "minute", "binSize": RANGES[span].step_minutes}}
    pipeline: list[Document] = [_within(filters, *bounds), {"$group": {"_id": start, **_sums()}}]
    found = {row["_id"]: row for row in hot_tier.events(connection).aggregate(pipeline)}
    if not found:
        return _INTERVALS.empty_table()
    rows = [
        dict.fromkeys(_INTERVALS.names[3:], 0)
        | found.get(moment, {})
        | {"interval_start": moment, "interval_end": moment + step, "is_complete": moment + step <= bounds[1]}
        for moment in _steps(*bounds, step)
    ]
    return pa.Table.from_pylist(rows, _INTERVALS)


@hot_query
def flights(connection: MongoClient[Document], filters: Filters, span: str) -> pa.Table:
    """The flights that departed or were cancelled in a range, in several groupings: a row for each group.

    ``grouped_by``: ``status`` (``name``: arrived, cancelled, diverted or on_the_way), ``airline``, ``origin``,
    ``destination`` (``name``: the code), ``departure_delay``, ``arrival_delay`` (``delay_from_minutes``: the lower
    bound of a bin of ``BIN_MINUTES``, inclusive). ``flights``, of which ``cancelled``;
    ``arrival_delay_sum_minutes`` over ``arrivals_with_delay``; ``delayed_arrivals`` (15 minutes or more) over
    ``arrivals_with_status``.
    """
    bounds = _bounds(connection, filters, span)
    if bounds is None:
        return _FLIGHTS.empty_table()
    named: Document = {"airline": "$airline", "origin": "$origin", "destination": "$destination"}
    named["status"] = {"$ifNull": ["$ended", ON_THE_WAY]}
    facets = {name: [{"$group": {"_id": by, **_outcomes()}}] for name, by in named.items()}
    for name in ("departure_delay", "arrival_delay"):
        facets[name] = _bins(f"${name}_minutes")
    pipeline = [_within(filters, *bounds, {"$ne": "scheduled"}), *_by_flight(), {"$facet": facets}]
    (found,) = hot_tier.events(connection).aggregate(pipeline)
    rows = [
        row | {"grouped_by": name, "name" if name in named else "delay_from_minutes": row["_id"]}
        for name, groups in found.items()
        for row in groups
    ]
    return pa.Table.from_pylist(rows, _FLIGHTS)


def _bounds(connection: MongoClient[Document], filters: Filters, span: str) -> tuple[datetime, datetime] | None:
    """The start of the range, at a round time, and its end, the warehouse clock; None without events.

    The range starts no earlier than the hot tier. With a filter by flight date it ends at the newest event of these
    dates, and starts no earlier than their first.
    """
    events, wanted = hot_tier.events(connection), Filters(first=filters.first, last=filters.last).match()
    if days := _days(filters):
        wanted["event_time"] = days
    newest = events.find_one(wanted, {"event_time": 1}, sort=[("event_time", DESCENDING)])
    oldest = events.find_one(wanted, {"event_time": 1}, sort=[("event_time", ASCENDING)])
    if newest is None or oldest is None:
        return None
    step = timedelta(minutes=RANGES[span].step_minutes)
    since = max(newest["event_time"] - timedelta(hours=RANGES[span].hours), oldest["event_time"])
    return since - (since - _EPOCH) % step, newest["event_time"]


def _days(filters: Filters) -> Document:
    """A wide range of event times of these flight dates, so that the index on event_time is used."""
    days = {}
    if filters.first:
        days["$gte"] = datetime.combine(filters.first, time(), UTC) - _BEFORE
    if filters.last:
        days["$lt"] = datetime.combine(filters.last, time(), UTC) + _AFTER
    return days


def _steps(since: datetime, until: datetime, step: timedelta) -> Iterator[datetime]:
    while since <= until:
        yield since
        since += step


def _within(filters: Filters, since: datetime, until: datetime, event_type: Document | None = None) -> Document:
    types = {"event_type": event_type} if event_type else {}
    return {"$match": filters.match(event_time={"$gte": since, "$lte": until}, **types)}


def _if(condition: Document, then: object, otherwise: object = 0) -> Document:
    return {"$cond": [condition, then, otherwise]}


def _is(event_type: str) -> Document:
    return {"$eq": ["$event_type", event_type]}


def _number(field: str) -> Document:
    return _if({"$isNumber": field}, 1)


def _sums() -> Document:
    departed, arrived = _is("departed"), _is("arrived")
    counted = {
        "events": 1,
        "departures": _if(departed, 1),
        "arrivals": _if(arrived, 1),
        "cancellations": _if(_is("cancelled"), 1),
        "diversions": _if(_is("diverted"), 1),
        "departure_delay_sum_minutes": _if(departed, "$departure_delay_minutes"),
        "departures_with_delay": _if(departed, _number("$departure_delay_minutes")),
        "arrival_delay_sum_minutes": _if(arrived, "$arrival_delay_minutes"),
        "arrivals_with_delay": _if(arrived, _number("$arrival_delay_minutes")),
        "delayed_arrivals": _if(arrived, _if({"$eq": ["$is_delayed", True]}, 1)),
        "arrivals_with_status": _if(arrived, _if({"$in": ["$is_delayed", [True, False]]}, 1)),
        "quality_sum": "$quality_score",
        "events_with_quality": _number("$quality_score"),
    }
    return {name: {"$sum": what} for name, what in counted.items()}


def _by_flight() -> list[Document]:
    """Group events to flights that departed or were cancelled, with their final event and delays (null: unknown)."""
    ends = {"$in": ["$event_type", ["arrived", "cancelled", "diverted"]]}
    first = {name: {"$first": f"${name}"} for name in ("airline", "origin", "destination")}
    most = {
        "departed": _is("departed"),
        "ended": _if(ends, "$event_type", None),
        "departure_delay_minutes": _if(_is("departed"), "$departure_delay_minutes", None),
        "arrival_delay_minutes": _if(_is("arrived"), "$arrival_delay_minutes", None),
        "is_delayed": _if(_is("arrived"), "$is_delayed", None),
    }
    return [
        {"$group": {"_id": "$flight_id", **first, **{name: {"$max": what} for name, what in most.items()}}},
        {"$match": {"$or": [{"departed": True}, {"ended": "cancelled"}]}},
    ]


def _outcomes() -> Document:
    counted = {
        "flights": 1,
        "cancelled": _if({"$eq": ["$ended", "cancelled"]}, 1),
        "arrivals_with_delay": _number("$arrival_delay_minutes"),
        "arrival_delay_sum_minutes": "$arrival_delay_minutes",
        "delayed_arrivals": _if({"$eq": ["$is_delayed", True]}, 1),
        "arrivals_with_status": _if({"$in": ["$is_delayed", [True, False]]}, 1),
    }
    return {name: {"$sum": what} for name, what in counted.items()}


def _bins(delay: str) -> list[Document]:
    lower = {"$multiply": [{"$floor": {"$divide": [delay, BIN_MINUTES]}}, BIN_MINUTES]}
    return [
        {"$match": {delay.removeprefix("$"): {"$ne": None}}},
        {"$group": {"_id": lower, **_outcomes()}},
        {"$sort": {"_id": ASCENDING}},
    ]
