"""Operations & Monitoring: what is drawn and graded, from small frames."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from dashboard.app_pages.operations import alert_text, job_charts, run_charts, run_text, storage_charts, text
from dashboard.app_pages.operations import health_charts as charts
from dashboard.app_pages.operations import health_queries as queries
from dashboard.app_pages.operations.health_queries import Part
from dashboard.app_pages.operations.storage_queries import archive_steps
from dashboard.panels.drawings import Chart, Grid
from dashboard.panels.states import State
from skytier.airflow_api import ARCHIVING, MINUTE
from skytier.archive.manifest import File, Manifest, Selection, Tally
from skytier.archive.manifest import State as ArchiveState

pytestmark = pytest.mark.plain

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def health(**states: str) -> pd.DataFrame:
    """Every server is well but these."""
    rows = [
        {
            "server": name,
            "state": states.get(name, "ok"),
            "latency_ms": None if name in states else 12.0,
            "heartbeat_seconds": None,
            "reason": "it does not answer" if states.get(name) == "down" else None,
        }
        for name in queries.WEIGHTS
    ]
    return pd.DataFrame(rows)


def test_the_parts_of_the_score_make_a_hundred() -> None:
    assert sum(queries.MOST.values()) == 100
    assert set(text.SERVER_NAMES) == set(text.CHECKS) == set(queries.WEIGHTS)


@pytest.mark.parametrize(
    ("states", "points", "well"),
    [
        ({}, 50.0, 11),
        ({"redis": "down"}, 50 * 24 / 25, 10),
        ({"kafka": "down", "sql": "slow"}, 50 * 21 / 25, 10),
        (dict.fromkeys(queries.WEIGHTS, "unknown"), 0.0, 0),
    ],
)
def test_servers_count_by_their_weight(states: dict[str, str], points: float, well: int) -> None:
    graded = queries.graded_servers(health(**states))
    assert graded.points == pytest.approx(points)
    assert (graded.measure, graded.of) == (well, 11)


@pytest.mark.parametrize(
    ("waiting", "minutes", "points"), [(0, 600, 20), (7, 3, 20), (7, 4, 10), (7, 15, 10), (7, 16, 0)]
)
def test_a_late_batch_costs_points_where_records_wait(waiting: int, minutes: int, points: float) -> None:
    graded = queries.graded_minute_runs(waiting, NOW - timedelta(minutes=minutes), NOW)
    assert (graded.points, graded.measure, graded.of) == (points, minutes, waiting)


def test_before_the_first_batch_records_must_not_wait() -> None:
    assert queries.graded_minute_runs(0, None, NOW).points == 20
    assert queries.graded_minute_runs(5, None, NOW).points == 0


@pytest.mark.parametrize(("size", "points"), [(0, 10), (300, 10), (330, 5), (360, 0), (900, 0)])
def test_a_hot_tier_over_its_limit_costs_points(size: float, points: float) -> None:
    assert queries.graded_hot_tier(size, 300).points == pytest.approx(points)


@pytest.mark.parametrize(("critical", "warnings", "points"), [(0, 0, 10), (1, 2, 3), (2, 0, 0), (0, 30, 0)])
def test_open_alerts_cost_points(critical: int, warnings: int, points: float) -> None:
    assert queries.graded_alerts(critical, warnings).points == points


def runs(dag: str, *states: str | None) -> pd.DataFrame:
    """Runs of a DAG, the newest first, a minute apart, of 10 s, 20 s, ..."""
    rows = [
        {
            "dag_id": dag,
            "schedule": "* * * * *",
            "next_run_at": pd.Timestamp(NOW + timedelta(minutes=1)),
            "is_paused": False,
            "run_id": f"run {number}" if state else None,
            "run_type": "scheduled",
            "state": state,
            "queued_at": pd.Timestamp(NOW - timedelta(minutes=number)) if state else pd.NaT,
            "started_at": pd.Timestamp(NOW - timedelta(minutes=number)) if state else pd.NaT,
            "duration_seconds": 10.0 * (number + 1) if state in ("success", "failed") else None,
        }
        for number, state in enumerate(states)
    ]
    return pd.DataFrame(rows)


def together(*frames: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame([row for frame in frames for row in frame.to_dict("records")])


def test_a_dag_is_graded_by_its_newest_ended_run() -> None:
    some = [runs("a", "running", "success", "failed"), runs("b", "failed", "success"), runs("c", None)]
    graded = queries.graded_dags(together(*some))
    assert (graded.points, graded.measure, graded.of) == (5, 1, 2)
    assert queries.graded_dags(runs("c", None)).points == 10


def score(**changes: tuple[float, float | None, float | None]) -> pd.DataFrame:
    known = {"servers": (50.0, 11.0, 11.0), "minute runs": (20.0, 0.5, 9.0), "dags": (10.0, 5.0, 5.0)}
    known |= {"hot tier": (10.0, 105.0, 300.0), "alerts": (10.0, 0.0, 0.0)}
    rows = [
        {"health_part": part, "points": points, "most": queries.MOST[Part(part)], "measure": measure, "of": of}
        for part, (points, measure, of) in (known | changes).items()
    ]
    return pd.DataFrame(rows)


def test_the_score_is_the_sum_of_its_parts() -> None:
    whole, *parts = charts.score(score())
    assert (whole.value, whole.note) == ("100", "healthy")
    assert {number.state for number in (whole, *parts)} == {State.GOOD}
    assert [part.value for part in parts] == ["11 of 11", "30 s", "5 of 5", "35.0%", "0"]


def test_a_part_that_is_not_known_gives_no_points() -> None:
    whole, *parts = charts.score(score(alerts=(0.0, None, None)))
    assert (whole.value, whole.note) == ("90", "degraded")
    assert (parts[-1].value, parts[-1].note) == (text.NOT_KNOWN, text.POINTS_NOT_KNOWN)
    assert (whole.state, parts[-1].state) == (State.WARNING, State.UNKNOWN)
    no_batch = charts.score(score(**{"minute runs": (0.0, float("nan"), 5.0)}))
    assert (no_batch[2].value, no_batch[2].state) == (text.NO_BATCH, State.BAD)


def test_servers_that_are_not_well_come_first() -> None:
    rows = charts.servers(health(redis="down", sql="slow")).rows
    assert rows["server"].tolist()[:3] == ["Redis", "SQL endpoint", "Kafka"]
    assert rows["server_state"].tolist()[:3] == ["✕ Down", "▲ Slow", "● Healthy"]
    assert "reason" in rows
    assert "reason" not in charts.servers(health()).rows


def test_alerts_say_who_has_seen_them() -> None:
    row = {"alert_id": "1", "severity": "critical", "kind": "archive", "subject": "a", "message": "m", "times": 2}
    times = {"first_time": pd.Timestamp(NOW), "last_time": pd.Timestamp(NOW)}
    state = [(None, None), ("ann", None), (None, pd.Timestamp(NOW)), ("ann", pd.Timestamp(NOW))]
    frame = pd.DataFrame([row | times | {"acknowledged_by": by, "resolved_time": at} for by, at in state])
    rows = charts.alerts(frame).rows
    assert rows["alert_state"].tolist() == [alert_text.OPEN, "ann"] * 2
    assert rows["severity"].tolist() == ["✕ Critical"] * 2 + [alert_text.RESOLVED] * 2
    assert rows["resolved_time"].isna().tolist() == [True, True, False, False]


@pytest.mark.parametrize(
    ("kind", "subject", "said"),
    [
        ("drift", "after_departure:destination", "Destination, predicted at departure"),
        (
            "drift",
            "before_departure:error_distribution",
            "Prediction errors, predicted 2 hours before departure",
        ),
        ("drift", "of something else", "of something else"),
        ("archive", "return of 2013:1", "return of 2013:1"),
        ("server", "sql", "SQL endpoint"),
        ("server", "another", "another"),
        ("dag", "flight_processing_dag", "Minute job"),
        ("lag", "minute job", "No new batch"),
        ("reconciliation", "batches", "Row counts of batches"),
    ],
)
def test_alerts_name_what_they_are_about_as_the_pages_do(kind: str, subject: str, said: str) -> None:
    assert alert_text.subject(kind, subject) == said


def test_the_hit_ratio_counts_stale_answers_as_hits() -> None:
    hits, stale = charts.cache(pd.DataFrame([{"computed": 1, "cached": 2, "stale": 1}]))
    assert (hits.value, hits.note, stale.value) == ("75.0%", "of 4 results", "25.0%")
    assert charts.cache(pd.DataFrame([{"computed": 0, "cached": 0, "stale": 0}]))[0].value == text.NOT_KNOWN


def test_the_machine_is_told_in_shares() -> None:
    row = {"cpu_share": 0.5, "cores": 2, "load": 1.26, "memory_used_gb": 4.0, "memory_gb": 16.0}
    row |= {"disk_used_gb": 30.0, "disk_gb": 40.0}
    logs_of = {"logs_mb": 12.0, "logs_cleaned_at": pd.Timestamp("2026-11-29 08:17", tz="UTC"), "log_days": 14.0}
    cpu, memory, disk, logs = charts.machine(pd.DataFrame([row | logs_of]))
    assert (cpu.value, memory.value, disk.value) == ("50.0%", "25.0%", "75.0%")
    assert memory.note == "of 16 GB"
    assert (logs.value, logs.note) == ("12.0 MB", "retention 14 days")
    assert "on 2026-11-29 at 08:17 UTC" in str(logs.help)


def test_a_dag_has_a_row_with_its_newest_run() -> None:
    grid = job_charts.dags(together(runs(MINUTE, "running", "success", "failed"), runs(ARCHIVING, None)))
    assert grid.rows["dag"].tolist() == ["Minute job", "Archiving"]
    assert grid.rows["run_state"].tolist() == ["▶ Running", text.NEVER_RUN]
    assert grid.rows["successful_runs"].tolist() == ["1 of 2", "0 of 0"]


def test_durations_have_a_row_for_each_dag_and_a_failed_run_is_a_cross() -> None:
    chart = job_charts.durations(together(runs(MINUTE, "success", "failed", "running"), runs(ARCHIVING, "success")))
    minute, archiving, median = chart.figure.data
    assert list(minute.x) == [10, 20]
    assert minute.marker.symbol[1] == "x"
    assert set(minute.y) == {"Minute job"}
    assert set(minute.y).isdisjoint(archiving.y)
    assert dict(zip(median.y, median.x, strict=True)) == {"Minute job": 15, archiving.y[0]: archiving.x[0]}
    assert "3 finished runs, 1 of them failed" in chart.says
    assert "minute job: 15 s. Longest run: 20 s (Minute job)" in chart.says


def test_no_run_that_ended_is_no_crash() -> None:
    assert job_charts.durations(runs(MINUTE, "running")).says == text.NO_RUN_ENDED


def batches(*steps: dict[str, float] | None) -> pd.DataFrame:
    rows = [
        {
            "batch_id": number,
            "started_at": pd.Timestamp(NOW),
            "committed_at": pd.Timestamp(NOW) + pd.Timedelta(minutes=number),
            "consumed": 1000 * number,
            "duration_seconds": 10.0 * number,
            "step_seconds": None if of_batch is None else json.dumps(of_batch),
        }
        for number, of_batch in enumerate(steps, 1)
    ]
    return pd.DataFrame(rows[::-1])


def test_steps_of_batches_are_stacked_oldest_first() -> None:
    chart = job_charts.jobs(batches({"prepare": 1.0, "new_step": 4.0}, {"prepare": 3.0}))
    prepare, new = chart.figure.data
    assert (prepare.name, list(prepare.y)) == ("Prepare", [1, 3])
    assert new.name == "New step"
    assert prepare.marker.pattern.shape != new.marker.pattern.shape
    assert "took 20 s for 2,000 records; median of 2 batches: 15 s" in chart.says
    assert "'New step', 4 s on average" in chart.says


def test_one_batch_without_steps_is_no_crash() -> None:
    chart = job_charts.jobs(batches(None))
    assert not chart.figure.data
    assert chart.says.endswith("median of 1 batches: 10 s.")


def test_the_lag_is_of_all_partitions() -> None:
    columns = {"partition": [0, 1], "first_offset": [5, 0], "end_offset": [105, 50], "processed_offset": [100, None]}
    waiting, most = job_charts.lag(pd.DataFrame(columns | {"waiting": [5, 50]}), "flight_events")
    assert (waiting.value, waiting.note) == ("55", "of 150 records")
    assert (most.value, most.note) == ("50", "partition 1")
    assert "topic flight_events" in str(waiting.help)


def test_the_lag_of_each_partition_has_a_row() -> None:
    columns = {"partition": [0, 1], "first_offset": [5, 0], "end_offset": [105, 50], "processed_offset": [100, None]}
    grid = job_charts.lag_by_partition(pd.DataFrame(columns | {"waiting": [5, 50]}))
    assert grid.rows[["partition", "waiting"]].to_numpy().tolist() == [[0, 5], [1, 50]]


def test_dead_letters_come_with_their_reasons_in_words() -> None:
    found = {"reason": ["missing:origin", "malformed_json"], "records": [1200, 3], "newest": [pd.Timestamp(NOW)] * 2}
    grid = job_charts.dead_letters(pd.DataFrame(found), "flight_events_rejected")
    assert grid.rows["reason"].tolist() == ["Missing: Origin", "Not exactly one JSON object"]
    assert grid.says.startswith("1,203 reasons of rejected records, 2 distinct. The topic flight_events_rejected")


def test_the_grid_of_runs_has_a_mark_for_each_run_by_its_state() -> None:
    chart = run_charts.grid(together(runs(MINUTE, "running", "failed", "success"), runs(ARCHIVING, "success", None)))
    assert isinstance(chart, Chart)
    marks = {trace.name: (list(zip(trace.y, trace.x, strict=True)), trace.marker.symbol) for trace in chart.figure.data}
    assert marks == {
        "Running": ([("Minute job", 0)], "triangle-right"),
        "Failed": ([("Minute job", -1)], "x"),
        "Success": ([("Minute job", -2), ("Archiving", 0)], "square"),
    }
    assert len({trace.marker.color for trace in chart.figure.data}) == 3
    assert "not finished" in chart.figure.data[0].text[0]
    assert chart.headline == "Newest run failed: Minute job"
    assert chart.says == "4 runs: 2 succeeded, 1 failed."
    good = run_charts.grid(runs(MINUTE, "running", "success", "failed"))
    assert isinstance(good, Chart)
    assert good.headline == run_text.NEWEST_GOOD
    assert run_charts.grid(runs(MINUTE, None)) == run_text.NO_RUNS


def manifest(number: int, state: ArchiveState, **state_times: float) -> Manifest:
    """An archive that was planned ``number`` hours after noon; its state times are seconds after that."""
    planned = NOW + timedelta(hours=number)
    return Manifest(
        archive_id=f"archive_{planned:%Y%m%dT%H%M%S_%f}",
        state=state,
        planned_at=planned,
        planned_by="test",
        selection=Selection(event_time_before=planned, batches=()),
        planned=100,
        estimated_bytes=0,
        size_before_bytes=0,
        content=Tally(documents=90) if state is ArchiveState.DONE else None,
        files=(File(name="a", size_bytes=2_000_000),) if state is ArchiveState.DONE else (),
        schema_version=1,
        state_times={name: planned + timedelta(seconds=seconds) for name, seconds in state_times.items()},
    )


DONE = manifest(0, ArchiveState.DONE, planned=0, exported=10, verified=14, published=15, purged=255, done=256)
FAILED = manifest(1, ArchiveState.FAILED, planned=0, exported=12, failed=20)
JUST_PLANNED = manifest(2, ArchiveState.PLANNED, planned=0)


def test_the_steps_of_an_archive_follow_each_other() -> None:
    rows = archive_steps([DONE]).to_pandas()
    assert rows["step"].tolist() == ["planned", "exported", "verified", "published", "purged", "done"]
    assert rows["step_seconds"].tolist() == [0, 10, 4, 1, 240, 1]
    assert (rows["since"].iloc[1:].tolist(), rows["documents"].iloc[0]) == (rows["until"].iloc[:-1].tolist(), 90)


def test_the_timeline_tells_states_and_what_archives_hold() -> None:
    chart = storage_charts.timeline(archive_steps([DONE, FAILED, JUST_PLANNED]).to_pandas())
    assert [bar.name for bar in chart.figure.data] == [
        "Export",
        "Verify",
        "Publish",
        "Grace time and purge",
        "Record",
        "Failed",
    ]
    assert chart.figure.layout.yaxis.categoryarray[-1] == "11-21 14:00:00 · planned"
    assert "1 done" in chart.says
    assert "contain 90 events, 2.0 MB on HDFS" in chart.says
    assert "2026-11-21 at 14:00 UTC; its steps took 0 s" in chart.says


def parts(*rows: tuple[str, str, str, float]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["tier", "kind", "name", "size_mb"])
    return frame.assign(limit_mb=frame["tier"].map({"hot": 300.0}))


HOT: tuple[Any, ...] = (("hot", "hot", "documents", 90.0), ("hot", "hot", "indexes", 15.0))
COLD: tuple[Any, ...] = (
    ("cold", "folder", "warehouse", 30.0),
    ("cold", "folder", "raw", 0.02),
    ("cold", "table", "fact", 20.0),
    ("cold", "table", "staging", 5.0),
)


def test_storage_adds_up_by_tier() -> None:
    chart = storage_charts.storage(parts(*HOT, *COLD))
    hot, cold = chart.figure.data
    assert list(hot.y) == ["Indexes (MongoDB)", "Documents (MongoDB)"]
    assert (list(cold.x), list(cold.text)) == ([0.02, 30], ["20 kB", "30.0 MB"])
    assert chart.says == (
        "The hot tier has 105.0 MB, 35.0% of its limit of 300.0 MB. HDFS has 30.0 MB; the largest part is tables."
    )


def test_a_tier_that_does_not_answer_is_told() -> None:
    assert text.HOT_NOT_KNOWN in storage_charts.storage(parts(*COLD)).says
    assert text.COLD_NOT_KNOWN in storage_charts.storage(parts(*HOT)).says
    assert storage_charts.tables(parts(*HOT)) == text.COLD_NOT_KNOWN


def test_tables_come_by_their_size() -> None:
    grid = storage_charts.tables(parts(*COLD))
    assert isinstance(grid, Grid)
    assert (grid.rows["table"].tolist(), grid.rows["share_pct"].tolist()) == (["fact", "staging"], [80.0, 20.0])


def test_every_chart_says_what_it_shows() -> None:
    drawn: list[Chart] = [
        job_charts.durations(runs(MINUTE, "success")),
        job_charts.jobs(batches({"prepare": 1.0})),
        storage_charts.storage(parts(*HOT)),
        storage_charts.timeline(archive_steps([JUST_PLANNED]).to_pandas()),
    ]
    assert all(chart.says and "nan" not in chart.says for chart in drawn)
