"""What happened: flights counted by their one end event (arrived, cancelled or diverted), in both tiers."""

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
"""In the place of a flight number: all flights of the route"""
WEEK_DAYS = 7
SIDES = ("A", "B")
_OVER = timedelta(hours=36)
"""From the beginning of a day in UTC until its last flights, which leave near midnight local time, have landed"""
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
    """The view over both tiers where the SQL endpoint has it, else the fact table, which holds every event too."""
    # What a batch or an archive changes is not whether there is a view.
    views = sql("SHOW VIEWS IN tiers LIKE 'flight_events'", timeout_seconds=PAGE_SECONDS)
    found = tiers.fetch(replace(views, tags=()))
    return _VIEW if found.table.num_rows else _FACT


def tier() -> Tier:
    """Where the flights are read."""
    try:
        return Tier.BOTH if source() == _VIEW else Tier.COLD
    except SkytierError:
        return Tier.BOTH  # each panel says what is wrong


def last_whole_day() -> date | None:
    """The newest flight date of which no flight is still to end, by the warehouse's clock; none without events.

    The fact table holds every event, and its statistics the newest: this reads no rows.
    """
    clock = tiers.fetch(sql(f"SELECT max(event_time) AS clock FROM {_FACT}")).table["clock"][0].as_py()
    return (clock - _OVER).date() if clock else None


def summary(filters: Filters) -> Query:
    """Flights three times in one scan, told apart by ``part``: by ``day``, by ``hour`` (and weekday), by ``route``.

    ``flight_date`` (of ``day``); ``day_of_week`` (1 = Monday) and ``hour`` of the scheduled departure, local at the
    origin (of ``hour``); ``airline``, ``origin``, ``destination`` (of ``route``). The counts ``flights`` (ended),
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
    """What is below a place of the drill-down: the routes, below a route its numbers, below these the flights."""
    if len(path) < len(STEPS) - 1:
        return summary(filters)
    return _numbers(filters, path) if len(path) < len(STEPS) else _flights(filters, path)


def _on(filters: Filters, path: Sequence[str]) -> str:
    """The filters, and the place of the drill-down."""
    chosen = [f"{name} = {literal(code)}" for name, code in zip(STEPS, path, strict=False) if code != ALL_NUMBERS]
    return filters.where(_ENDED, *chosen)


def _numbers(filters: Filters, path: Sequence[str]) -> Query:
    """Flights of an airline on a route by ``flight_number``, null for all of them; counts and sums as ``summary``."""
    return sql(
        f"""
SELECT flight_number, {_SUMS}
FROM {source()} {_on(filters, path)}
GROUP BY GROUPING SETS ((flight_number), ())
HAVING flights > 0"""
    )


def _flights(filters: Filters, path: Sequence[str]) -> Query:
    """The newest flights below a place, newest first.

    ``flight_date``, ``flight_number``, ``event_type`` (how it ended), ``scheduled_departure``, ``actual_departure``,
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
    """What to compare: on each side what was chosen for it, else the sidebar's filters.

    Where that makes no difference, the newest seven whole days are compared with the seven before.
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
    if first != second or (whole := last_whole_day()) is None:
        return first, second
    last = min(whole, first.last) if first.last else whole
    return _week(first, last), _week(first, last - timedelta(days=WEEK_DAYS))


def _week(filters: Filters, last: date) -> Filters:
    return replace(filters, first=last - timedelta(days=WEEK_DAYS - 1), last=last)


def comparison(filters: Filters, chosen: Sequence[Filters]) -> Query:
    """Flights of two sides in one scan: ``side`` (A or B), ``part`` (day or hour), counts and sums as ``summary``.

    Of a ``day`` the ``flight_date``, of an ``hour`` the ``hour`` of the scheduled departure, local at the origin.
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
