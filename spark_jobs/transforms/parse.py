"""From Kafka records to the fields of an event as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from skytier import event_schema

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

KAFKA_COLUMNS = ("kafka_topic", "kafka_partition", "kafka_offset", "kafka_key", "value", "ingestion_timestamp")
_CORRUPT = "_corrupt_record"


def records(kafka: DataFrame) -> DataFrame:
    """Name the columns of a Kafka source as the warehouse does; ``value`` stays the exact bytes."""
    return kafka.select(
        F.col("topic").alias("kafka_topic"),
        F.col("partition").alias("kafka_partition"),
        F.col("offset").alias("kafka_offset"),
        F.col("key").cast("string").alias("kafka_key"),
        "value",
        F.col("timestamp").alias("ingestion_timestamp"),
    )


def _text_schema(schema: StructType) -> StructType:
    """The same fields, every leaf as text, so that a wrong type can be told from a missing value."""
    return StructType(
        [
            StructField(f.name, _text_schema(f.dataType) if isinstance(f.dataType, StructType) else StringType())
            for f in schema
        ]
    )


def _one_object(text: Column) -> Column:
    """Whether the text is a single JSON object: the parser itself would ignore whatever follows the first one."""
    is_enclosed = text.startswith("{") & text.endswith("}")
    is_single = ~text.rlike(r"\}\s*\{")
    return is_enclosed & is_single & F.is_valid_utf8(text)


def parse(source: DataFrame) -> DataFrame:
    """Add ``fields`` (the event's fields as text) and ``is_malformed`` (true: not one JSON object of this shape)."""
    text = F.btrim(F.col("value").cast("string"), F.lit(" \t\r\n"))
    schema = _text_schema(event_schema.spark_schema()).add(_CORRUPT, StringType())
    options = {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": _CORRUPT, "allowSingleQuotes": "false"}
    parsed = source.select(
        *KAFKA_COLUMNS,
        F.coalesce(_one_object(text), F.lit(False)).alias("is_one_object"),
        F.from_json(text, schema, options).alias("fields"),
    )
    is_unreadable = F.col("fields").isNull() | F.col(f"fields.{_CORRUPT}").isNotNull()
    return parsed.select(*KAFKA_COLUMNS, "fields", (~F.col("is_one_object") | is_unreadable).alias("is_malformed"))
