"""Every form of the event contract says the same: fields, JSON schema, Spark schema, DDL."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest

from events.flight import CONTRACT, FlightEvent, Weather
from skytier import contract, migrations
from skytier.contract import STRUCT, EventField

pytestmark = pytest.mark.plain

TABLES = {table.name: table for table in migrations.tables(migrations.read())}
PROCESSING = {"ingestion_timestamp", "processing_timestamp", "batch_id", "processing_date"}


def by_name(fields: Iterable[EventField]) -> dict[str, EventField]:
    return {field.name: field for field in fields}


def test_fields_are_those_of_the_models() -> None:
    assert [f.name for f in CONTRACT.fields()] == list(FlightEvent.model_fields)
    assert [f.name for f in CONTRACT.nested_fields("weather")] == [f"weather.{name}" for name in Weather.model_fields]


def test_a_field_carries_its_limits() -> None:
    fields = by_name(CONTRACT.fields())
    distance, delay = fields["distance_miles"], fields["arrival_delay_minutes"]
    assert (distance.minimum, distance.maximum, distance.excludes_minimum, distance.unit) == (0, 12500, True, "mi")
    assert (delay.minimum, delay.maximum, delay.excludes_minimum, delay.unit) == (-240, 2880, False, "min")
    assert delay.nullable
    assert not distance.nullable
    assert fields["airline"].pattern == "^[A-Z0-9]{2}$"
    assert fields["event_type"].values == ("scheduled", "departed", "arrived", "cancelled", "diverted")
    assert fields["event_time"].type == "timestamp"


def test_spark_schema_follows_the_fields() -> None:
    schema = CONTRACT.spark_schema()
    fields = CONTRACT.fields()
    assert [(f.name, f.nullable) for f in schema] == [(f.name, f.nullable) for f in fields]
    plain = {f.name: f.type for f in fields if f.type != STRUCT}
    assert {f.name: f.dataType.simpleString() for f in schema if f.name in plain} == plain
    weather = ",".join(f"{f.name.removeprefix('weather.')}:{f.type}" for f in CONTRACT.nested_fields("weather"))
    assert schema["weather"].dataType.simpleString() == f"struct<{weather}>"


def test_fingerprint_ignores_wording_but_not_demands() -> None:
    demands = contract._demands
    described = {"title": "A", "description": "x", "properties": {"title": {"type": "string", "description": "y"}}}
    assert demands(described) == {"properties": {"title": {"type": "string"}}}
    assert re.fullmatch("[0-9a-f]{64}", CONTRACT.fingerprint())
    assert CONTRACT.fingerprint() == CONTRACT.fingerprint()


def test_staging_has_the_columns_of_the_contract() -> None:
    columns = {c.name: c.type for c in TABLES["staging_flight_events"].columns}
    fields = CONTRACT.fields()
    plain = {f.name: f.type for f in fields if f.type != STRUCT}
    assert list(columns)[: len(fields)] == [f.name for f in fields]
    assert {name: columns[name] for name in plain} == plain
    declared = re.findall(r"^    (\w+): (\w+) COMMENT", columns["weather"], re.MULTILINE)
    assert declared == [(f.name.removeprefix("weather."), f.type) for f in CONTRACT.nested_fields("weather")]
    assert set(columns) - {f.name for f in fields} == PROCESSING | {"quality_score", "quality_flags"}


def test_fact_has_the_columns_of_the_contract_with_flat_weather() -> None:
    columns = {c.name: c.type for c in TABLES["fact_flight_events"].columns}
    plain = {f.name: f.type for f in CONTRACT.fields() if f.type != STRUCT}
    weather = {f.name.replace(".", "_"): f.type for f in CONTRACT.nested_fields("weather")}
    expected = plain | weather
    assert {name: columns.get(name) for name in expected} == expected
    assert set(columns) >= PROCESSING


def test_columns_name_their_unit() -> None:
    comments = {c.name: c.comment for c in TABLES["fact_flight_events"].columns}
    fields = CONTRACT.fields() + CONTRACT.nested_fields("weather")
    units = {f.name.replace(".", "_"): f.unit for f in fields if f.unit}
    wrong = {name for name, unit in units.items() if not comments[name].endswith(f", {unit}")}
    assert not wrong
