"""The DAG runs of Airflow, the batches of the Spark job, and the consumer lag in Kafka."""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pyarrow as pa

from dashboard.panels import tiers
from skytier import lag
from skytier.airflow_api import AirflowApi
from skytier.cache import Query
from skytier.errors import TransientError
from skytier.settings.airflow import AirflowSettings

RUNS = 20
"""Newest runs of each DAG"""
JOBS = 30
"""Newest batches of the minute job"""
_AIRFLOW_TIMEOUT_SECONDS = _SQL_WAIT_BUDGET_SECONDS = 5.0
_TIME = pa.timestamp("us", "UTC")


def dag_runs() -> Query:
    """The newest runs of each DAG, newest first; a DAG without runs has one row without a run.

    ``dag_id``, ``schedule``, ``next_run_at``, ``is_paused``, ``run_id``, ``run_type`` (scheduled, manual), ``state``,
    ``queued_at``, ``started_at``, ``duration_seconds`` (null while it runs).
    """
    return tiers.live_query(_dag_runs)


def _dag_runs() -> pa.Table:
    api = _airflow(AirflowSettings().url)
    dags = api.dags()
    with ThreadPoolExecutor(max(1, len(dags))) as pool:
        runs = dict(zip(dags, pool.map(lambda name: api.runs(name, RUNS), dags), strict=True))
    rows = [_dag_run(dags[name], run) for name in sorted(dags) for run in runs[name] or [{}]]
    text, time = pa.string(), _TIME
    columns = {"dag_id": text, "schedule": text, "next_run_at": time, "is_paused": pa.bool_(), "run_id": text}
    columns |= {
        "run_type": text,
        "state": text,
        "queued_at": time,
        "started_at": time,
        "duration_seconds": pa.float64(),
    }
    return pa.Table.from_pylist(rows, pa.schema(columns.items()))


def _dag_run(dag: dict[str, Any], run: dict[str, Any]) -> dict[str, Any]:
    return {
        "dag_id": dag["dag_id"],
        "schedule": dag["timetable_summary"],
        "next_run_at": _time(dag["next_dagrun_run_after"]),
        "is_paused": dag["is_paused"],
        "run_id": run.get("dag_run_id"),
        "run_type": run.get("run_type"),
        "state": run.get("state"),
        "queued_at": _time(run.get("queued_at")),
        "started_at": _time(run.get("start_date")),
        "duration_seconds": run.get("duration"),
    }


@functools.cache
def _airflow(url: str) -> AirflowApi:
    """The client of this process for an Airflow; it keeps its token."""
    return AirflowApi(_AIRFLOW_TIMEOUT_SECONDS)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def spark_jobs() -> Query:
    """The newest batches of the minute job, newest first.

    ``batch_id``, ``started_at``, ``committed_at``, ``consumed`` (records), ``duration_seconds``, ``step_seconds``
    (JSON: seconds by step; some steps run in parallel), ``kafka_offsets`` (JSON: topic, partition, [from, to)).
    """
    return tiers.sql(
        f"""
SELECT batch_id, started_at, committed_at, consumed,
  (unix_micros(committed_at) - unix_micros(started_at)) / 1e6D AS duration_seconds, step_seconds, kafka_offsets
FROM flight_dw.batch_metadata
ORDER BY batch_id DESC
LIMIT {JOBS}"""
    )


def kafka_lag() -> Query:
    """A row for each partition of the topic of events.

    ``partition``, ``first_offset`` and ``end_offset`` in Kafka, ``processed_offset`` (the end, exclusive, of the newest
    batch; null before the first), ``waiting`` (the lag: records that no batch has consumed).
    """
    return tiers.live_query(_kafka_lag, tiers.BATCHES)


def _kafka_lag() -> pa.Table:
    batches = tiers.fetch(spark_jobs(), _SQL_WAIT_BUDGET_SECONDS)
    if batches.problem:  # the lag to a stale result would be too large
        raise TransientError(batches.problem)
    parts = lag.lag(batches.table["kafka_offsets"].to_pylist())
    rows = [part._asdict() | {"waiting": part.waiting} for part in parts]
    columns = ("partition", "first_offset", "end_offset", "processed_offset", "waiting")
    return pa.Table.from_pylist(rows, pa.schema([(name, pa.int64()) for name in columns]))
