"""The figures of the Real-Time Overview against the documents and files that they stand for."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from dashboard.app_pages.overview import charts, queries, text
from dashboard.panels.drawings import Chart, Grid, Number
from dashboard.panels.filters import Filters
from dashboard.panels.hot_tier_size import hot_size
from skytier import hot_tier
from skytier.files import Files
from skytier.topic_state import topic_state
from tests.query_results import rows_of
from tests.stores import topic_messages

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600), pytest.mark.usefixtures("january")]

FILTERS = [Filters(), Filters(airlines=("UA", "DL"), origins=("EWR",))]


@functools.lru_cache(maxsize=1)
def read(count: int) -> pd.DataFrame:
    """All documents of the hot tier, ``count`` of them. They are many, and nothing is written meanwhile."""
    with hot_tier.client() as connection:
        found = pd.DataFrame(hot_tier.events(connection).find({}, {"weather": 0}))
    assert len(found) == count
    return found


def documents(filters: Filters) -> pd.DataFrame:
    """All documents of the hot tier, chosen by plain comparison."""
    with hot_tier.client() as connection:
        found = read(hot_tier.events(connection).count_documents({}))
    if filters.airlines:
        found = found[found["airline"].isin(filters.airlines)]
    return found[found["origin"].isin(filters.origins)] if filters.origins else found


def aloft(found: pd.DataFrame, moment: datetime) -> pd.DataFrame:
    """The departures of flights that had left and not landed at a moment."""
    events = found[found["event_time"] <= moment]
    landed = set(events[events["event_type"].isin(["arrived", "diverted"])]["flight_id"])
    recent = events[events["event_time"] >= clock(found) - timedelta(hours=queries.AIR_HOURS)]
    departed = recent[recent["event_type"] == "departed"]
    return departed[~departed["flight_id"].isin(landed)]


def clock(_: pd.DataFrame) -> datetime:
    with hot_tier.client() as connection:
        newest = hot_tier.clock(connection)
    assert newest is not None
    return newest


def by_label(numbers: list[Number]) -> dict[str, Number]:
    return {number.label: number for number in numbers}


@pytest.mark.parametrize("filters", FILTERS)
def test_flights_in_the_air(filters: Filters) -> None:
    found = documents(filters)
    now = clock(found)
    hourly = [aloft(found, now - timedelta(hours=hours)) for hours in range(12, -1, -1)]
    late = [int((flights["departure_delay_minutes"] >= 15).sum()) for flights in hourly]
    flying, delayed = charts.in_the_air(rows_of(queries.in_the_air(filters)))
    assert list(flying.trend) == [len(flights) for flights in hourly]
    assert list(delayed.trend) == late
    assert (flying.value, delayed.value) == (f"{len(hourly[-1]):,}", f"{late[-1]:,}")
    more = len(hourly[-1]) - len(hourly[-2])
    assert (flying.change, flying.note) == ((f"{more:+,}", None) if more else (None, text.UNCHANGED))


@pytest.mark.parametrize("hours", [6, 12])
def test_routes_in_the_air(hours: int) -> None:
    """As they were when it was day: the newest event is of the night."""
    found = documents(Filters())
    moment = clock(found) - timedelta(hours=hours)
    now = aloft(found, moment)
    assert len(now) > 5
    chart = charts.routes(rows_of(queries.in_the_air(Filters())).assign(clock=moment))
    assert isinstance(chart, Chart)
    routes = now.groupby(["origin", "destination"]).ngroups
    assert f"Flights in the air: {len(now):,}, on {routes:,} routes" in chart.says
    lines = [trace for trace in chart.figure.data if trace.mode == "lines"]
    assert len(lines) == routes


def test_size_of_the_hot_tier() -> None:
    numbers = by_label(charts.hot_size(rows_of(hot_size())))
    assert numbers["Events"].value == f"{len(documents(Filters())):,}"
    with hot_tier.client() as connection:
        (found,) = connection["flight_tracking"]["flight_events"].aggregate([{"$collStats": {"storageStats": {}}}])
    data_mb = found["storageStats"]["size"] / 1e6
    shown_mb = float(numbers["Size"].value.removesuffix(" MB").replace(",", ""))
    assert data_mb < shown_mb < data_mb * 2.5


def test_ingestion_is_that_of_the_batches() -> None:
    """Also of events that have left the hot tier, and of records that were not stored."""
    frame = rows_of(queries.batches())
    minutes = charts.by_minute(frame)
    since, until = minutes["minute"].iloc[0], minutes["minute"].iloc[-1] + pd.Timedelta(minutes=1)
    recent = [batch for batch in metadata() if since <= datetime.fromisoformat(batch["committed_at"]) < until]
    assert recent
    for name in ("consumed", "stored", "duplicates", "rejected"):
        assert minutes[name].sum() == sum(batch[name] for batch in recent)
    assert len(minutes) == 60
    assert datetime.now(UTC) - until.to_pydatetime() < timedelta(minutes=2)


def test_incoming_records_are_those_of_kafka() -> None:
    (row,) = rows_of(queries.incoming()).to_dict("records")
    arrived = [record.timestamp()[1] for record in topic_messages()]
    assert row["newest"].timestamp() * 1000 == pytest.approx(max(arrived), abs=1)
    assert topic_state(row["newest"] - timedelta(days=1)).arrived == len(arrived) == topic_state(row["newest"]).kept


def test_latest_events() -> None:
    grid = charts.latest(rows_of(queries.latest(Filters(airlines=("UA",)))))
    assert isinstance(grid, Grid)
    found = documents(Filters(airlines=("UA",))).nlargest(queries.LATEST, "event_time")
    assert sorted(grid.rows["event_time"]) == sorted(found["event_time"])
    assert grid.rows["event_time"].is_monotonic_decreasing
    types = dict(zip(found["_id"], found["event_type"], strict=True))
    for row in grid.rows.itertuples():
        event = f"{row.flight_id}:{str(row.event_type).lower()}"
        assert event not in types or types[event] == str(row.event_type).lower()


def metadata() -> list[dict[str, Any]]:
    """The metadata files of all batches."""
    files = Files()
    names = [name for name in files.list("/metadata") if name.startswith("batch_")]
    return [files.read_json(f"/metadata/{name}") for name in names]


def test_batches_are_those_of_the_metadata_files() -> None:
    known = metadata()
    newest = max(known, key=lambda batch: int(batch["batch_id"]))
    records, latency = charts.batches(rows_of(queries.batches()))
    assert records.value == f"{sum(batch['stored'] for batch in known):,}"
    waited = datetime.fromisoformat(newest["committed_at"]) - datetime.fromisoformat(newest["ingestion_time_min"])
    assert latency.trend[-1] == pytest.approx(waited.total_seconds(), abs=0.01)
