"""What the chain parse -> clean -> reference -> validate -> enrich -> quality makes of single records."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from spark_jobs.flights.clean import clean
from spark_jobs.flights.enrich import enrich
from spark_jobs.flights.parse import parse
from spark_jobs.flights.quality import FLAGS, score_quality
from spark_jobs.flights.reference import join_reference
from spark_jobs.flights.validate import validate
from tests.events import ARRIVED, DEPARTED, SCHEDULED, encode, without

pytestmark = pytest.mark.spark

INGESTED = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
LATE_ENOUGH: dict[str, Any] = {"event_time": "2026-11-21T12:05:00Z"}
TOO_EARLY: dict[str, Any] = {"event_time": "2026-11-21T12:05:01Z"}


def run_chain(spark: SparkSession, values: list[bytes]) -> list[Row]:
    """The chain of the minute job over raw values, in their order."""
    schema = (
        "kafka_topic string, kafka_partition int, kafka_offset bigint, kafka_key binary, "
        "kafka_headers array<struct<key:string,value:binary>>, kafka_timestamp timestamp, value binary, "
        "ingestion_timestamp timestamp"
    )
    rows = [
        ("flight_events", 0, offset, b"key", None, INGESTED, bytearray(value), INGESTED)
        for offset, value in enumerate(values)
    ]
    airlines = spark.createDataFrame([("UA",), ("AA",)], "iata string")
    airports = spark.createDataFrame(
        [("EWR", "America/New_York"), ("IAH", "America/Chicago")], "iata string, timezone string"
    )
    aircraft = spark.createDataFrame([("N14228",)], "tail_number string")
    known = join_reference(clean(parse(spark.createDataFrame(rows, schema))), airlines, airports, aircraft)
    scored = score_quality(enrich(validate(known, clock_tolerance_minutes=5)))
    return sorted(scored.drop("value").collect(), key=lambda row: row.kafka_offset)


def changed(event: dict[str, Any] = DEPARTED, **changes: Any) -> bytes:
    return encode(event | changes)


REJECTED = {
    "not JSON": (b"not json", {"malformed_json"}),
    "truncated": (encode(DEPARTED)[:-10], {"malformed_json"}),
    "empty": (b"", {"malformed_json"}),
    "null": (b"null", {"malformed_json"}),
    "number": (b"5", {"malformed_json"}),
    "array": (b"[" + encode(DEPARTED) + b"]", {"malformed_json"}),
    "two objects": (encode(DEPARTED) + encode(ARRIVED), {"malformed_json"}),
    "trailing text": (encode(DEPARTED) + b" x", {"malformed_json"}),
    "single quotes": (b"{'event_id': 'x'}", {"malformed_json"}),
    "not UTF-8": (encode(DEPARTED).replace(b"EWR", b"E\xffR"), {"malformed_json"}),
    "weather is text": (changed(weather="fine"), {"wrong_type:weather"}),
    "no airline": (encode(without(DEPARTED, "airline")), {"missing:airline"}),
    "blank airline": (changed(airline="  "), {"missing:airline"}),
    "null origin": (changed(origin=None), {"missing:origin"}),
    "text for a number": (changed(distance_miles="far"), {"wrong_type:distance_miles"}),
    "fraction for an integer": (changed(flight_number=15.45), {"wrong_type:flight_number"}),
    "bare date": (changed(event_time="2013-01-01"), {"wrong_type:event_time"}),
    "30 February": (changed(scheduled_arrival="2013-02-30T10:00:00Z"), {"wrong_type:scheduled_arrival"}),
    "unknown airline": (
        changed(airline="ZZ", flight_id="2013-01-01-ZZ-1545-EWR", event_id="2013-01-01-ZZ-1545-EWR:departed"),
        {"unknown_airline"},
    ),
    "unknown destination": (changed(destination="XQX"), {"unknown_destination"}),
    "unknown origin": (
        changed(origin="XQX", flight_id="2013-01-01-UA-1545-XQX", event_id="2013-01-01-UA-1545-XQX:departed"),
        {"unknown_origin"},
    ),
    "round trip": (changed(destination="EWR"), {"origin_is_destination"}),
    "unknown type": (
        changed(event_type="exploded", event_id="2013-01-01-UA-1545-EWR:exploded"),
        {"unknown_event_type"},
    ),
    "other event's id": (changed(event_id="2013-01-01-UA-1545-EWR:arrived"), {"event_id_mismatch"}),
    "other flight's id": (
        changed(flight_id="2013-01-02-UA-1545-EWR", event_id="2013-01-02-UA-1545-EWR:departed"),
        {"flight_id_mismatch"},
    ),
    "negative distance": (changed(distance_miles=-1), {"out_of_range:distance_miles"}),
    "zero distance": (changed(distance_miles=0), {"out_of_range:distance_miles"}),
    "not a number": (changed(distance_miles="NaN"), {"out_of_range:distance_miles"}),
    "delay of a week": (changed(departure_delay_minutes=10080), {"out_of_range:departure_delay_minutes"}),
    "departed without time": (encode(without(DEPARTED, "actual_departure")), {"missing:actual_departure"}),
    "arrived without time": (encode(without(ARRIVED, "actual_arrival")), {"missing:actual_arrival"}),
    "arrival before departure": (
        changed(ARRIVED, actual_arrival="2013-01-01T10:00:00Z"),
        {"actual_times_out_of_order"},
    ),
    "timetable backwards": (
        changed(scheduled_arrival="2013-01-01T10:15:00Z"),
        {"scheduled_times_out_of_order"},
    ),
    "future": (changed(**TOO_EARLY), {"event_in_the_future"}),
    "newer schema": (changed(schema_version=99), {"unsupported_schema_version"}),
    "two events with a comma": (encode(DEPARTED) + b"," + encode(ARRIVED), {"malformed_json"}),
    "two events with a blank": (encode(DEPARTED) + b" " + encode(ARRIVED), {"malformed_json"}),
    "brace at the end": (encode(DEPARTED) + b"}", {"malformed_json"}),
    "bracket at the end": (encode(DEPARTED) + b"]", {"malformed_json"}),
    "brackets that close ours": (encode(DEPARTED) + b'],"all":[' + encode(ARRIVED), {"malformed_json"}),
    "byte order mark": (b"\xef\xbb\xbf" + encode(DEPARTED), {"malformed_json"}),
    "bare NaN": (encode(DEPARTED).replace(b"1400.0", b"NaN"), {"malformed_json"}),
    "leading zero": (encode(DEPARTED).replace(b"1400.0", b"01400"), {"malformed_json"}),
    "comment": (encode(DEPARTED).replace(b"1400.0", b"1400 /* mi */"), {"malformed_json"}),
    "too deep": (changed(x=0).replace(b'"x": 0', b'"x": ' + b"[" * 1001 + b"]" * 1001), {"malformed_json"}),
    "far future": (
        changed(ARRIVED, scheduled_arrival="9999-12-31T23:59:59Z"),
        {"out_of_range:scheduled_arrival"},
    ),
    "flight of 1600": (
        changed(actual_departure="1600-01-01T10:17:00Z"),
        {"out_of_range:actual_departure", "missing:actual_departure"},
    ),
    "local date of year 0": (changed(scheduled_departure="0000-12-31T23:00:00Z"), {"out_of_range:scheduled_departure"}),
    "year 0 by its offset": (
        changed(scheduled_departure="0001-01-01T00:00:00+01:00"),
        {"out_of_range:scheduled_departure"},
    ),
    "year 10000 by its offset": (
        changed(scheduled_arrival="9999-12-31T23:59:59-01:00"),
        {"out_of_range:scheduled_arrival"},
    ),
    "time without its date": (
        changed(actual_departure="15:17:00.000000Z"),
        {"wrong_type:actual_departure", "missing:actual_departure"},
    ),
    "time padded with tabs": (changed(event_time="2013-01-01\t\t\t\t\t\t\t\t"), {"wrong_type:event_time"}),
    "time without its offset": (changed(event_time="2013-01-01T10:17:00"), {"wrong_type:event_time"}),
    "time as a number": (changed(event_time=1357035420), {"wrong_type:event_time"}),
    "text of 17 MB": (changed(source="s" * 17_000_000), {"too_long:source"}),
    "id of 17 MB": (changed(event_id="s" * 17_000_000), {"too_long:event_id"}),
    "control character": (changed(source="re\u0000play"), {"wrong_format:source"}),
    "lone surrogate": (changed(tail_number="N\ud800"), {"wrong_format:tail_number"}),
    "object for a text": (changed(tail_number={"n": 1}), {"wrong_type:tail_number"}),
    "number for a text": (changed(tail_number=14228), {"wrong_type:tail_number"}),
    "list for a text": (changed(source=["replay"]), {"wrong_type:source"}),
    "list for the weather": (changed(weather=[DEPARTED["weather"]]), {"wrong_type:weather"}),
    "text in the weather": (changed(weather={"pressure_hpa": "high"}), {"wrong_type:weather.pressure_hpa"}),
    "truth for a number": (changed(distance_miles=True), {"wrong_type:distance_miles"}),
    "infinite distance": (
        encode(DEPARTED).replace(b"1400.0", b"1e400"),
        {"out_of_range:distance_miles"},
    ),
    "more than 32 bits": (changed(passengers=2**31), {"out_of_range:passengers"}),
    "more than 64 bits": (changed(passengers=2**64), {"out_of_range:passengers"}),
}

ACCEPTED = {
    "departed": encode(DEPARTED),
    "arrived": encode(ARRIVED),
    "scheduled": encode(SCHEDULED),
    "unknown field": changed(pilot="Ann"),
    "padded codes": changed(airline=" ua ", tail_number="n14228"),
    "number as text": changed(flight_number="1545"),
    "other zone": changed(event_time="2013-01-01T12:17:00+02:00"),
    "just inside the tolerance": changed(**LATE_ENOUGH),
    "white space around": b"  " + encode(DEPARTED) + b"\n",
    "braces in a text": changed(pilot="}{"),
    "bracket in a text": changed(pilot="]}, {["),
    "whole numbers with a fraction": changed(passengers=180.0, schema_version=1.0),
    "passengers with an exponent": changed(passengers=0).replace(b'"passengers": 0', b'"passengers": 1.8e2'),
    "a name twice": changed(airline="AA").replace(b'"airline": "AA"', b'"airline": "AA", "airline": "UA"'),
    "microseconds": changed(event_time="2013-01-01T10:17:00.123987Z"),
    "nanoseconds": changed(event_time="2013-01-01T10:17:00.123987654Z"),
    "blank time": changed(SCHEDULED, actual_departure=" "),
    "first moment": changed(actual_departure="1970-01-01T00:00:00+14:00"),
}


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> dict[str, Row]:
    values = {name: value for name, (value, _) in REJECTED.items()} | ACCEPTED
    return dict(zip(values, run_chain(spark, list(values.values())), strict=True))


@pytest.mark.parametrize("name", REJECTED)
def test_bad_record_is_rejected_with_its_reasons(rows: dict[str, Row], name: str) -> None:
    _, expected = REJECTED[name]
    assert set(rows[name].reasons) == expected


@pytest.mark.parametrize("name", ACCEPTED)
def test_good_record_has_no_reason(rows: dict[str, Row], name: str) -> None:
    assert rows[name].reasons == []


def test_codes_are_repaired_and_times_are_utc(rows: dict[str, Row]) -> None:
    assert rows["padded codes"].airline == "UA"
    assert rows["padded codes"].tail_number == "N14228"
    assert rows["other zone"].event_time == rows["departed"].event_time


def test_whole_numbers_and_the_last_of_a_name(rows: dict[str, Row]) -> None:
    whole = rows["whole numbers with a fraction"]
    assert (whole.passengers, whole.schema_version) == (180, 1)
    assert rows["passengers with an exponent"].passengers == 180
    assert rows["a name twice"].airline == "UA"


@pytest.mark.parametrize("name", ["microseconds", "nanoseconds"])
def test_times_are_kept_to_the_millisecond(rows: dict[str, Row], name: str) -> None:
    assert rows[name].event_time.microsecond == 123_000


def test_a_text_that_is_too_long_is_kept_in_the_record_only(rows: dict[str, Row]) -> None:
    assert (rows["text of 17 MB"].source, rows["id of 17 MB"].event_id) == (None, None)


def test_derived_columns(rows: dict[str, Row]) -> None:
    arrived = rows["arrived"]
    assert arrived.flight_date == date(2013, 1, 1)
    assert (arrived.hour, arrived.day_of_week, arrived.month) == (5, 2, 1)  # 05:15 in New York, a Tuesday
    assert arrived.route == "EWR-IAH"
    assert arrived.scheduled_block_minutes == 244
    assert arrived.actual_block_minutes == 253
    assert arrived.delay_recovered_minutes == -9
    assert arrived.average_speed_mph == pytest.approx(1400 / (253 / 60))
    assert arrived.is_delayed is False
    assert rows["scheduled"].is_delayed is None


def test_quality_is_full_when_nothing_is_odd(rows: dict[str, Row]) -> None:
    assert rows["arrived"].quality_score == 1.0
    assert rows["arrived"].quality_flags == []


def test_quality_loses_the_weight_of_each_flag(spark: SparkSession) -> None:
    odd = {
        "tail_number_missing": encode(without(DEPARTED, "tail_number")),
        "aircraft_unknown": changed(tail_number="N00000"),
        "weather_missing": encode(without(DEPARTED, "weather")),
        "weather_incomplete": changed(weather=without(DEPARTED["weather"], "pressure_hpa")),
        "speed_implausible": changed(distance_miles=4000),
        "departure_delay_disagrees": changed(departure_delay_minutes=30),
        "arrival_delay_disagrees": changed(ARRIVED, arrival_delay_minutes=30),
        "delay_extreme": changed(
            event_time="2013-01-01T23:15:00Z", actual_departure="2013-01-01T23:15:00Z", departure_delay_minutes=780
        ),
    }
    weights = {flag.name: flag.weight for flag in FLAGS}
    for (name, _), row in zip(odd.items(), run_chain(spark, list(odd.values())), strict=True):
        assert row.reasons == [], name
        assert row.quality_flags == [name]
        assert row.quality_score == pytest.approx(1 - weights[name])


def test_impossible_weather_costs_the_value_and_not_the_event(spark: SparkSession) -> None:
    weather = DEPARTED["weather"] | {"wind_speed_mph": 1048.36}
    (row,) = run_chain(spark, [changed(weather=weather)])
    assert row.reasons == []
    assert row.weather.wind_speed_mph is None
    assert row.weather.temperature_f == 39.02
    assert set(row.quality_flags) == {"weather_implausible", "weather_incomplete"}


def test_score_stays_between_zero_and_one_and_falls_with_flags(spark: SparkSession) -> None:
    worst = without(ARRIVED, "tail_number", "weather") | {
        "distance_miles": 9000,
        "departure_delay_minutes": 1000,
        "arrival_delay_minutes": 1000,
    }
    (row,) = run_chain(spark, [encode(worst)])
    assert 0.0 <= row.quality_score < 0.2


def test_no_damage_to_a_record_stops_the_batch(spark: SparkSession) -> None:
    rng = random.Random(20130101)
    good = encode(ARRIVED)
    damaged = []
    for _ in range(1500):
        record = bytearray(good)
        for _ in range(rng.randint(1, 4)):
            place = rng.randrange(len(record))
            if rng.random() < 0.5:
                record[place] = rng.randrange(256)
            else:
                del record[place : place + rng.randint(1, 30)]
        damaged.append(bytes(record))
    for name, odd in itertools.product(ARRIVED, (None, "", -1, 0, 1e308, "NaN", [], {}, True, "9999-12-31T23:59:59Z")):
        damaged.append(changed(ARRIVED, **{name: odd}))
    rows = run_chain(spark, damaged)
    assert len(rows) == len(damaged)
    assert all(row.reasons is not None and 0.0 <= row.quality_score <= 1.0 for row in rows)
