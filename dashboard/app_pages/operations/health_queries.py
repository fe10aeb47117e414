"""The health score of the warehouse."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

import pandas as pd
import pyarrow as pa

from dashboard.app_pages.operations.alert_queries import newest_alerts
from dashboard.app_pages.operations.job_queries import dag_runs, kafka_lag, spark_jobs
from dashboard.app_pages.operations.server_queries import servers
from dashboard.panels import tiers
from dashboard.panels.hot_tier_size import HOT_TIER_TOO_LARGE, hot_size
from skytier.cache import CacheTag, Query
from skytier.errors import SkytierError, TransientError
from skytier.server_probes import State

_PART_SECONDS = 6.0

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
"""The weight of a server in the score: 3 where data stops without it, 1 where pages only become slower or older"""
_GRADES = {State.OK: 1.0, State.SLOW: 0.5, State.DOWN: 0.0, State.UNKNOWN: 0.0}
_PUNCTUAL_MINUTES, _LATE_MINUTES = 3, 15


class Part(StrEnum):
    """A part of the health score."""

    SERVERS = "servers"
    MINUTE_RUNS = "minute runs"
    DAGS = "dags"
    HOT_TIER = "hot tier"
    ALERTS = "alerts"


class Points(NamedTuple):
    """The points of a part, and the values that they are computed from: ``measure`` of ``of``."""

    points: float
    measure: float
    of: float


MOST = {Part.SERVERS: 50, Part.MINUTE_RUNS: 20, Part.DAGS: 10, Part.HOT_TIER: 10, Part.ALERTS: 10}
"""The maximum points of each part: together 100"""


def score() -> Query:
    """A row for each part of the health score, which is the sum of the points, 0 to 100.

    ``health_part``, ``points``, ``most`` (the maximum), ``measure`` and ``of`` (the values that the points are computed
    from; null where their servers do not answer, which gives no points). The formulas are in ``graded_...`` below and
    in docs/dashboard.md.
    """
    return tiers.live_query(_score, CacheTag.acknowledgements())


def _score() -> pa.Table:
    pool = ThreadPoolExecutor(len(_PARTS), thread_name_prefix="score")
    futures = {part: pool.submit(measure) for part, measure in _PARTS.items()}
    pool.shutdown(wait=False)  # a server that hangs must not delay the score
    rows = []
    for part, future in futures.items():
        found: Points | None
        try:
            found = future.result(timeout=_PART_SECONDS)
        except (SkytierError, FutureTimeoutError):
            found = None
        points, measure, of = found or (0.0, None, None)
        rows.append({"health_part": str(part), "points": points, "most": MOST[part], "measure": measure, "of": of})
    columns = {"health_part": pa.string()} | dict.fromkeys(("points", "most", "measure", "of"), pa.float64())
    return pa.Table.from_pylist(rows, pa.schema(columns.items()))


def _frame(query: Query) -> pd.DataFrame:
    result = tiers.fetch(query, _PART_SECONDS)
    if result.problem:  # a stale result gives no points
        raise TransientError(result.problem)
    frame: pd.DataFrame = result.table.to_pandas()
    return frame


def graded_servers(servers: pd.DataFrame) -> Points:
    """50 x sum(weight x grade) / sum(weight): grade 1 for a healthy server, 0.5 for a slow one, else 0."""
    weights = servers["server"].map(WEIGHTS)
    grades = servers["state"].map(_GRADES)
    share = float((weights * grades).sum() / weights.sum())
    return Points(MOST[Part.SERVERS] * share, float((grades > 0).sum()), float(len(servers)))


def graded_minute_runs(waiting: int, newest: datetime | None, now: datetime) -> Points:
    """20 where no record waits in Kafka or the newest batch is at most 3 minutes old, 10 up to 15 minutes, else 0.

    ``measure`` is the age in minutes, ``of`` the number of waiting records.
    """
    age = (now - newest).total_seconds() / 60 if newest else float("inf")
    share = 1.0 if not waiting or age <= _PUNCTUAL_MINUTES else 0.5 if age <= _LATE_MINUTES else 0.0
    return Points(MOST[Part.MINUTE_RUNS] * share, age if newest else float("nan"), float(waiting))


def graded_dags(runs: pd.DataFrame) -> Points:
    """10 x the share of DAGs whose newest finished run succeeded, of those with a finished run."""
    ended = runs[runs["state"].isin(["success", "failed"])].sort_values("started_at").groupby("dag_id")["state"].last()
    good = int((ended == "success").sum())
    return Points(MOST[Part.DAGS] * (good / len(ended) if len(ended) else 1.0), float(good), float(len(ended)))


def graded_hot_tier(size_mb: float, limit_mb: float) -> Points:
    """10 up to the limit, falling to 0 at 120% of it."""
    over = (size_mb / limit_mb - 1) / (HOT_TIER_TOO_LARGE - 1)
    return Points(MOST[Part.HOT_TIER] * min(1.0, max(0.0, 1 - over)), size_mb, limit_mb)


def graded_alerts(critical: int, warnings: int) -> Points:
    """10 - 5 for each open critical alert - 1 for each open warning, at least 0. Open: not resolved or acknowledged."""
    return Points(max(0.0, MOST[Part.ALERTS] - 5.0 * critical - warnings), float(critical + warnings), float(critical))


def _minute_runs() -> Points:
    newest = _frame(spark_jobs())["committed_at"]
    waiting = int(_frame(kafka_lag())["waiting"].sum())
    return graded_minute_runs(waiting, newest.iloc[0] if len(newest) else None, datetime.now(UTC))


def _hot_tier() -> Points:
    row = _frame(hot_size()).iloc[0]
    return graded_hot_tier(row["size_mb"], row["limit_mb"])


def _alerts() -> Points:
    found = _frame(newest_alerts())
    is_open = found["acknowledged_by"].isna() & found["resolved_time"].isna()
    open_ones = found[is_open]["severity"].value_counts()
    return graded_alerts(int(open_ones.get("critical", 0)), int(open_ones.get("warning", 0)))


_PARTS: dict[Part, Callable[[], Points]] = {
    Part.SERVERS: lambda: graded_servers(_frame(servers())),
    Part.MINUTE_RUNS: _minute_runs,
    Part.DAGS: lambda: graded_dags(_frame(dag_runs())),
    Part.HOT_TIER: _hot_tier,
    Part.ALERTS: _alerts,
}
