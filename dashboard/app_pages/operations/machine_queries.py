"""The machine that the dashboard runs on, and the cache."""

from __future__ import annotations

import statistics
import threading
from collections import deque

import psutil
import pyarrow as pa
from redis.exceptions import RedisError

from dashboard.panels import tiers
from skytier import log_retention
from skytier.cache import Origin, Query
from skytier.settings.base import home
from skytier.settings.maintenance import MaintenanceSettings

_COUNTED = (Origin.COMPUTED, Origin.CACHED, Origin.STALE)
_WATCHED_SECONDS = 10.0
_watched = deque[float](maxlen=round(60 / _WATCHED_SECONDS))


def cache_counts() -> Query:
    """One row: results since Redis started that were ``computed``, ``cached``, ``stale``; no row without Redis."""
    return tiers.live_query(_cache_counts)


def _cache_counts() -> pa.Table:
    schema = pa.schema([(str(origin), pa.int64()) for origin in _COUNTED])
    try:
        counts = tiers.cache().counts()
    except RedisError:
        return schema.empty_table()
    return pa.Table.from_pylist([{str(origin): counts.get(origin, 0) for origin in _COUNTED}], schema)


def machine() -> Query:
    """One row: the machine that the dashboard runs on.

    ``cpu_share`` (0 to 1, of all cores, mean of the last minute; without ``watch_processor``, of a third of a second),
    ``cores``, ``load`` (runnable processes, mean of a minute), ``memory_used_gb`` (all that is not available),
    ``memory_gb``, ``disk_used_gb``, ``disk_gb`` (of the file system that holds ``SKYTIER_HOME``), ``logs_mb`` (with
    Airflow's database, after the last cleaning; null before it), ``logs_cleaned_at``, ``log_days`` (retention).
    """
    return tiers.live_query(_machine)


def watch_processor() -> None:
    """Sample the processor's load in a thread. Measured when a page opens, it would be the load of opening it."""

    def watch() -> None:
        while True:
            _watched.append(psutil.cpu_percent(_WATCHED_SECONDS))

    threading.Thread(target=watch, name="processor", daemon=True).start()


def _machine() -> pa.Table:
    memory, disk = psutil.virtual_memory(), psutil.disk_usage(str(home()))
    cleaned = log_retention.last()
    watched = tuple(_watched)  # a copy: the thread keeps adding to it
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
