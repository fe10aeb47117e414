"""The columns of each store of flights: what leaves the pipeline, and under which names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from events.flight import CONTRACT, EventType
from skytier.pipeline.record_outputs import PROCESSING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

QUALITY = ("quality_score", "quality_flags")
DERIVED = (
    "flight_date",
    "route",
    "hour",
    "day_of_week",
    "month",
    "scheduled_block_minutes",
    "actual_block_minutes",
    "delay_recovered_minutes",
    "average_speed_mph",
    "is_delayed",
)
SCORES = {
    "predicted_delay_minutes": "double",
    "predicted_delay_lower_minutes": "double",
    "predicted_delay_upper_minutes": "double",
    "prediction_confidence": "double",
    "prediction_stage": "string",
    "model_version": "string",
    "prediction_error_minutes": "double",
    "predicted_before_departure_minutes": "double",
    "error_before_departure_minutes": "double",
    "lower_before_departure_minutes": "double",
    "upper_before_departure_minutes": "double",
    "confidence_before_departure": "double",
    "model_version_before_departure": "string",
    "predicted_after_departure_minutes": "double",
    "error_after_departure_minutes": "double",
}
"""What the delay model says of an event, null where it says nothing; errors are of arrived events only."""


def _contract() -> list[str]:
    return [field.name for field in CONTRACT.spark_schema()]


def staging(stored: DataFrame) -> DataFrame:
    """``staging_flight_events``: the cleaned event as the contract has it."""
    return stored.select(*_contract(), *QUALITY, *PROCESSING)


def unscored(stored: DataFrame) -> DataFrame:
    """The events with no word of a model."""
    return stored.withColumns({name: F.lit(None).cast(kind) for name, kind in SCORES.items()})


def fact(scored: DataFrame) -> DataFrame:
    """``fact_flight_events``: the enriched event, weather as plain columns, and its prediction."""
    plain = [name for name in _contract() if name != "weather"]
    weather = [F.col(f.name).alias(f.name.replace(".", "_", 1)) for f in CONTRACT.nested_fields("weather")]
    return scored.select(*plain, *DERIVED, *weather, *QUALITY, *PROCESSING, *SCORES)


def predictions(scored: DataFrame) -> DataFrame:
    """``predictions``: one row an event that was predicted on."""
    was_predicted_on = (F.col("event_type") != str(EventType.ARRIVED)) & F.col("predicted_delay_minutes").isNotNull()
    return scored.where(was_predicted_on).select(
        "event_id",
        "flight_id",
        F.col("prediction_stage").alias("stage"),
        F.col("processing_timestamp").alias("predicted_at"),
        "predicted_delay_minutes",
        "predicted_delay_lower_minutes",
        "predicted_delay_upper_minutes",
        F.col("prediction_confidence").alias("confidence"),
        "model_version",
        "batch_id",
        F.col("processing_date").alias("prediction_date"),
    )


def hot(scored: DataFrame) -> DataFrame:
    """``flight_tracking.flight_events``: the enriched event as one document, its ``_id`` the event_id."""
    derived = [name for name in DERIVED if name != "flight_date"]
    return scored.select(
        F.col("event_id").alias("_id"),
        *_contract(),
        *derived,
        F.date_format("flight_date", "yyyy-MM-dd").alias("flight_date"),
        *QUALITY,
        "ingestion_timestamp",
        "processing_timestamp",
        "batch_id",
        F.date_format("processing_date", "yyyy-MM-dd").alias("processing_date"),
        *SCORES,
    )
