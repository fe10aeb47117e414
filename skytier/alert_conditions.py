"""Alert conditions: the state of servers, DAGs, lag and quality, compared with the limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from skytier.airflow_api import ARCHIVING, MINUTE
from skytier.alerts import Condition, Severity
from skytier.lag import PartitionLag
from skytier.server_probes import Health, State
from skytier.settings.alerts import AlertSettings

Found = dict[str, Condition]
"""Conditions by the subject of their alert."""

RECONCILIATION, SERVER, DAG, LAG, QUALITY = "reconciliation", "server", "dag", "lag", "quality"
BATCHES, RECORDS, MINUTE_JOB, MEAN_SCORE, REJECTED = (
    "batches",
    "records",
    "minute job",
    "mean score",
    "rejected records",
)
"""Subjects of the kinds that do not name a server or a DAG."""

_SLOWER_WITHOUT = ("redis", "airflow-dags")
_STOPS_WITHOUT = (MINUTE, ARCHIVING)
_ENDED = ("success", "failed")


class Batch(NamedTuple):
    """Columns of a batch in ``flight_dw.batch_metadata``."""

    committed_at: datetime
    consumed: int
    stored: int
    rejected: int
    mean_quality_score: float | None


def of_servers(first: Mapping[str, Health], again: Mapping[str, Health]) -> Found:
    """The servers that were down in both probes."""
    return {
        name: Condition(
            Severity.WARNING if name in _SLOWER_WITHOUT else Severity.CRITICAL,
            f"It is down: {health.reason}. See 'skytier stack status' and its log; 'skytier stack up' starts it.",
        )
        for name, health in again.items()
        if health.state is State.DOWN and first[name].state is State.DOWN
    }


def newest_ended(runs: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The newest run of a DAG that has ended; ``runs`` are sorted newest first."""
    return next((run for run in runs if run["state"] in _ENDED), None)


def of_dags(runs: Mapping[str, Sequence[Mapping[str, Any]]], failed_tasks: Mapping[str, Sequence[str]]) -> Found:
    """The DAGs whose newest ended run failed. ``failed_tasks`` are the failed tasks of that run, by DAG."""
    return {
        name: Condition(
            Severity.CRITICAL if name in _STOPS_WITHOUT else Severity.WARNING,
            f"Run {newest['dag_run_id']} failed in {', '.join(failed_tasks.get(name, ())) or 'no task'}: "
            "the task's log in Airflow ends with the reason.",
        )
        for name in runs
        if (newest := newest_ended(runs[name])) is not None and newest["state"] == "failed"
    }


def of_lag(parts: Sequence[PartitionLag], newest: datetime | None, now: datetime, limits: AlertSettings) -> Found:
    """Too many waiting records, or records that wait too long. ``newest`` is the commit time of the newest batch."""
    waiting = sum(part.waiting for part in parts)
    found = {}
    if waiting > limits.lag_records:
        message = f"{waiting:,} records wait in Kafka, and the limit is {limits.lag_records:,}."
        found[RECORDS] = Condition(Severity.WARNING, message)
    if waiting and newest is not None and (age := now - newest) > timedelta(minutes=limits.lag_minutes):
        message = (
            f"{waiting:,} records wait in Kafka, and the newest batch is {age.total_seconds() / 60:.0f} minutes old: "
            "check that the minute run succeeds and that its DAG is switched on."
        )
        found[MINUTE_JOB] = Condition(Severity.CRITICAL, message)
    return found


def of_quality(newest_first: Sequence[Batch], limits: AlertSettings) -> Found | None:
    """Low quality of the batches of the last minutes before the newest; None if they have too few records."""
    if not newest_first:
        return None
    since = newest_first[0].committed_at - timedelta(minutes=limits.quality_minutes)
    recent = [batch for batch in newest_first if batch.committed_at >= since]
    consumed, rejected = sum(batch.consumed for batch in recent), sum(batch.rejected for batch in recent)
    if consumed < limits.quality_records:
        return None
    found = {}
    if (share := 100 * rejected / consumed) > limits.rejected_pct:
        found[REJECTED] = Condition(
            Severity.WARNING,
            f"{rejected:,} of the newest {consumed:,} records ({share:.1f}%) were rejected, and "
            f"the limit is {limits.rejected_pct:g}%: flight_dw.rejected_flight_events has the reasons.",
        )
    scored = [(batch.mean_quality_score, batch.stored) for batch in recent if batch.mean_quality_score is not None]
    stored = sum(count for _, count in scored)
    if stored and (mean := sum(score * count for score, count in scored) / stored) < limits.mean_quality:
        found[MEAN_SCORE] = Condition(
            Severity.WARNING,
            f"The newest {stored:,} events have a mean quality score of {mean:.2f}, and the limit "
            f"is {limits.mean_quality:g}: the page Data Quality shows the flags.",
        )
    return found
