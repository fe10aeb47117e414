"""The rules that an event must obey, one line a rule, and the reasons of those that do not."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

from events.flight import CONTRACT, SCHEMA_VERSION, EventType
from skytier.contract import EventField
from skytier.pipeline.quarantine import UNPROCESSABLE
from skytier.times import FIRST_YEAR, LAST_YEAR
from spark_jobs.flights.names import as_array, joined

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


class Rule(NamedTuple):
    """A reason to reject an event, in words, and the condition under which it applies; null counts as not broken.

    The condition is over the columns of cleaned, reference-joined events. It is made when it is called, for only then
    must Spark run.
    """

    reason: str
    meaning: str
    condition: Callable[[], Column]


MALFORMED = "malformed_json"
# What the steps before this one found: by reason, the field's name after the colon.
FOUND_EARLIER = {
    MALFORMED: "the record is not exactly one JSON object (RFC 8259) in UTF-8, nests deeper than 1,000 levels, or has "
    "a number of more than 1,000 characters; such a record has no other reason",
    "missing:<field>": "a required field has no value",
    "wrong_type:<field>": "a value does not have the field's type; a time has the format of RFC 3339, with its offset",
    "too_long:<field>": "a text has more characters than the contract allows",
    "wrong_format:<field>": "a text does not match the contract's pattern",
    "out_of_range:<time>": f"valid: years {FIRST_YEAR} to {LAST_YEAR} as written, offsets below 15 hours",
    UNPROCESSABLE: "a step of the batch failed at the record; `error` in `rejected_flight_events` names the step and "
    "the error",
}


def _is_one_of(*types: EventType) -> Column:
    return F.col("event_type").isin(*[str(t) for t in types])


def _expected_flight_id() -> Column:
    """The id that follows from the other fields; null, and so never a reason of its own, where one of them is."""
    date = F.to_date("local_departure").cast("string")
    dash = F.lit("-")
    return F.concat(date, dash, "airline", dash, F.col("flight_number").cast("string"), dash, "origin")


def _is_unknown(code: str, found: str) -> Column:
    return F.col(code).isNotNull() & F.col(found).isNull()


def _lacks_departure() -> Column:
    return _is_one_of(EventType.DEPARTED, EventType.ARRIVED) & F.col("actual_departure").isNull()


def _lacks_arrival() -> Column:
    return _is_one_of(EventType.ARRIVED) & F.col("actual_arrival").isNull()


def _is_out_of_range(field: EventField) -> Column:
    value, never = F.col(field.name), F.lit(False)
    too_large = never if field.maximum is None else value > field.maximum
    if field.minimum is None:
        return too_large
    too_small = value <= field.minimum if field.excludes_minimum else value < field.minimum
    return too_small | too_large


def _range_rules() -> list[Rule]:
    return [
        Rule(f"out_of_range:{field.name}", f"valid: {field.valid_range()}", partial(_is_out_of_range, field))
        for field in CONTRACT.fields()
        if field.valid_range()
    ]


def _is_in_the_future(clock_tolerance_minutes: int) -> Column:
    tolerance = F.expr(f"INTERVAL {int(clock_tolerance_minutes)} MINUTES")
    return F.col("event_time") > F.col("ingestion_timestamp") + tolerance


def rules(clock_tolerance_minutes: int) -> list[Rule]:
    """All rules."""
    return [
        Rule(
            "unsupported_schema_version",
            "the event has a newer contract version than this code supports",
            lambda: F.col("schema_version") > SCHEMA_VERSION,
        ),
        Rule(
            "unknown_event_type",
            f"`event_type` is none of {', '.join(EventType)}",
            lambda: ~_is_one_of(*EventType),
        ),
        Rule(
            "unknown_airline",
            "`airline` is not in `dim_airline`",
            lambda: F.col("airline").isNotNull() & ~F.col("is_known_airline"),
        ),
        Rule(
            "unknown_origin",
            "`origin` is not in `dim_airport`",
            lambda: _is_unknown("origin", "origin_timezone"),
        ),
        Rule(
            "unknown_destination",
            "`destination` is not in `dim_airport`",
            lambda: _is_unknown("destination", "destination_timezone"),
        ),
        Rule(
            "origin_is_destination",
            "`origin` and `destination` are the same airport",
            lambda: F.col("origin") == F.col("destination"),
        ),
        Rule(
            "flight_id_mismatch",
            "`flight_id` is not composed of the event's local date, airline, number and origin",
            lambda: F.col("flight_id") != _expected_flight_id(),
        ),
        Rule(
            "event_id_mismatch",
            "`event_id` is not `<flight_id>:<event_type>`",
            lambda: F.col("event_id") != F.concat("flight_id", F.lit(":"), "event_type"),
        ),
        Rule(
            "missing:actual_departure",
            "the flight has departed or arrived, but `actual_departure` is missing",
            _lacks_departure,
        ),
        Rule(
            "missing:actual_arrival",
            "the flight has arrived, but `actual_arrival` is missing",
            _lacks_arrival,
        ),
        Rule(
            "scheduled_times_out_of_order",
            "`scheduled_arrival` is not later than `scheduled_departure`",
            lambda: F.col("scheduled_arrival") <= F.col("scheduled_departure"),
        ),
        Rule(
            "actual_times_out_of_order",
            "`actual_arrival` is not later than `actual_departure`",
            lambda: F.col("actual_arrival") <= F.col("actual_departure"),
        ),
        Rule(
            "event_in_the_future",
            "`event_time` is later than its arrival in Kafka plus `SKYTIER_PROCESS_CLOCK_TOLERANCE_MINUTES`",
            lambda: _is_in_the_future(clock_tolerance_minutes),
        ),
        *_range_rules(),
    ]


def validate(events: DataFrame, clock_tolerance_minutes: int) -> DataFrame:
    """Add ``reasons``: every reason to reject the event, empty for a valid one.

    A record that is no JSON object has that one reason: all others would follow from it.
    """
    broken = [F.when(rule.condition(), F.lit(rule.reason)) for rule in rules(clock_tolerance_minutes)]
    found_earlier = F.nullif(F.col("findings"), F.lit(""))
    reasons = F.when(F.col("is_malformed"), F.lit(MALFORMED)).otherwise(joined([found_earlier, *broken]))
    judged = events.select("*", reasons.alias("_reasons"))
    return judged.select("*", as_array(F.col("_reasons")).alias("reasons")).drop("_reasons", "findings", "is_malformed")
