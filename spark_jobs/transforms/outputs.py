"""The columns of each store: what leaves the minute job, and under which names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from skytier import event_schema
from skytier.event import EventType

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

PROCESSING = ("ingestion_timestamp", "processing_timestamp", "batch_id", "processing_date")
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
    return [field.name for field in event_schema.spark_schema()]


def staging(stored: DataFrame) -> DataFrame:
    """``staging_flight_events``: the cleaned event as the contract has it."""
    return stored.select(*_contract(), *QUALITY, *PROCESSING)


def unscored(stored: DataFrame) -> DataFrame:
    """The events with no word of a model."""
    return stored.withColumns({name: F.lit(None).cast(kind) for name, kind in SCORES.items()})


def fact(scored: DataFrame) -> DataFrame:
    """``fact_flight_events``: the enriched event, weather as plain columns, and its prediction."""
    plain = [name for name in _contract() if name != "weather"]
    weather = [F.col(f.name).alias(f.name.replace(".", "_", 1)) for f in event_schema.weather_fields()]
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


def rejected(records: DataFrame) -> DataFrame:
    """``rejected_flight_events``: the record as it came, where it came from, and every reason."""
    text = F.col("value").cast("string")
    is_text = F.is_valid_utf8(text)
    return records.select(
        "kafka_topic",
        "kafka_partition",
        "kafka_offset",
        "kafka_key",
        F.when(is_text, text).alias("raw_value"),
        F.when(~is_text, F.base64("value")).alias("raw_value_base64"),
        "event_id",
        "reasons",
        *PROCESSING,
    )


def dead_letters(records: DataFrame) -> DataFrame:
    """Messages of the dead-letter topic: the record's bytes, the reasons as a header.

    The key is the record's place in its topic: a batch that is repeated sends the same keys again, and the topic is
    compacted.
    """
    place = F.concat_ws(
        "-", "kafka_topic", F.col("kafka_partition").cast("string"), F.col("kafka_offset").cast("string")
    )
    headers = F.array(
        F.struct(F.lit("reasons").alias("key"), F.concat_ws(",", "reasons").cast("binary").alias("value")),
        F.struct(F.lit("batch_id").alias("key"), F.col("batch_id").cast("string").cast("binary").alias("value")),
    )
    return records.select(place.alias("key"), "value", headers.alias("headers"))


def raw(records: DataFrame) -> DataFrame:
    """``/raw/flight_events``: the Kafka records as they came, enough to replay them."""
    return records.select("kafka_topic", "kafka_partition", "kafka_offset", "kafka_key", "value", "ingestion_timestamp")
