"""Fields of a record that is not as the contract publishes it: each is repaired, or there is a reason against it.

Few records come here, but the code for them is part of every run's plan. So it is made of loops over the fields
(functions of arrays), which run slowly and are small, and not of expressions for each field. An item of a loop is what
the record has for a field, and the rule for it; the result has a ``value``, and a ``finding`` where there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from skytier import number_text
from skytier.contract import REPAIRED_LENGTH, EventField
from skytier.times import ANY_TIME_PATTERN, TIME_PATTERN

if TYPE_CHECKING:
    from pyspark.sql import Column

# A text of these that is not in its form is no known code or id: validate says so.
_HAVE_A_RULE = ("event_id", "event_type", "flight_id", "airline", "origin", "destination")
_NUMBER_TYPES = r"^(?:BIGINT|DECIMAL.*|DOUBLE)\z"
_NO_NUMBER = r"^(?:NaN|[+-]?Infinity)\z"
_BLANK = r"^ *\z"
_MOST_INT = 2**31 - 1


def given(fields: Sequence[EventField], rule_of: Callable[[EventField], Column]) -> Column:
    """What the record has for these fields: ``type`` (as SQL names it, null where there is nothing), ``text``, ``raw``.

    The fields are all of the event itself or all of its weather. Each item also has its field's ``rule``: so it stands
    in the plan once, and not at every use.
    """
    if fields[0].name.startswith("weather."):
        weather = F.col("odd.weather")
        values = [
            F.try_variant_get(weather, f"$.{f.name.removeprefix('weather.')}", "variant")  # null where it is no object
            for f in fields
        ]
    else:
        values = [F.col(f"odd.{f.name}") for f in fields]
    items = [F.struct(rule_of(f).alias("rule"), value.alias("raw")) for f, value in zip(fields, values, strict=True)]
    return F.transform(F.array(*items), _typed)


def json_type(value: Column) -> Column:
    """The type of a variant as SQL names it, null for JSON's null."""
    return F.nullif(F.schema_of_variant(value), F.lit("VOID"))


def texts(fields: Sequence[EventField]) -> Column:
    """Texts in their published form."""

    def read(item: Column) -> Column:
        rule, text = item["rule"], item["text"]
        is_text = item["type"] == "STRING"
        is_blank = is_text & text.rlike(_BLANK)
        is_too_long = is_text & (F.length(text) > rule["longest"])
        is_valid = is_text & F.regexp_like(text, rule["pattern"])
        value = (
            F.when(is_blank | is_too_long, F.lit(None))
            .when(is_valid & rule["is_repaired"], F.upper(F.trim(text)))
            .when(is_valid | (is_text & rule["has_rule"]), text)
        )
        finding = (
            F.when(is_too_long, _finding("too_long", rule))
            .when(item["type"].isNull() | is_blank, _missing(rule))
            .when(~is_text, _finding("wrong_type", rule))
            .when(~is_valid & ~rule["has_rule"], _finding("wrong_format", rule))
        )
        return _read(value, finding)

    return F.transform(given(fields, _text_rule), read)


def times(fields: Sequence[EventField]) -> Column:
    """Times, to the millisecond: MongoDB keeps no more, and all stores shall hold the same."""

    def read(item: Column) -> Column:
        rule, text = item["rule"], item["text"]
        is_short_text = (item["type"] == "STRING") & (F.length(item["text"]) <= REPAIRED_LENGTH + 8)
        is_blank = is_short_text & text.rlike(_BLANK) & (F.length(text) <= REPAIRED_LENGTH)
        is_valid = is_short_text & text.rlike(jvm_pattern(TIME_PATTERN))
        value = F.when(is_valid, F.date_trunc("MILLISECOND", text.try_cast("timestamp")))
        is_out_of_range = is_short_text & text.rlike(jvm_pattern(ANY_TIME_PATTERN)) & ~is_valid
        finding = (
            F.when(item["type"].isNull() | is_blank, _missing(rule))
            .when(is_out_of_range, _finding("out_of_range", rule))
            .when(value.isNull(), _finding("wrong_type", rule))
        )
        return _read(value, finding)

    return F.transform(given(fields, _rule), read)


def numbers(fields: Sequence[EventField]) -> Column:
    """Numbers, also those that came as text; whether they are within their limits is checked for texts only."""

    def read(item: Column) -> Column:
        rule, text = item["rule"], item["text"]
        is_number = item["type"].rlike(_NUMBER_TYPES)
        is_short_text = (item["type"] == "STRING") & (F.length(text) <= number_text.MAX_LENGTH)
        is_valid_text = is_short_text & F.regexp_like(text, rule["pattern"])
        number = F.when(is_number, F.try_variant_get(item["raw"], "$", "double")).when(
            is_valid_text, F.trim(text).try_cast("double")
        )
        is_fraction = rule["is_whole"] & (F.rint(number) != number)
        is_too_large = rule["is_whole"] & (F.abs(number) > _MOST_INT)
        looks_like_number = is_short_text & text.rlike(f"{jvm_pattern(number_text.NUMBER)}|{_NO_NUMBER}")
        finding = (
            F.when(item["type"].isNull(), _missing(rule))
            .when(is_fraction, _finding("wrong_type", rule))
            .when(is_too_large | (number.isNull() & looks_like_number), _finding("out_of_range", rule))
            .when(number.isNull(), _finding("wrong_type", rule))
        )
        return _read(F.when(finding.isNull(), number), finding)

    return F.transform(given(fields, _rule), read)


def jvm_pattern(pattern: str) -> str:
    """A pattern of the contract as the JVM writes it, whose ``$`` also matches before a last line feed of any kind."""
    return pattern.replace(number_text.END, r"\z").replace("$", r"\z")


def _typed(item: Column) -> Column:
    raw = item["raw"]
    text = F.try_variant_get(raw, "$", "string")
    return F.struct(json_type(raw).alias("type"), text.alias("text"), raw.alias("raw"), item["rule"].alias("rule"))


def _read(value: Column, finding: Column) -> Column:
    return F.struct(value.alias("value"), finding.alias("finding"))


def _rule(field: EventField) -> Column:
    return F.struct(
        F.lit(field.name).alias("name"),
        F.lit(not field.nullable).alias("is_required"),
        F.lit(field.type == "int").alias("is_whole"),
        F.lit(jvm_pattern(field.repairs or r"(?!)")).alias("pattern"),
    )


def _text_rule(field: EventField) -> Column:
    patterns = [jvm_pattern(p) for p in (field.pattern, field.repairs) if p] or [rf"^(?:{'|'.join(field.values)})\z"]
    return F.struct(
        F.lit(field.name).alias("name"),
        F.lit(not field.nullable).alias("is_required"),
        F.lit(field.repairs is not None).alias("is_repaired"),
        F.lit(field.name in _HAVE_A_RULE).alias("has_rule"),
        F.lit(max(field.max_length or 0, REPAIRED_LENGTH)).alias("longest"),
        F.lit("|".join(patterns)).alias("pattern"),
    )


def _finding(reason: str, rule: Column) -> Column:
    return F.concat(F.lit(f"{reason}:"), rule["name"])


def _missing(rule: Column) -> Column:
    return F.when(rule["is_required"], _finding("missing", rule))
