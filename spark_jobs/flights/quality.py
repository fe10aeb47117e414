"""How far an event can be trusted: flags for what is missing or odd, and one score made of them.

``quality_score = max(0, 1 - sum of the weights of the flags raised)``; 1 means nothing to object to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

from events.flight import CONTRACT
from spark_jobs.flights.names import as_array, joined

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

# Faster than any airliner, or slower than a car: the times or the distance are wrong.
_PLAUSIBLE_SPEED_MPH = (40.0, 700.0)
_EXTREME_DELAY_MINUTES = 720.0
_DELAY_TOLERANCE_MINUTES = 1.0


class Flag(NamedTuple):
    """A doubt about an event: what it is called, what it costs, in words, and when it is raised.

    The condition is over the columns of enriched events. It is made when it is called, for only then must Spark run.
    """

    name: str
    weight: float
    meaning: str
    condition: Callable[[], Column]


def _weather_is_incomplete() -> Column:
    # Gusts are reported only when there are any, so their absence says nothing.
    absent = [F.col(f.name).isNull() for f in CONTRACT.nested_fields("weather") if f.name != "weather.wind_gust_mph"]
    return F.col("weather").isNotNull() & F.greatest(*absent)


def _speed_is_implausible() -> Column:
    block_hours = F.coalesce("actual_block_minutes", "scheduled_block_minutes") / 60.0
    return ~(F.col("distance_miles") / block_hours).between(*_PLAUSIBLE_SPEED_MPH)


def _delay_disagrees(actual: str, scheduled: str, stated: str) -> Column:
    derived = (F.unix_micros(actual) - F.unix_micros(scheduled)) / F.lit(60_000_000.0)
    return F.abs(derived - F.col(stated)) > _DELAY_TOLERANCE_MINUTES


def _delay_is_extreme() -> Column:
    return F.coalesce("arrival_delay_minutes", "departure_delay_minutes") > _EXTREME_DELAY_MINUTES


FLAGS: tuple[Flag, ...] = (
    Flag(
        "tail_number_missing",
        0.10,
        "no registration of the aircraft",
        lambda: F.col("tail_number").isNull(),
    ),
    Flag(
        "aircraft_unknown",
        0.05,
        "registration not in dim_aircraft",
        lambda: F.col("tail_number").isNotNull() & ~F.col("is_known_aircraft"),
    ),
    Flag(
        "weather_missing",
        0.20,
        "no weather at all",
        lambda: F.col("weather").isNull(),
    ),
    Flag(
        "weather_incomplete",
        0.05,
        "a weather value other than gusts is absent",
        _weather_is_incomplete,
    ),
    Flag(
        "weather_implausible",
        0.10,
        "an impossible weather value was dropped",
        lambda: F.col("weather_values_dropped") > 0,
    ),
    Flag(
        "speed_implausible",
        0.30,
        "distance over block time is slower than {:g} or faster than {:g} mph".format(*_PLAUSIBLE_SPEED_MPH),
        _speed_is_implausible,
    ),
    Flag(
        "departure_delay_disagrees",
        0.20,
        "stated departure delay is not actual minus scheduled, to the minute",
        lambda: _delay_disagrees("actual_departure", "scheduled_departure", "departure_delay_minutes"),
    ),
    Flag(
        "arrival_delay_disagrees",
        0.20,
        "stated arrival delay is not actual minus scheduled, to the minute",
        lambda: _delay_disagrees("actual_arrival", "scheduled_arrival", "arrival_delay_minutes"),
    ),
    Flag(
        "delay_extreme",
        0.10,
        "delayed by more than twelve hours",
        _delay_is_extreme,
    ),
)


def score_quality(events: DataFrame) -> DataFrame:
    """Add ``quality_flags`` (names) and ``quality_score`` (0..1)."""
    raised = [(flag, F.coalesce(flag.condition(), F.lit(False))) for flag in FLAGS]
    cost = F.lit(0.0)
    for flag, is_raised in raised:
        cost = cost + F.when(is_raised, F.lit(flag.weight)).otherwise(0.0)
    names = joined([F.when(is_raised, F.lit(flag.name)) for flag, is_raised in raised])
    score = F.round(F.greatest(F.lit(0.0), F.lit(1.0) - cost), 4)
    scored = events.select("*", names.alias("_flags"), score.alias("quality_score"))
    return scored.select("*", as_array(F.col("_flags")).alias("quality_flags")).drop("_flags")
