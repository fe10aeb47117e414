"""What is derived from an event alone: local calendar, route, block times, speed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

DELAYED_FROM_MINUTES = 15.0  # the usual definition of a delayed flight (US Bureau of Transportation Statistics)


def _minutes_between(start: str, end: str) -> Column:
    return (F.unix_micros(end) - F.unix_micros(start)) / F.lit(60_000_000.0)


def enrich(events: DataFrame) -> DataFrame:
    """Add the derived columns of the fact table (``hive/migrations``); times in minutes, speed in miles an hour.

    ``hour``, ``day_of_week`` (1 = Monday) and ``month`` are those of the scheduled departure, local at the origin.
    """
    local = F.col("local_departure")
    delay = F.coalesce("arrival_delay_minutes", "departure_delay_minutes")
    actual_block = _minutes_between("actual_departure", "actual_arrival")
    return events.select(
        "*",
        F.to_date(local).alias("flight_date"),
        F.concat_ws("-", "origin", "destination").alias("route"),
        F.hour(local).alias("hour"),
        (F.weekday(local) + F.lit(1)).alias("day_of_week"),
        F.month(local).alias("month"),
        _minutes_between("scheduled_departure", "scheduled_arrival").alias("scheduled_block_minutes"),
        actual_block.alias("actual_block_minutes"),
        (F.col("departure_delay_minutes") - F.col("arrival_delay_minutes")).alias("delay_recovered_minutes"),
        F.when(actual_block > 0, F.col("distance_miles") / (actual_block / 60.0)).alias("average_speed_mph"),
        (delay >= DELAYED_FROM_MINUTES).alias("is_delayed"),
    )
