"""The columns of each store: what leaves the minute job, and under which names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from skytier import event_schema
from skytier.event import EventType
from spark_jobs.transforms.records import KAFKA_COLUMNS

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

# A producer takes 1 MiB a record by default, and a broker a little more; our own headers come on top.
LARGEST_DEAD_LETTER_BYTES = 900_000
HEADERS = "array<struct<key:string,value:binary>>"

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
    """``rejected_flight_events``: the record as it came, where it came from, and every reason.

    The value of a record at which writing this table failed is in the raw folder only.
    """
    value = F.when(~_is_withheld_from("rejected_flight_events"), F.col("value"))
    return records.select(
        "kafka_topic",
        "kafka_partition",
        "kafka_offset",
        *_text_or_base64(F.col("kafka_key"), "kafka_key"),
        *_text_or_base64(value, "raw_value"),
        "event_id",
        "reasons",
        *PROCESSING,
        F.transform(
            "kafka_headers", lambda h: F.struct(h.key.alias("key"), F.base64(h.value).alias("value_base64"))
        ).alias("kafka_headers"),
        "kafka_timestamp",
        "error",
    )


def dead_letters(records: DataFrame) -> DataFrame:
    """Messages of the dead-letter topic: the record's bytes, with its reasons, key and headers as headers.

    The key is the record's place in its topic: a batch that is repeated sends the same keys again, and the topic is
    compacted. A record without a value is sent with an empty one, for compaction removes the key of a null. What would
    be larger than Kafka takes is cut, and marked by the header ``truncated_from_bytes``.
    """
    place = F.concat_ws(
        "-", "kafka_topic", F.col("kafka_partition").cast("string"), F.col("kafka_offset").cast("string")
    )
    own_headers = F.aggregate("_headers", F.lit(0), lambda total, h: total + F.octet_length(h.key) + _length(h.value))
    total = _length(F.col("value")) + _length(F.col("kafka_key")) + own_headers
    given = F.coalesce("kafka_headers", F.array().cast(HEADERS))
    sized = (
        records.where(~_is_withheld_from("dead_letters"))
        .withColumn("_headers", given)
        .withColumn("_bytes", total)
        .withColumn("_is_cut", F.col("_bytes") > LARGEST_DEAD_LETTER_BYTES)
    )
    said = (
        _header("reasons", F.concat_ws(",", "reasons")),
        _header("batch_id", F.col("batch_id").cast("string")),
        _header("error", F.col("error")),
        _header("value_is_null", F.when(F.col("value").isNull(), F.lit("true"))),
        _header("truncated_from_bytes", F.when(F.col("_is_cut"), F.col("_bytes").cast("string"))),
        F.when(
            F.col("kafka_key").isNotNull() & ~F.col("_is_cut"),
            F.struct(F.lit("key").alias("key"), F.col("kafka_key").alias("value")),
        ),
    )
    value = F.when(F.col("_is_cut"), F.substring("value", 1, LARGEST_DEAD_LETTER_BYTES)).otherwise(F.col("value"))
    passed_on = F.when(~F.col("_is_cut"), F.col("_headers")).otherwise(F.array().cast(HEADERS))
    return sized.select(
        place.alias("key"),
        F.coalesce(value, F.lit(b"")).alias("value"),
        F.concat(F.array_compact(F.array(*said)), passed_on).alias("headers"),
    )


def raw(records: DataFrame) -> DataFrame:
    """``/raw/flight_events``: the Kafka records as they came, enough to repeat their batch from."""
    return records.select(*KAFKA_COLUMNS)


def _text_or_base64(value: Column, column: str) -> tuple[Column, Column]:
    """Bytes as text where they are UTF-8, in Base64 where they are not."""
    text = value.cast("string")
    is_text = F.is_valid_utf8(text)
    return F.when(is_text, text).alias(column), F.when(~is_text, F.base64(value)).alias(f"{column}_base64")


def _is_withheld_from(step: str) -> Column:
    """Whether a record is set aside because that step failed at it."""
    return F.coalesce(F.col("withheld_from") == step, F.lit(False))


def _header(name: str, value: Column) -> Column:
    """A header of a record; null where its value is."""
    return F.when(value.isNotNull(), F.struct(F.lit(name).alias("key"), value.cast("binary").alias("value")))


def _length(value: Column) -> Column:
    return F.coalesce(F.octet_length(value), F.lit(0))
