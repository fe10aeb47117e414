"""Every form of the event contract says the same: fields, JSON schema, Spark schema, DDL."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest

from skytier import event_schema, migrations
from skytier.event import FlightEvent, Weather
from skytier.event_schema import STRUCT, EventField

pytestmark = pytest.mark.plain

TABLES = {table.name: table for table in migrations.tables(migrations.read())}
PROCESSING = {"ingestion_timestamp", "processing_timestamp", "batch_id", "processing_date"}


def by_name(fields: Iterable[EventField]) -> dict[str, EventField]:
    return {field.name: field for field in fields}


def test_fields_are_those_of_the_models() -> None:
    assert [f.name for f in event_schema.fields()] == list(FlightEvent.model_fields)
    assert [f.name for f in event_schema.weather_fields()] == [f"weather.{name}" for name in Weather.model_fields]


def test_a_field_carries_its_limits() -> None:
    fields = by_name(event_schema.fields())
    distance, delay = fields["distance_miles"], fields["arrival_delay_minutes"]
    assert (distance.minimum, distance.maximum, distance.excludes_minimum, distance.unit) == (0, 12500, True, "mi")
    assert (delay.minimum, delay.maximum, delay.excludes_minimum, delay.unit) == (-240, 2880, False, "min")
    assert delay.nullable
    assert not distance.nullable
    assert fields["airline"].pattern == "^[A-Z0-9]{2}$"
    assert fields["event_type"].values == ("scheduled", "departed", "arrived", "cancelled", "diverted")
    assert fields["event_time"].type == "timestamp"


def test_spark_schema_follows_the_fields() -> None:
    schema = event_schema.spark_schema()
    fields = event_schema.fields()
    assert [(f.name, f.nullable) for f in schema] == [(f.name, f.nullable) for f in fields]
    plain = {f.name: f.type for f in fields if f.type != STRUCT}
    assert {f.name: f.dataType.simpleString() for f in schema if f.name in plain} == plain
    weather = ",".join(f"{f.name.removeprefix('weather.')}:{f.type}" for f in event_schema.weather_fields())
    assert schema["weather"].dataType.simpleString() == f"struct<{weather}>"


def test_fingerprint_ignores_wording_but_not_demands() -> None:
    demands = event_schema._demands
    described = {"title": "A", "description": "x", "properties": {"title": {"type": "string", "description": "y"}}}
    assert demands(described) == {"properties": {"title": {"type": "string"}}}
    assert re.fullmatch("[0-9a-f]{64}", event_schema.fingerprint())
    assert event_schema.fingerprint() == event_schema.fingerprint()


def test_staging_has_the_columns_of_the_contract() -> None:
    columns = {c.name: c.type for c in TABLES["staging_flight_events"].columns}
    fields = event_schema.fields()
    plain = {f.name: f.type for f in fields if f.type != STRUCT}
    assert list(columns)[: len(fields)] == [f.name for f in fields]
    assert {name: columns[name] for name in plain} == plain
    declared = re.findall(r"^    (\w+): (\w+) COMMENT", columns["weather"], re.MULTILINE)
    assert declared == [(f.name.removeprefix("weather."), f.type) for f in event_schema.weather_fields()]
    assert set(columns) - {f.name for f in fields} == PROCESSING | {"quality_score", "quality_flags"}


def test_fact_has_the_columns_of_the_contract_with_flat_weather() -> None:
    columns = {c.name: c.type for c in TABLES["fact_flight_events"].columns}
    plain = {f.name: f.type for f in event_schema.fields() if f.type != STRUCT}
    weather = {f.name.replace(".", "_"): f.type for f in event_schema.weather_fields()}
    expected = plain | weather
    assert {name: columns.get(name) for name in expected} == expected
    assert set(columns) >= PROCESSING


def test_columns_name_their_unit() -> None:
    comments = {c.name: c.comment for c in TABLES["fact_flight_events"].columns}
    fields = event_schema.fields() + event_schema.weather_fields()
    units = {f.name.replace(".", "_"): f.unit for f in fields if f.unit}
    wrong = {name for name, unit in units.items() if not comments[name].endswith(f", {unit}")}
    assert not wrong
