"""The rules that an event must obey, one line a rule, and the reasons of those that do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

from skytier import event_schema
from skytier.event import SCHEMA_VERSION, EventType

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


class Rule(NamedTuple):
    """A reason to reject an event and the condition under which it applies; null counts as not broken."""

    reason: str
    is_broken: Column


MALFORMED = "malformed_json"


def _is_one_of(*types: EventType) -> Column:
    return F.col("event_type").isin(*[str(t) for t in types])


def local_flight_date() -> Column:
    """The date of the scheduled departure, local at the origin."""
    return F.to_date(F.from_utc_timestamp("scheduled_departure", F.col("origin_timezone")))


def _expected_flight_id() -> Column:
    """The id that follows from the other fields; null, and so never a reason of its own, where one of them is."""
    date = F.date_format(local_flight_date(), "yyyy-MM-dd")
    dash = F.lit("-")
    return F.concat(date, dash, "airline", dash, F.col("flight_number").cast("string"), dash, "origin")


def _range_rules() -> list[Rule]:
    rules = []
    for field in event_schema.fields():
        value = F.col(field.name)
        if field.minimum is not None:
            too_small = value <= field.minimum if field.excludes_minimum else value < field.minimum
            too_large = F.lit(False) if field.maximum is None else value > field.maximum
            rules.append(Rule(f"out_of_range:{field.name}", too_small | too_large))
    return rules


def rules(clock_tolerance_minutes: int) -> list[Rule]:
    """All rules over the columns of the cleaned, reference-joined events."""
    has_departed = _is_one_of(EventType.DEPARTED, EventType.ARRIVED)
    newest_allowed = F.col("ingestion_timestamp") + F.expr(f"INTERVAL {int(clock_tolerance_minutes)} MINUTES")
    return [
        Rule("unsupported_schema_version", F.col("schema_version") > SCHEMA_VERSION),
        Rule("unknown_event_type", ~_is_one_of(*EventType)),
        Rule("unknown_airline", F.col("airline").isNotNull() & ~F.col("is_known_airline")),
        Rule("unknown_origin", F.col("origin").isNotNull() & F.col("origin_timezone").isNull()),
        Rule("unknown_destination", F.col("destination").isNotNull() & F.col("destination_timezone").isNull()),
        Rule("origin_is_destination", F.col("origin") == F.col("destination")),
        Rule("flight_id_mismatch", F.col("flight_id") != _expected_flight_id()),
        Rule("event_id_mismatch", F.col("event_id") != F.concat("flight_id", F.lit(":"), "event_type")),
        Rule("missing:actual_departure", has_departed & F.col("actual_departure").isNull()),
        Rule("missing:actual_arrival", _is_one_of(EventType.ARRIVED) & F.col("actual_arrival").isNull()),
        Rule("scheduled_times_out_of_order", F.col("scheduled_arrival") <= F.col("scheduled_departure")),
        Rule("actual_times_out_of_order", F.col("actual_arrival") <= F.col("actual_departure")),
        Rule("event_in_the_future", F.col("event_time") > newest_allowed),
        *_range_rules(),
    ]


def _prefixed(prefix: str, names: str) -> Column:
    return F.transform(names, lambda name: F.concat(F.lit(prefix), name))


def validate(events: DataFrame, clock_tolerance_minutes: int) -> DataFrame:
    """Add ``reasons``: every reason to reject the event, empty for a valid one.

    A record that is no JSON object has that one reason: all others would follow from it.
    """
    broken = [F.when(rule.is_broken, F.lit(rule.reason)) for rule in rules(clock_tolerance_minutes)]
    all_reasons = F.concat(
        _prefixed("missing:", "missing"), _prefixed("wrong_type:", "wrong_type"), F.array_compact(F.array(*broken))
    )
    reasons = F.when(F.col("is_malformed"), F.array(F.lit(MALFORMED))).otherwise(all_reasons)
    return events.select("*", reasons.alias("reasons")).drop("missing", "wrong_type", "is_malformed")
