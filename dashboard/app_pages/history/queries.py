"""The queries of Historical Analytics: flights, by their final event (arrived, cancelled or diverted)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from dashboard.panels import tiers
from dashboard.panels.filters import Filters
from dashboard.panels.tiers import PAGE_SECONDS, Tier, sql
from skytier.cache import Query
from skytier.errors import SkytierError
from skytier.warehouse import literal

LATEST_FLIGHTS = 1_000
ALL_NUMBERS = "all"
"""In place of a flight number: all flights of the route"""
WEEK_DAYS = 7
SIDES = ("A", "B")
_COMPLETE_AFTER = timedelta(hours=36)
"""From the start of a day in UTC until its last flights, which depart near midnight local time, have landed"""
_VIEW, _FACT = "tiers.flight_events", "flight_dw.fact_flight_events"
_ENDED = "event_type IN ('arrived', 'cancelled', 'diverted')"
STEPS = ("airline", "origin", "destination", "flight_number")
# Delayed means late at arrival: a diverted flight never arrived, whatever is_delayed says of its departure.
_SUMS = """count(*) AS flights,
  count_if(event_type = 'arrived') AS arrived,
  count_if(event_type = 'cancelled') AS cancelled,
  count_if(event_type = 'diverted') AS diverted,
  count_if(event_type = 'arrived' AND is_delayed) AS delayed_arrivals,
  count(departure_delay_minutes) AS departures_with_delay,
  sum(departure_delay_minutes) AS departure_delay_sum_minutes,
  count(arrival_delay_minutes) AS arrivals_with_delay,
  sum(arrival_delay_minutes) AS arrival_delay_sum_minutes"""


def source() -> str:
    """The view over hot tier and archive, if the SQL endpoint has it, else the fact table: it has every event too."""
    # Batches and archives do not change whether the view exists.
    views = sql("SHOW VIEWS IN tiers LIKE 'flight_events'", timeout_seconds=PAGE_SECONDS)
    found = tiers.fetch(replace(views, tags=()))
    return _VIEW if found.table.num_rows else _FACT


def tier() -> Tier:
    """The tier that the flights are read from."""
    try:
        return Tier.ALL_EVENTS if source() == _VIEW else Tier.COLD
    except SkytierError:
        return Tier.ALL_EVENTS  # each panel shows the error


def last_complete_day() -> date | None:
    """The newest flight date whose flights are all completed, by the warehouse clock; None without events.

    It is read from the statistics of the fact table without reading rows.
    """
    clock = tiers.fetch(sql(f"SELECT max(event_time) AS clock FROM {_FACT}")).table["clock"][0].as_py()
    return (clock - _COMPLETE_AFTER).date() if clock else None


def summary(filters: Filters) -> Query:
    """Flights in three groupings of one scan, by ``part``: ``day``, ``hour`` (and weekday), ``route``.

    ``flight_date`` (of ``day``); ``day_of_week`` (1 = Monday) and ``hour`` of the scheduled departure, local at the
    origin (of ``hour``); ``airline``, ``origin``, ``destination`` (of ``route``). The counts ``flights`` (completed),
    ``arrived``, ``cancelled``, ``diverted``, ``delayed_arrivals`` (15 minutes late or more); sums of delays in minutes
    ``departure_delay_sum_minutes`` over ``departures_with_delay``, ``arrival_delay_sum_minutes`` over
    ``arrivals_with_delay``.
    """
    return sql(
        f"""
SELECT CASE WHEN grouping(flight_date) = 0 THEN 'day' WHEN grouping(hour) = 0 THEN 'hour' ELSE 'route' END AS part,
  CAST(flight_date AS date) AS flight_date, day_of_week, hour, airline, origin, destination, {_SUMS}
FROM {source()} {filters.where(_ENDED)}
GROUP BY GROUPING SETS ((flight_date), (day_of_week, hour), (airline, origin, destination))"""
    )


def below(filters: Filters, path: Sequence[str]) -> Query:
    """The level below a path of the drill-down: routes, then the flight numbers of a route, then the flights."""
    if len(path) < len(STEPS) - 1:
        return summary(filters)
    return _numbers(filters, path) if len(path) < len(STEPS) else _flights(filters, path)


def _on(filters: Filters, path: Sequence[str]) -> str:
    """The filters and the path of the drill-down."""
    chosen = [f"{name} = {literal(code)}" for name, code in zip(STEPS, path, strict=False) if code != ALL_NUMBERS]
    return filters.where(_ENDED, *chosen)


def _numbers(filters: Filters, path: Sequence[str]) -> Query:
    """Flights of an airline on a route by ``flight_number`` (null: all of them); counts and sums as in ``summary``."""
    return sql(
        f"""
SELECT flight_number, {_SUMS}
FROM {source()} {_on(filters, path)}
GROUP BY GROUPING SETS ((flight_number), ())
HAVING flights > 0"""
    )


def _flights(filters: Filters, path: Sequence[str]) -> Query:
    """The newest flights of a path, newest first.

    ``flight_date``, ``flight_number``, ``event_type`` (final event), ``scheduled_departure``, ``actual_departure``,
    ``actual_arrival`` (UTC), ``departure_delay_minutes``, ``arrival_delay_minutes``, ``tail_number``.
    """
    return sql(
        f"""
SELECT CAST(flight_date AS date) AS flight_date, flight_number, event_type, scheduled_departure, actual_departure,
  actual_arrival, departure_delay_minutes, arrival_delay_minutes, tail_number
FROM {source()} {_on(filters, path)}
ORDER BY scheduled_departure DESC, flight_number
LIMIT {LATEST_FLIGHTS}"""
    )


def sides(filters: Filters, chosen: Sequence[Filters]) -> tuple[Filters, Filters]:
    """The filters of both sides: those of the side, else those of the sidebar.

    Where both sides are the same, the newest seven complete days are compared with the seven days before.
    """
    first, second = (
        Filters(
            side.airlines or filters.airlines,
            side.origins or filters.origins,
            side.first or filters.first,
            side.last or filters.last,
        )
        for side in chosen
    )
    if first != second or (complete := last_complete_day()) is None:
        return first, second
    last = min(complete, first.last) if first.last else complete
    return _week(first, last), _week(first, last - timedelta(days=WEEK_DAYS))


def _week(filters: Filters, last: date) -> Filters:
    return replace(filters, first=last - timedelta(days=WEEK_DAYS - 1), last=last)


def comparison(filters: Filters, chosen: Sequence[Filters]) -> Query:
    """Flights of two sides in one scan: ``side`` (A or B), ``part`` (day or hour), counts and sums as in ``summary``.

    For a ``day`` the ``flight_date``, for an ``hour`` the ``hour`` of the scheduled departure, local at the origin.
    """
    conditions = [side.where().removeprefix("WHERE ") or "true" for side in sides(filters, chosen)]
    marks = ", ".join(f"IF({condition}, '{name}', NULL)" for name, condition in zip(SIDES, conditions, strict=True))
    either = " OR ".join(f"({condition})" for condition in conditions)
    return sql(
        f"""
SELECT side, CASE WHEN grouping(hour) = 0 THEN 'hour' ELSE 'day' END AS part,
  CAST(flight_date AS date) AS flight_date, hour, {_SUMS}
FROM (
  SELECT explode(array_compact(array({marks}))) AS side, flight_date, hour, event_type, is_delayed,
    departure_delay_minutes, arrival_delay_minutes
  FROM {source()}
  WHERE {_ENDED} AND ({either})
)
GROUP BY GROUPING SETS ((side, flight_date), (side, hour))"""
    )
