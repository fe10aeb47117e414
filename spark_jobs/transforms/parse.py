"""From Kafka records to the fields of an event."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql.types import DataType, StringType, StructField, StructType, TimestampType

from skytier import event_schema
from spark_jobs.transforms.records import KAFKA_COLUMNS

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

CORRUPT = "_corrupt_record"


def _with_leaves(schema: StructType, leaf: Callable[[DataType], DataType]) -> StructType:
    """The same fields, the type of every leaf replaced."""
    return StructType(
        [
            StructField(
                f.name, _with_leaves(f.dataType, leaf) if isinstance(f.dataType, StructType) else leaf(f.dataType)
            )
            for f in schema
        ]
    )


def _times_as_text(kind: DataType) -> DataType:
    return StringType() if isinstance(kind, TimestampType) else kind


def _as_text(_: DataType) -> DataType:
    return StringType()


def _from_json(text: Column, schema: StructType) -> Column:
    """The text as a struct with one more field, null unless the text does not fit the schema."""
    options = {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": CORRUPT, "allowSingleQuotes": "false"}
    return F.from_json(text, StructType([*schema.fields, StructField(CORRUPT, StringType())]), options)


def _one_object(text: Column) -> Column:
    """Whether the text is a single JSON object: the parser itself would ignore whatever follows the first one.

    Plain comparisons decide nearly all records; only the odd ones go through a regular expression, which is slow.
    """
    is_enclosed = text.startswith("{") & text.endswith("}")
    is_padded_object = text.rlike(r"^\s*\{[\s\S]*\}\s*$")
    # In a plain event no brace opens after one has closed.
    first_close = F.octet_length(F.substring_index(text, "}", 1))
    last_open = F.octet_length(text) - F.octet_length(F.substring_index(text, "{", -1))
    follow_one_another = (last_open > first_close) & text.rlike(r"\}\s*\{")
    return (is_enclosed | is_padded_object) & ~follow_one_another & F.is_valid_utf8(text)


def parse(source: DataFrame) -> DataFrame:
    """Add ``fields``, ``texts`` and ``is_malformed`` (true: not one JSON object of the contract's shape).

    ``fields`` has numbers as numbers and times still as text. Where a value is not of its type, ``texts`` has every
    field as text, so that the next step can say which one it was; it is null for all other records.
    """
    schema = event_schema.spark_schema()
    text = F.col("value").cast("string")
    typed = source.select(
        *KAFKA_COLUMNS,
        text.alias("text"),
        F.coalesce(_one_object(text), F.lit(False)).alias("is_one_object"),
        _from_json(text, _with_leaves(schema, _times_as_text)).alias("fields"),
    )
    does_not_fit = F.col("fields").isNull() | F.col(f"fields.{CORRUPT}").isNotNull()
    as_text = F.when(does_not_fit, _from_json(F.col("text"), _with_leaves(schema, _as_text)))
    told_apart = typed.select(*KAFKA_COLUMNS, "is_one_object", "fields", as_text.alias("texts"))
    is_unreadable = F.col("fields").isNull() | F.col(f"texts.{CORRUPT}").isNotNull()
    return told_apart.select(
        *KAFKA_COLUMNS, "fields", "texts", (~F.col("is_one_object") | is_unreadable).alias("is_malformed")
    )
