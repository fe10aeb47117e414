"""From text to typed fields: blanks become null, codes upper case, what cannot be cast is remembered by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructType, TimestampType

from skytier import event_schema
from spark_jobs.transforms.parse import KAFKA_COLUMNS

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import DataType

CODES = ("airline", "origin", "destination", "tail_number")
LOWER_CASE = ("event_type", "source")
# A bare year or date would be cast to midnight; a moment without its time of day is no moment.
_MOMENT = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}"


def _blank_to_null(text: Column) -> Column:
    return F.nullif(F.trim(text), F.lit(""))


def _typed(text: Column, kind: DataType) -> Column:
    if isinstance(kind, TimestampType):
        return F.when(text.rlike(_MOMENT), text.try_cast(kind))
    return text.try_cast(kind)


def _text(name: str) -> Column:
    text = _blank_to_null(F.col(f"fields.{name}"))
    if name in CODES:
        return F.upper(text)
    return F.lower(text) if name in LOWER_CASE else text


def _weather() -> Column:
    """The weather with each impossible or unreadable value as null: one broken sensor does not cost the event."""
    leaves = [
        F.when(value.between(leaf.minimum, leaf.maximum), value).alias(leaf.name.removeprefix("weather."))
        for leaf in event_schema.weather_fields()
        for value in [_blank_to_null(F.col(f"fields.{leaf.name}")).try_cast("double")]
    ]
    is_given = F.greatest(*[F.col(f"fields.{f.name}").isNotNull() for f in event_schema.weather_fields()])
    return F.when(is_given, F.struct(*leaves))


def _weather_values_given() -> Column:
    return _count_present([F.col(f"fields.{f.name}") for f in event_schema.weather_fields()])


def _count_present(values: list[Column]) -> Column:
    total = F.lit(0)
    for value in values:
        total = total + value.isNotNull().cast("int")
    return total


def clean(parsed: DataFrame) -> DataFrame:
    """Typed fields of the contract, ``missing`` and ``wrong_type`` (names of fields), ``weather_values_dropped``.

    ``missing`` names the required fields without a value; ``wrong_type`` the fields whose text is not of their type.
    """
    schema = event_schema.spark_schema()
    plain = [f for f in schema if not isinstance(f.dataType, StructType)]
    typed = [
        (_text(f.name) if isinstance(f.dataType, StringType) else _typed(_text(f.name), f.dataType)).alias(f.name)
        for f in plain
    ]
    cleaned = parsed.select(*KAFKA_COLUMNS, "is_malformed", "fields", *typed, _weather().alias("weather"))
    missing = [F.when(_text(f.name).isNull(), F.lit(f.name)) for f in plain if not f.nullable]
    wrong = [
        F.when(_text(f.name).isNotNull() & F.col(f.name).isNull(), F.lit(f.name))
        for f in plain
        if not isinstance(f.dataType, StringType)
    ]
    kept = _count_present([F.col(f.name) for f in event_schema.weather_fields()])
    return cleaned.select(
        *KAFKA_COLUMNS,
        "is_malformed",
        *[f.name for f in schema],
        F.array_compact(F.array(*missing)).alias("missing"),
        F.array_compact(F.array(*wrong)).alias("wrong_type"),
        (_weather_values_given() - F.coalesce(kept, F.lit(0))).alias("weather_values_dropped"),
    )
