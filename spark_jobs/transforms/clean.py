"""From parsed to typed fields: blanks become null, codes upper case, what is not of its type is remembered by name."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType, TimestampType

from skytier import event_schema
from spark_jobs.transforms.names import joined
from spark_jobs.transforms.records import KAFKA_COLUMNS

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

CODES = ("airline", "origin", "destination", "tail_number")
LOWER_CASE = ("event_type", "source")
# A bare year or date would be cast to midnight; a moment without its time of day is no moment.
_SHORTEST_MOMENT = len("2013-01-01T00:00")


def _plain_fields() -> list[StructField]:
    return [field for field in event_schema.spark_schema() if not isinstance(field.dataType, StructType)]


def _is_text(field: StructField) -> bool:
    """Whether the parser leaves the field as text: strings, and times, which are cast here."""
    return isinstance(field.dataType, StringType | TimestampType)


def _text(name: str) -> Column:
    text = F.nullif(F.trim(F.coalesce(F.col(f"fields.{name}"), F.col(f"texts.{name}"))), F.lit(""))
    if name in CODES:
        return F.upper(text)
    return F.lower(text) if name in LOWER_CASE else text


def _number(field: StructField) -> Column:
    """The number, also where it came as text."""
    return F.coalesce(F.col(f"fields.{field.name}"), F.col(f"texts.{field.name}").try_cast(field.dataType))


def _given_weather() -> Column:
    """The weather as numbers, whatever their values; null where there is no weather or nothing in it."""
    leaves = {
        leaf.name.removeprefix("weather."): F.coalesce(
            F.col(f"fields.{leaf.name}"), F.col(f"texts.{leaf.name}").try_cast("double")
        )
        for leaf in event_schema.weather_fields()
    }
    is_given = F.coalesce(*leaves.values()).isNotNull()
    return F.when(is_given, F.struct(*[value.alias(name) for name, value in leaves.items()]))


def _plausible_weather() -> Column:
    """The weather with each impossible value as null: one broken sensor does not cost the event."""
    leaves = [
        F.when(value.between(leaf.minimum, leaf.maximum), value).alias(leaf.name.removeprefix("weather."))
        for leaf in event_schema.weather_fields()
        if leaf.minimum is not None and leaf.maximum is not None
        for value in [F.col(f"_{leaf.name}")]
    ]
    return F.when(F.col("_weather").isNotNull(), F.struct(*leaves))


def _values_in(struct: str) -> Column:
    """How many fields of a weather struct have a value."""
    names = [leaf.name.removeprefix("weather.") for leaf in event_schema.weather_fields()]
    return reduce(add, [F.col(f"{struct}.{name}").isNotNull().cast("int") for name in names])


def _moment(field: StructField) -> Column:
    text = F.col(_source_text(field))
    return F.when(F.length(text) >= _SHORTEST_MOMENT, text.try_cast("timestamp"))


def _source_text(field: StructField) -> str:
    """The column that says whether a time or number was given at all."""
    return f"_text_{field.name}" if _is_text(field) else f"texts.{field.name}"


def _finding(field: StructField) -> Column:
    """``missing:<field>`` or ``wrong_type:<field>``; null when the field is as it should be."""
    missing = F.lit(None) if field.nullable else F.lit(f"missing:{field.name}")
    if isinstance(field.dataType, StringType):
        return F.when(F.col(field.name).isNull(), missing)
    was_given = F.col(_source_text(field)).isNotNull()
    return F.when(F.col(field.name).isNull(), F.when(was_given, F.lit(f"wrong_type:{field.name}")).otherwise(missing))


def clean(parsed: DataFrame) -> DataFrame:
    """Typed fields of the contract, ``findings`` (joined names) and ``weather_values_dropped``.

    ``findings`` names the required fields without a value and the fields whose value is not of their type.
    """
    plain = _plain_fields()
    times = [f for f in plain if isinstance(f.dataType, TimestampType)]
    others = [f for f in plain if f not in times]
    given = parsed.select(
        *KAFKA_COLUMNS,
        "is_malformed",
        "texts",
        *[(_text(f.name) if _is_text(f) else _number(f)).alias(f.name) for f in others],
        *[_text(f.name).alias(_source_text(f)) for f in times],
        _given_weather().alias("_weather"),
    )
    typed = given.select("*", *[_moment(f).alias(f.name) for f in times], _plausible_weather().alias("weather"))
    return typed.select(
        *KAFKA_COLUMNS,
        "is_malformed",
        *[f.name for f in event_schema.spark_schema()],
        joined([_finding(f) for f in plain if not (f.nullable and isinstance(f.dataType, StringType))]).alias(
            "findings"
        ),
        F.coalesce(_values_in("_weather") - _values_in("weather"), F.lit(0)).alias("weather_values_dropped"),
    )
