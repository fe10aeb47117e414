"""How well the warehouse is: the health score, alerts, the cache and this machine."""

from __future__ import annotations

import statistics
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

import pandas as pd
import psutil
import pyarrow as pa
from pymongo import DESCENDING
from redis.exceptions import RedisError

from dashboard.queries import operations_jobs as jobs
from dashboard.queries import overview, tiers
from dashboard.queries.operations_servers import servers
from skytier import alerts, hot_tier, log_retention
from skytier.cache import Basis, Origin, Question
from skytier.errors import SkytierError, TransientError
from skytier.server_probes import State
from skytier.settings.base import home
from skytier.settings.maintenance import MaintenanceSettings

_ALERTS = 50
_STATES_OF_ALERTS: tuple[hot_tier.Document, ...] = (
    {"resolved_time": None, "acknowledged_by": None},
    {"resolved_time": None, "acknowledged_by": {"$ne": None}},
    {"resolved_time": {"$ne": None}},
)
_PART_SECONDS = 6.0
_COUNTED = (Origin.COMPUTED, Origin.CACHED, Origin.STALE)
_TIME = pa.timestamp("us", "UTC")
_WATCHED_SECONDS = 10.0
_watched = deque[float](maxlen=round(60 / _WATCHED_SECONDS))

WEIGHTS = {
    "kafka": 3,
    "mongodb": 3,
    "namenode": 3,
    "datanode": 3,
    "airflow-scheduler": 3,
    "metastore": 2,
    "sql": 2,
    "postgres": 2,
    "airflow-api": 2,
    "airflow-dags": 1,
    "redis": 1,
}
"""What a server counts in the score: 3 where data stops without it, 1 where things only become slower or older"""
_GRADES = {State.OK: 1.0, State.SLOW: 0.5, State.DOWN: 0.0, State.UNKNOWN: 0.0}
_PUNCTUAL_MINUTES, _LATE_MINUTES = 3, 15
_TOO_LARGE = 1.2


class Part(StrEnum):
    """A part of the health score."""

    SERVERS = "servers"
    MINUTE_RUNS = "minute runs"
    DAGS = "dags"
    HOT_TIER = "hot tier"
    ALERTS = "alerts"


class Points(NamedTuple):
    """How many points a part has, and the figures behind it: ``measure`` of ``of``."""

    points: float
    measure: float
    of: float


MOST = {Part.SERVERS: 50, Part.MINUTE_RUNS: 20, Part.DAGS: 10, Part.HOT_TIER: 10, Part.ALERTS: 10}
"""The points of each part when all is well: together 100"""


def score() -> Question:
    """A row each part of the health score, which is the sum of its points, 0 to 100.

    ``health_part``, ``points``, ``most`` (points when all is well), ``measure`` and ``of`` (the figures behind it;
    null where the servers that know them do not answer, which gives no points). The formula stands at ``graded_...``
    below and in docs/dashboard.md.
    """
    return tiers.asked_now(_score)


def _score() -> pa.Table:
    pool = ThreadPoolExecutor(len(_PARTS), thread_name_prefix="score")
    futures = {part: pool.submit(ask) for part, ask in _PARTS.items()}
    pool.shutdown(wait=False)  # who hangs is not waited for
    rows = []
    for part, future in futures.items():
        found: Points | None
        try:
            found = future.result(timeout=_PART_SECONDS)
        except (SkytierError, NotInTime):
            found = None
        points, measure, of = found or (0.0, None, None)
        rows.append({"health_part": str(part), "points": points, "most": MOST[part], "measure": measure, "of": of})
    columns = {"health_part": pa.string()} | dict.fromkeys(("points", "most", "measure", "of"), pa.float64())
    return pa.Table.from_pylist(rows, pa.schema(columns.items()))


def _frame(question: Question) -> pd.DataFrame:
    answer = tiers.answer(question, _PART_SECONDS)
    if answer.problem:  # what was well earlier gives no points now
        raise TransientError(answer.problem)
    frame: pd.DataFrame = answer.table.to_pandas()
    return frame


def graded_servers(servers: pd.DataFrame) -> Points:
    """50 x sum(weight x grade) / sum(weight): grade 1 of a server that is well, 0.5 of a slow one, else 0."""
    weights = servers["server"].map(WEIGHTS)
    grades = servers["state"].map(_GRADES)
    share = float((weights * grades).sum() / weights.sum())
    return Points(MOST[Part.SERVERS] * share, float((grades > 0).sum()), float(len(servers)))


def graded_minute_runs(waiting: int, newest: datetime | None, now: datetime) -> Points:
    """20 where nothing waits in Kafka or the newest batch is at most 3 minutes old, 10 up to 15 minutes, else 0.

    ``measure`` is the age in minutes, ``of`` the records that wait.
    """
    age = (now - newest).total_seconds() / 60 if newest else float("inf")
    share = 1.0 if not waiting or age <= _PUNCTUAL_MINUTES else 0.5 if age <= _LATE_MINUTES else 0.0
    return Points(MOST[Part.MINUTE_RUNS] * share, age if newest else float("nan"), float(waiting))


def graded_dags(runs: pd.DataFrame) -> Points:
    """10 x the share of DAGs whose newest ended run succeeded, of those that have ended one."""
    ended = runs[runs["state"].isin(["success", "failed"])].sort_values("started_at").groupby("dag_id")["state"].last()
    good = int((ended == "success").sum())
    return Points(MOST[Part.DAGS] * (good / len(ended) if len(ended) else 1.0), float(good), float(len(ended)))


def graded_hot_tier(size_mb: float, limit_mb: float) -> Points:
    """10 up to the limit, falling to 0 at 120% of it."""
    over = (size_mb / limit_mb - 1) / (_TOO_LARGE - 1)
    return Points(MOST[Part.HOT_TIER] * min(1.0, max(0.0, 1 - over)), size_mb, limit_mb)


def graded_alerts(critical: int, warnings: int) -> Points:
    """10 - 5 for each critical alert that is not resolved, nor acknowledged - 1 for each such warning; at least 0."""
    return Points(max(0.0, MOST[Part.ALERTS] - 5.0 * critical - warnings), float(critical + warnings), float(critical))


def _minute_runs() -> Points:
    newest = _frame(jobs.spark_jobs())["committed_at"]
    waiting = int(_frame(jobs.kafka_lag())["waiting"].sum())
    return graded_minute_runs(waiting, newest.iloc[0] if len(newest) else None, datetime.now(UTC))


def _hot_tier() -> Points:
    row = _frame(overview.hot_size()).iloc[0]
    return graded_hot_tier(row["size_mb"], row["limit_mb"])


def _alerts() -> Points:
    found = _frame(newest_alerts())
    is_open = found["acknowledged_by"].isna() & found["resolved_time"].isna()
    open_ones = found[is_open]["severity"].value_counts()
    return graded_alerts(int(open_ones.get("critical", 0)), int(open_ones.get("warning", 0)))


_PARTS: dict[Part, Callable[[], Points]] = {
    Part.SERVERS: lambda: graded_servers(_frame(servers())),
    Part.MINUTE_RUNS: _minute_runs,
    Part.DAGS: lambda: graded_dags(_frame(jobs.dag_runs())),
    Part.HOT_TIER: _hot_tier,
    Part.ALERTS: _alerts,
}


def newest_alerts() -> Question:
    """The newest alerts: those first that nobody has acknowledged, then the others, then those that are resolved.

    ``alert_id``, ``severity`` (warning, critical), ``kind``, ``subject``, ``message``, ``first_time``, ``last_time``,
    ``times`` (how often it was raised), ``acknowledged_by``, ``resolved_time`` (null while the cause is there).
    """
    return tiers.asked_now(_newest_alerts, Basis.ACKNOWLEDGEMENTS)


@hot_tier.answering()
def _newest_alerts() -> pa.Table:
    collection = alerts.alerts(tiers.mongodb())
    rows = [
        row | {"alert_id": str(row["_id"]), "times": row["count"]}
        for state in _STATES_OF_ALERTS
        for row in collection.find(state).sort("last_time", DESCENDING).limit(_ALERTS)
    ]
    text = dict.fromkeys(("alert_id", "severity", "kind", "subject", "message"), pa.string())
    columns = text | {"first_time": _TIME, "last_time": _TIME, "times": pa.int64(), "acknowledged_by": pa.string()}
    columns |= {"resolved_time": _TIME}
    return pa.Table.from_pylist(rows, pa.schema(columns.items()))


def cache_counts() -> Question:
    """One row: answers since Redis started that were ``computed``, ``cached``, ``stale``; none without Redis."""
    return tiers.asked_now(_cache_counts)


def _cache_counts() -> pa.Table:
    schema = pa.schema([(str(origin), pa.int64()) for origin in _COUNTED])
    try:
        counts = tiers.cache().counts()
    except RedisError:
        return schema.empty_table()
    return pa.Table.from_pylist([{str(origin): counts.get(origin, 0) for origin in _COUNTED}], schema)


def machine() -> Question:
    """One row, of the machine that the dashboard runs on.

    ``cpu_share`` (0 to 1, of all cores, mean of the last minute; where nobody watches it, of a third of a second),
    ``cores``, ``load`` (processes that want to run, mean of a minute), ``memory_used_gb`` (what is not available),
    ``memory_gb``, ``disk_used_gb``, ``disk_gb`` (of the file system that holds ``SKYTIER_HOME``), ``logs_mb`` (with
    Airflow's database, as the last cleaning left them; null before it), ``logs_cleaned_at``, ``log_days`` (kept).
    """
    return tiers.asked_now(_machine)


def watch_processor() -> None:
    """Note from now on, in a thread, how busy the processor is: who opens a page would measure the opening of it."""

    def watch() -> None:
        while True:
            _watched.append(psutil.cpu_percent(_WATCHED_SECONDS))

    threading.Thread(target=watch, name="processor", daemon=True).start()


def _machine() -> pa.Table:
    memory, disk = psutil.virtual_memory(), psutil.disk_usage(str(home()))
    cleaned = log_retention.last()
    watched = tuple(_watched)  # at once: the thread goes on noting
    row = {
        "cpu_share": (statistics.mean(watched) if watched else psutil.cpu_percent(0.3)) / 100,
        "cores": psutil.cpu_count() or 1,
        "load": psutil.getloadavg()[0],
        "memory_used_gb": (memory.total - memory.available) / 1e9,
        "memory_gb": memory.total / 1e9,
        "disk_used_gb": disk.used / 1e9,
        "disk_gb": (disk.used + disk.free) / 1e9,
        "logs_mb": (cleaned.size_bytes + (cleaned.database_bytes or 0)) / 1e6 if cleaned else None,
        "logs_cleaned_at": cleaned.at if cleaned else None,
        "log_days": MaintenanceSettings().log_days,
    }
    columns = {name: pa.float64() for name in row} | {"cores": pa.int64(), "logs_cleaned_at": pa.timestamp("us", "UTC")}
    return pa.Table.from_pylist([row], pa.schema(columns.items()))
