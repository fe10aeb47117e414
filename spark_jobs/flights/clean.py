"""From parsed to typed fields: blanks become null, codes upper case, what is not of its type is remembered by name."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from events.flight import CONTRACT
from skytier.contract import STRUCT, EventField
from skytier.pipeline.records import KAFKA_COLUMNS
from spark_jobs.flights import repair

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_LISTS = {
    "_texts": ("string",),
    "_times": ("timestamp",),
    "_numbers": ("int", "double"),
}


def _fields_in(name: str) -> list[EventField]:
    return [field for field in CONTRACT.fields() if field.type in _LISTS[name]]


def _repaired() -> Column:
    """The fields of a record that is not plain, from the lists."""
    values = [
        F.col(name)[place]["value"].try_cast(field.type).alias(field.name)
        for name in _LISTS
        for place, field in enumerate(_fields_in(name))
    ]
    weather = [
        F.col("_weather_values")[place]["value"].alias(leaf.name.removeprefix("weather."))
        for place, leaf in enumerate(CONTRACT.nested_fields("weather"))
    ]
    return F.struct(*values, F.struct(*weather).alias("weather"))


def _value(field: EventField) -> Column:
    """The field from wherever its record was read."""
    plain = F.col(f"times.{field.name}" if field.type == "timestamp" else f"fields.{field.name}")
    return F.when(F.col("is_plain"), plain).otherwise(F.col(f"repaired.{field.name}"))


def _given_weather() -> Column:
    """The weather as numbers, whatever their values; null where there is no weather or nothing in it."""
    given = F.when(F.col("is_plain"), F.col("fields.weather")).otherwise(F.col("repaired.weather"))
    names = [leaf.name.removeprefix("weather.") for leaf in CONTRACT.nested_fields("weather")]
    return F.when(F.coalesce(*[given[name] for name in names]).isNotNull(), given)


def _plausible_weather() -> Column:
    """The weather with each impossible value as null: one broken sensor does not cost the event."""
    leaves = [
        F.when(value.between(leaf.minimum, leaf.maximum), value).alias(leaf.name.removeprefix("weather."))
        for leaf in CONTRACT.nested_fields("weather")
        if leaf.minimum is not None and leaf.maximum is not None
        for value in [F.col(f"_{leaf.name}")]
    ]
    return F.when(F.col("_weather").isNotNull(), F.struct(*leaves))


def _values_in(struct: str) -> Column:
    """How many fields of a weather struct have a value."""
    names = [leaf.name.removeprefix("weather.") for leaf in CONTRACT.nested_fields("weather")]
    return reduce(add, [F.col(f"{struct}.{name}").isNotNull().cast("int") for name in names])


def _findings() -> Column:
    """The findings of all fields, joined as ``names.joined`` does."""
    weather_type = repair.json_type(F.col("odd.weather"))
    no_weather = F.when(~weather_type.startswith("OBJECT"), F.lit("wrong_type:weather"))
    lists = [F.transform(name, lambda item: item["finding"]) for name in (*_LISTS, "_weather_values")]
    return F.array_join(F.concat(*lists, F.array(no_weather)), ",")


def clean(parsed: DataFrame) -> DataFrame:
    """Typed fields of the contract, ``findings`` (joined names) and ``weather_values_dropped``.

    ``findings`` names the required fields without a value and the fields whose value the contract does not accept.
    """
    is_odd = ~F.col("is_plain") & ~F.col("is_malformed")
    lists = {
        "_texts": repair.texts(_fields_in("_texts")),
        "_times": repair.times(_fields_in("_times")),
        "_numbers": repair.numbers(_fields_in("_numbers")),
        "_weather_values": repair.numbers(CONTRACT.nested_fields("weather")),
    }
    looped = parsed.select("*", *[F.when(is_odd, values).alias(name) for name, values in lists.items()])
    repaired = looped.select(
        *KAFKA_COLUMNS,
        "is_malformed",
        "is_plain",
        "fields",
        "times",
        F.when(is_odd, _repaired()).alias("repaired"),
        F.when(is_odd, _findings()).alias("findings"),
    )
    plain = [field for field in CONTRACT.fields() if field.type != STRUCT]
    typed = repaired.select(
        *KAFKA_COLUMNS,
        "is_malformed",
        *[_value(field).alias(field.name) for field in plain],
        _given_weather().alias("_weather"),
        "findings",
    )
    plausible = typed.select("*", _plausible_weather().alias("weather"))
    return plausible.select(
        *KAFKA_COLUMNS,
        "is_malformed",
        *[field.name for field in CONTRACT.fields()],
        "findings",
        F.coalesce(_values_in("_weather") - _values_in("weather"), F.lit(0)).alias("weather_values_dropped"),
    )
