"""The pictures and tables of Data Quality & Metadata on small frames made by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pytest

from dashboard.app_pages.quality import (
    lineage_charts,
    queries,
    reconciliation_charts,
    rejection_charts,
    store_charts,
    text,
)
from dashboard.app_pages.quality import score_charts as charts
from dashboard.app_pages.quality.lineage_text import NODES
from dashboard.panels import rejections
from dashboard.panels.columns import COLUMNS
from dashboard.panels.drawings import Chart, Number
from dashboard.panels.rendering import csv
from events.flight import CONTRACT
from skytier import migrations
from spark_jobs.flights import quality as quality_rules
from spark_jobs.flights import validate

pytestmark = pytest.mark.plain

NOW = pd.Timestamp(datetime(2026, 5, 1, 12, 30, tzinfo=UTC))


def events(*rows: dict[str, Any]) -> pd.DataFrame:
    """Rows as ``queries.events`` gives them: what a row does not say is 0."""
    counts = [f"missing_{name}" for name in queries.optional_fields()] + [f"flag_{name}" for name in text.FLAGS]
    first = {"flight_date": date(2013, 1, 1), "event_type": "arrived", "events": 10, "flagged": 0, "quality_sum": 10.0}
    return pd.DataFrame([first | dict.fromkeys(counts, 0) | row for row in rows])


TWO_DAYS = events(
    {"event_type": "scheduled", "missing_actual_departure": 10},
    {"quality_sum": 9.0, "flagged": 4, "flag_weather_missing": 4, "flag_tail_number_missing": 2},
    {"flight_date": date(2013, 1, 2), "events": 20, "quality_sum": 10.0, "flagged": 20, "flag_weather_missing": 20},
)


def values(numbers: list[Number]) -> dict[str, str]:
    return {number.label: number.value for number in numbers}


def test_every_flag_and_reason_of_the_minute_job_has_words() -> None:
    assert {name: flag.weight for name, flag in text.FLAGS.items()} == {
        flag.name: flag.weight for flag in quality_rules.FLAGS
    }
    codes = {rule.reason for rule in validate.rules(5)} | set(validate.FOUND_EARLIER)
    assert {code.partition(":")[0] for code in codes} == set(rejections.REASONS)


def test_every_optional_field_has_words() -> None:
    assert len(queries.optional_fields()) == 16
    assert set(queries.optional_fields()) <= set(COLUMNS)


def test_every_table_has_words() -> None:
    assert {table.name for table in migrations.tables(migrations.read())} <= set(text.STORE_KINDS)


def test_reasons_in_words() -> None:
    assert rejections.reason("missing:scheduled_departure") == "Missing: Scheduled departure"
    assert rejections.reason("out_of_range:departure_delay_minutes") == "Out of range: Departure delay"
    assert rejections.reason("wrong_type:weather.wind_gust_mph") == "Wrong type: Wind gusts"
    assert rejections.reason("malformed_json") == "Not exactly one JSON object"
    assert rejections.reason("a_reason_of_tomorrow") == "a_reason_of_tomorrow"


def test_quality_of_the_stored_events() -> None:
    assert values(charts.stored(TWO_DAYS)) == {text.MEAN_QUALITY: "0.7250", text.WITHOUT_FLAGS: "40.0%"}


def test_what_became_of_the_records() -> None:
    frame = pd.DataFrame(
        {
            "batches": [3, None],
            "consumed": [1000, None],
            "stored": [900, None],
            "duplicates": [96, None],
            "rejected": [4, None],
        }
    )
    numbers = charts.records(frame)
    assert values(numbers) == {text.CONSUMED: "1,000", text.DUPLICATES: "96", text.REJECTED: "4"}
    assert [number.note for number in numbers] == ["900 stored", "9.6% of the records", "0.4% of the records"]


def test_no_run_yet() -> None:
    frame = pd.DataFrame([dict.fromkeys(["batches", "consumed", "stored", "duplicates", "rejected"])])
    assert values(charts.records(frame)) == {text.CONSUMED: "0", text.DUPLICATES: "0", text.REJECTED: "0"}


def test_scores_by_day() -> None:
    days = charts.by_day(TWO_DAYS)
    assert days["events"].tolist() == [20, 20]
    assert days["mean_quality"].tolist() == [0.95, 0.5]
    assert days["flagged_pct"].tolist() == [20.0, 100.0]
    chart = charts.scores(TWO_DAYS)
    assert "minimum 0.5000 on 2013-01-02" in chart.says
    assert "60.0% of the events" in chart.says


def test_a_single_day() -> None:
    assert "Flight dates: 1. Mean quality: 1.0000" in charts.scores(events({})).says


def test_flags_the_most_frequent_first() -> None:
    grid = charts.flags(TWO_DAYS)
    first, second = grid.rows.to_dict("records")[:2]
    assert first == {"flag": "Weather missing", "events": 24, "share_pct": 60.0, "weight": 0.2}
    assert (second["flag"], second["events"], second["share_pct"]) == ("Aircraft registration missing", 2, 5.0)
    assert len(grid.rows) == len(text.FLAGS)
    assert "'Weather missing', on 60.0% of 40 events" in grid.says


def test_no_flag_at_all() -> None:
    assert charts.flags(events({})).says == "None of the 10 events has a flag."


def test_missing_values_by_field() -> None:
    rows = charts.missing_by_field(TWO_DAYS).set_index(["field", "event_type"])
    assert rows.loc[("actual_departure", "scheduled"), "missing_pct"] == 100.0
    assert rows.loc[("actual_departure", "arrived"), "missing_pct"] == 0.0
    overall = {name: rows.loc[("actual_departure", "all"), name] for name in ("events", "missing", "missing_pct")}
    assert overall == {"events": 40, "missing": 10, "missing_pct": 25.0}
    chart = charts.missing(TWO_DAYS)
    assert list(chart.figure.data[0].x) == ["Scheduled", "Arrived", "All"]
    assert "Actual departure is missing most often, in 25.0% of 40 events" in chart.says
    assert "The 13 required fields" in chart.says
    assert sum(not field.nullable for field in CONTRACT.fields()) == 13


@pytest.mark.parametrize(
    ("percent", "told"), [(0.0, "0%"), (0.01, "<0.1%"), (12.34, "12.3%"), (99.99, ">99.9%"), (100.0, "100%")]
)
def test_a_few_are_not_none_and_nearly_all_not_all(percent: float, told: str) -> None:
    frame = events({"events": 10_000, "missing_tail_number": round(percent * 100)})
    assert charts.missing(frame).figure.data[0].text[0][0] == told


def test_reasons_by_frequency() -> None:
    frame = pd.DataFrame(
        {"reason": [f"missing:field_{n}" for n in range(20)], "records": range(40, 20, -1), "newest": NOW}
    )
    chart = rejection_charts.reasons(frame)
    assert len(chart.figure.data[0].y) == 15
    assert chart.rows is not None
    assert len(chart.rows) == 20
    assert "610 reasons were recorded, 20 distinct" in chart.says
    assert "in 40 records" in chart.says
    assert "15 most frequent" in chart.says
    assert "15 most frequent" not in rejection_charts.reasons(frame.head(3)).says


def test_samples_say_every_reason() -> None:
    frame = pd.DataFrame(
        {
            "ingestion_timestamp": [NOW, NOW],
            "reasons": ['["malformed_json"]', '["unknown_airline","missing:origin"]'],
            "raw": [None, '<img src=x onerror="alert(1)">'],
            "characters": [None, 30],
            "encoding": ["text", "text"],
            "event_id": [None, None],
            "kafka_topic": "t",
            "kafka_partition": 0,
            "kafka_offset": [1, 2],
            "batch_id": 1,
        }
    )
    rows = rejection_charts.samples(frame).rows
    assert rows["reasons"].tolist() == ["Not exactly one JSON object", "Unknown airline; Missing: Origin"]
    assert rows["raw"].tolist()[1] == '<img src=x onerror="alert(1)">'


def runs(*rows: dict[str, Any]) -> pd.DataFrame:
    first = {"consumed": 5, "stored": 3, "duplicates": 1, "rejected": 1, "counts_match": True}
    made = [first | {"batch_id": number, "committed_at": NOW} | row for number, row in enumerate(rows)]
    return pd.DataFrame(made).iloc[::-1]


@pytest.mark.parametrize("logarithmic", [True, False])
def test_records_by_batch(logarithmic: bool) -> None:
    later = NOW + pd.Timedelta(minutes=1)
    chart = reconciliation_charts.by_batch(
        runs({}, {"committed_at": later, "consumed": 70_000}), logarithmic=logarithmic
    )
    first, *_ = chart.figure.data
    assert list(first.y) == [5, 70_000]
    assert list(first.x) == ["2026-05-01 12:30:00", "2026-05-01 12:31:00"]
    assert chart.says.startswith("The newest 2 batches consumed 70,005 records: 6 stored, 2 duplicates, 2 rejected.")
    assert chart.says.endswith(text.RECONCILED)
    assert (chart.figure.layout.yaxis.type == "log") is logarithmic


def test_batches_whose_row_counts_differ_are_reported() -> None:
    chart = reconciliation_charts.by_batch(runs({}, {"counts_match": False}), logarithmic=True)
    assert "Row counts do NOT match in 1 of them" in chart.says


def test_a_run_with_nothing_stored() -> None:
    empty = {"consumed": 0, "stored": 0, "duplicates": 0, "rejected": 0}
    assert isinstance(reconciliation_charts.by_batch(runs(empty), logarithmic=True), Chart)


def stores(**rows: tuple[int | None, pd.Timestamp | None]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "store": list(rows),
            "records": pd.array([records for records, _ in rows.values()], dtype="float64"),
            "newest": pd.Series([newest for _, newest in rows.values()], dtype="datetime64[us, UTC]"),
            "age_minutes": [None if newest is None else 90.0 for _, newest in rows.values()],
            "size_mb": None,
        }
    )


def test_freshness_of_every_store() -> None:
    frame = stores(minute_job=(2, NOW), hot=(None, None), topic=(7, NOW), kafka=(9, NOW), table_of_tomorrow=(1, NOW))
    rows = store_charts.freshness(frame).rows
    assert rows["store"].tolist()[0] == "flight_events"
    assert rows["kind"].tolist()[0] == "Kafka topic"
    assert rows["age"].tolist()[0] == "1.5 h"
    file = store_charts.freshness(frame).file
    assert file is not None
    assert file["age_minutes"].tolist()[0] == 90.0
    assert "minute_job" not in set(rows["store"])
    assert rows["store"].tolist()[-1] == "table_of_tomorrow"
    hot = rows[rows["kind"] == "MongoDB collection"].iloc[0]
    assert (hot["age"], pd.isna(hot["records"])) == ("never", True)


@pytest.mark.parametrize(
    ("minutes", "told"),
    [
        (float("nan"), "never"),
        (-0.1, "0 s"),
        (0.5, "30 s"),
        (1.0, "1 min 00 s"),
        (59.4, "59 min"),
        (90.0, "1.5 h"),
        (4320.0, "3.0 days"),
    ],
)
def test_age(minutes: float, told: str) -> None:
    assert store_charts.age(minutes) == told


def test_lineage_counts_what_is_known() -> None:
    frame = stores(
        topic=(110, NOW),
        minute_job=(2, NOW),
        staging_flight_events=(100, NOW),
        duplicates=(4, None),
        rejected_flight_events=(6, NOW),
        hot=(None, None),
        archived_flight_events=(0, None),
    )
    chart = lineage_charts.lineage(frame)
    assert chart.says.startswith("The minute job consumed 110 records of the Kafka topic: 100 are in the staging")
    assert "- of them also in the hot tier and 0 in archives; 4 were duplicates; 6 were rejected" in chart.says
    labels = dict(zip(lineage_charts.POSITIONS, chart.figure.data[0].text, strict=True))
    assert set(labels) == set(NODES)
    assert labels["minute_job"].endswith("<br>2 batches")
    assert labels["hot"].endswith("<br>- events")
    assert labels["view"].endswith("<br>each event once")
    assert chart.rows is not None
    fed_by = dict(zip(labels, chart.rows["fed_by"], strict=True))
    assert pd.isna(fed_by["topic"])
    assert fed_by["view"] == "flight_events, archived_flight_events"


def test_archives_say_what_queries_see() -> None:
    frame = pd.DataFrame(
        {
            "archive_id": ["archive_2", "archive_1"],
            "archived_at": [NOW, NOW],
            "state": ["● done", "unheard_of"],
            "visible": ["purged", None],
            "record_count": [10, 20],
            "checksum": ["ab" * 16, None],
        }
    )
    rows = store_charts.archives(frame).rows
    assert rows["state"].tolist() == ["● done", "unheard_of"]
    assert rows["visible"].tolist() == ["read here", None]
    assert rows["checksum"].tolist() == ["abababababab", None]


def test_the_contract_has_every_field() -> None:
    table = queries.contract().run()
    assert table["field"].to_pylist()[0] == "event_id"
    assert table.num_rows == len(CONTRACT.fields()) + len(CONTRACT.nested_fields("weather"))


def test_no_spreadsheet_runs_what_a_record_says() -> None:
    frame = pd.DataFrame({"raw": ["=1+1", "@SUM(A1)", "{}", None], "records": [-1, 2, 3, 4]})
    lines = csv(frame).decode().splitlines()
    assert lines[1:] == ["'=1+1,-1", "'@SUM(A1),2", "{},3", ",4"]


def test_what_an_event_type_never_has_is_no_fault() -> None:
    chart = charts.missing(TWO_DAYS)
    (heat,) = chart.figure.data
    shown = dict(zip(heat.x, pd.DataFrame(heat.z).T.to_numpy(), strict=True))
    assert not any(value == 100 for kind, of_kind in shown.items() if kind != text.ALL_EVENTS for value in of_kind)
