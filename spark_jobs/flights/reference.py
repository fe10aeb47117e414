"""Joins with the reference dimensions: what is known of the airline, the airports and the aircraft."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def join_reference(events: DataFrame, airlines: DataFrame, airports: DataFrame, aircraft: DataFrame) -> DataFrame:
    """Add ``is_known_airline``, ``origin_timezone``, ``destination_timezone`` and ``is_known_aircraft``.

    ``local_departure`` is the scheduled departure by the clocks of the origin.

    A time zone is null where the airport is not in the reference. The dimensions are small and unique by code, so the
    joins are broadcast and neither drop nor repeat an event.
    """
    known_airlines = airlines.select(F.col("iata").alias("airline"), F.lit(True).alias("_airline_found"))
    origins = airports.select(F.col("iata").alias("origin"), F.col("timezone").alias("origin_timezone"))
    destinations = airports.select(F.col("iata").alias("destination"), F.col("timezone").alias("destination_timezone"))
    tails = aircraft.select("tail_number", F.lit(True).alias("_aircraft_found"))
    joined = (
        events.join(F.broadcast(known_airlines), "airline", how="left")
        .join(F.broadcast(origins), "origin", how="left")
        .join(F.broadcast(destinations), "destination", how="left")
        .join(F.broadcast(tails), "tail_number", how="left")
    )
    return joined.select(
        *events.columns,
        F.col("_airline_found").isNotNull().alias("is_known_airline"),
        "origin_timezone",
        F.from_utc_timestamp("scheduled_departure", F.col("origin_timezone")).alias("local_departure"),
        "destination_timezone",
        F.col("_aircraft_found").isNotNull().alias("is_known_aircraft"),
    )
