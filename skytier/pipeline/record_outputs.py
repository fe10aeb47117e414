"""What is written of records as they came, whatever their kind: raw folder, rejected records, dead letters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from skytier.pipeline.records import KAFKA_COLUMNS

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

PROCESSING = ("ingestion_timestamp", "processing_timestamp", "batch_id", "processing_date")
"""columns that every stored and rejected row has"""
# A producer takes 1 MiB a record by default, and a broker a little more; our own headers come on top.
LARGEST_DEAD_LETTER_BYTES = 900_000
HEADERS = "array<struct<key:string,value:binary>>"
DEAD_LETTERS = "dead_letters"
"""the step that sends them"""


def rejected(records: DataFrame, table: str) -> DataFrame:
    """The rows of the table of rejected records: the record as it came, where it came from, and every reason.

    The value of a record at which writing this table failed is in the raw folder only.
    """
    value = F.when(~_is_withheld_from(table), F.col("value"))
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
        records.where(~_is_withheld_from(DEAD_LETTERS))
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
    """The raw folder of a batch: the Kafka records as they came, enough to repeat their batch from."""
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
