"""From Kafka records to the fields of an event.

Nearly all records are as the contract publishes them. These are parsed with their types and are done. Every other one
is parsed again into values that know their JSON type (``odd``), from which ``repair`` makes fields or reasons. Which of
the two ways a record takes decides its cost, never what becomes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    DataType,
    StringType,
    StructField,
    StructType,
    TimestampType,
    VariantType,
)

from events.flight import CONTRACT, EventType
from skytier.pipeline.records import KAFKA_COLUMNS

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

CORRUPT = "_corrupt_record"
# Spark's parser takes more than JSON unless told otherwise. Its limits stay: 1,000 levels, 1,000 characters a number.
_STRICT = {
    "mode": "PERMISSIVE",
    "columnNameOfCorruptRecord": CORRUPT,
    "allowSingleQuotes": "false",
    "allowNonNumericNumbers": "false",
    "maxStringLen": str(2**31 - 1),  # how long a text may be is the contract's to say
}
# The published form of each text and time, less what the parser makes of a number or a boolean in its place. Ids are
# checked by the rules of ``validate``; here only that nothing longer passes.
_TIME = r"(?:19[7-9]|2[01][0-9])[0-9]-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,3})?Z"
_PUBLISHED = {
    "event_id": r"[0-9]{4}-[^\n]{1,27}",
    "flight_id": r"[0-9]{4}-[^\n]{1,17}",
    "event_type": "|".join(EventType),
    "airline": "(?:[A-Z][A-Z0-9]|[0-9][A-Z])",
    "tail_number": "[A-Z][A-Z0-9-]{0,9}",
    "origin": "[A-Z]{3}",
    "destination": "[A-Z]{3}",
    "source": r"(?!(?:true|false)\n)[a-z][a-z0-9_.-]{0,63}",
}
_SEPARATOR = "\n"


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


def _from_json(text: Column, schema: StructType) -> Column:
    """The text as a struct with one more field, null unless the text does not fit the schema."""
    return F.from_json(text, StructType([*schema.fields, StructField(CORRUPT, StringType())]), _STRICT)


def _bracketed(text: Column) -> Column:
    """The text as the list ``all`` of an object.

    The parser ignores whatever follows the end of what it parses. In this form that is only what follows a bracket
    that closes the list: a record without one is exactly one object if the list has one item.
    """
    return F.concat(F.lit('{"all":['), text, F.lit("]}"))


def _is_one_value(text: Column) -> Column:
    """Whether the text is one JSON value and nothing else; each half alone can be closed by the text itself."""
    in_list = F.json_array_length(F.concat(F.lit("["), text, F.lit("]")))
    in_object = F.size(F.json_object_keys(F.concat(F.lit('{"":'), text, F.lit("}"))))
    return F.coalesce((in_list == 1) & (in_object == 1), F.lit(False))


def _is_object(text: Column) -> Column:
    return text.rlike(r"^[ \t\n\r]*\{")


def _are_published(texts: Sequence[StructField]) -> Column:
    """Whether all texts and times are as the contract publishes them.

    One regular expression for all of them: each one costs much more to begin with than to go through a text.
    """
    pattern = "".join(f"(?:{_PUBLISHED.get(f.name, _TIME)}){'?' if f.nullable else ''}{_SEPARATOR}" for f in texts)
    values = [F.coalesce(F.col(f"fields.{f.name}"), F.lit("")) for f in texts]
    parts = [part for value in values for part in (value, F.lit(_SEPARATOR))]
    return F.concat(*parts).rlike(rf"^{pattern}\z")


def _was_read(field: StructField) -> Column:
    """Whether a text became a time, a text that may be missing is no blank, and a number that must be there is."""
    given = F.col(f"fields.{field.name}")
    if isinstance(field.dataType, TimestampType):
        was_read = F.col(f"times.{field.name}").isNotNull()
    else:
        was_read = given != "" if isinstance(field.dataType, StringType) else given.isNotNull()
    return given.isNull() | was_read if field.nullable else was_read


def parse(source: DataFrame) -> DataFrame:
    """Add ``is_plain``, ``fields`` and ``times`` (of plain records), ``odd`` (of all others) and ``is_malformed``.

    A plain record is an event as the contract publishes it. ``odd`` has each field as a variant, null where the record
    is malformed: not exactly one JSON object, not UTF-8, or beyond the parser's limits.
    """
    schema = CONTRACT.spark_schema()
    typed = StructType([StructField("all", ArrayType(_with_leaves(schema, _times_as_text)))])
    texts = [f for f in schema if isinstance(f.dataType, StringType | TimestampType)]
    moments = [f for f in texts if isinstance(f.dataType, TimestampType)]
    required_numbers = [f for f in schema if f not in texts and not f.nullable]
    optional_texts = [f for f in texts if f not in moments and f.nullable]
    text = F.col("value").cast("string")
    parsed = source.select(
        *KAFKA_COLUMNS,
        F.when(F.is_valid_utf8(text), text).alias("text"),
        _from_json(_bracketed(text), typed).alias("parsed"),
    )
    is_one = F.col(f"parsed.{CORRUPT}").isNull() & (F.size("parsed.all") == 1) & ~F.contains("text", F.lit("]"))
    first = parsed.select(*KAFKA_COLUMNS, "text", F.when(is_one, F.col("parsed.all")[0]).alias("fields"))
    times = F.struct(*[F.col(f"fields.{f.name}").try_cast("timestamp").alias(f.name) for f in moments])
    timed = first.select("*", F.when(_are_published(texts), times).alias("times"))
    is_plain = F.coalesce(
        F.col("times").isNotNull()
        & reduce(and_, [_was_read(f) for f in (*moments, *required_numbers, *optional_texts)]),
        F.lit(False),
    )
    sorted_out = timed.select("*", is_plain.alias("is_plain"))
    variants = StructType([StructField(f.name, VariantType()) for f in schema])
    is_readable = F.when(~F.col("is_plain"), _is_object(F.col("text")) & _is_one_value(F.col("text")))
    odd = F.when(is_readable, _from_json(F.col("text"), variants))
    read = sorted_out.select(*KAFKA_COLUMNS, "is_plain", "fields", "times", odd.alias("odd"))
    is_malformed = ~F.col("is_plain") & (F.col("odd").isNull() | F.col(f"odd.{CORRUPT}").isNotNull())
    return read.select("*", is_malformed.alias("is_malformed"))
