"""From parsed to typed fields: blanks become null, codes upper case, what is not of its type is remembered by name."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType, TimestampType

from skytier import event_schema
from spark_jobs.transforms.parse import KAFKA_COLUMNS

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

CODES = ("airline", "origin", "destination", "tail_number")
LOWER_CASE = ("event_type", "source")
# A bare year or date would be cast to midnight; a moment without its time of day is no moment.
_MOMENT = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}"


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
        F.when(F.col(leaf.name).between(leaf.minimum, leaf.maximum), F.col(leaf.name)).alias(
            leaf.name.removeprefix("weather.")
        )
        for leaf in event_schema.weather_fields()
        if leaf.minimum is not None and leaf.maximum is not None
    ]
    return F.when(F.col("weather").isNotNull(), F.struct(*leaves))


def _values_in(struct: str) -> Column:
    """How many fields of a weather struct have a value."""
    names = [leaf.name.removeprefix("weather.") for leaf in event_schema.weather_fields()]
    return reduce(add, [F.col(f"{struct}.{name}").isNotNull().cast("int") for name in names])


def clean(parsed: DataFrame) -> DataFrame:
    """Typed fields of the contract, ``missing`` and ``wrong_type`` (names of fields), ``weather_values_dropped``.

    ``missing`` names the required fields without a value; ``wrong_type`` the fields whose value is not of their type.
    """
    plain = _plain_fields()
    given = [(_text(f.name) if _is_text(f) else _number(f)).alias(f.name) for f in plain]
    texts = parsed.select(*KAFKA_COLUMNS, "is_malformed", "texts", *given, _given_weather().alias("weather"))

    times = [f for f in plain if isinstance(f.dataType, TimestampType)]
    numbers = [f for f in plain if not _is_text(f)]
    missing = [
        F.when(F.col(f.name).isNull() & F.col(f"texts.{f.name}").isNull(), F.lit(f.name))
        if f in numbers
        else F.when(F.col(f.name).isNull(), F.lit(f.name))
        for f in plain
        if not f.nullable
    ]
    moments = {f.name: F.when(F.col(f.name).rlike(_MOMENT), F.col(f.name).try_cast("timestamp")) for f in times}
    typed = texts.select(
        *KAFKA_COLUMNS,
        "is_malformed",
        "texts",
        *[moments.get(f.name, F.col(f.name)).alias(f.name) for f in plain],
        *[F.col(f.name).isNotNull().alias(f"_given_{f.name}") for f in times],
        "weather",
        _plausible_weather().alias("_plausible"),
        F.array_compact(F.array(*missing)).alias("missing"),
    )

    is_wrong = {f.name: F.col(f"_given_{f.name}") for f in times}
    is_wrong |= {f.name: F.col(f"texts.{f.name}").isNotNull() for f in numbers}
    wrong = [F.when(was_given & F.col(name).isNull(), F.lit(name)) for name, was_given in is_wrong.items()]
    return typed.select(
        *KAFKA_COLUMNS,
        "is_malformed",
        *[
            F.col("_plausible").alias("weather") if f.name == "weather" else F.col(f.name)
            for f in event_schema.spark_schema()
        ],
        "missing",
        F.array_compact(F.array(*wrong)).alias("wrong_type"),
        F.coalesce(_values_in("weather") - _values_in("_plausible"), F.lit(0)).alias("weather_values_dropped"),
    )
