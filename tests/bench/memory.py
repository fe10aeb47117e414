"""The peak memory of each part of a stack while something is measured."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from skytier.settings.base import home

SAMPLE_SECONDS = 0.5
_PARTS = {
    "process_flight_events": "minute job",
    "archive_hot_tier": "archive job",
    "skytier archive": "archive command",
    "kafka.Kafka": "kafka",
    "namenode.NameNode": "hdfs namenode",
    "datanode.DataNode": "hdfs datanode",
    "MetastoreServer": "metastore",
    "HiveThriftServer2": "sql endpoint",
    "mongod": "mongodb",
    "redis-server": "redis",
    "postgres": "postgresql",
    "airflow": "airflow",
}


def part_of(process: psutil.Process) -> str | None:
    """The stack's server or job that a process belongs to, itself or by a parent; None for any other process."""
    try:
        line = process.cmdline()
        marked = process.environ().get("SKYTIER_HOME") == str(home())
        if not marked and not any(str(home()) in part for part in line):
            return None
        # Spark's Python workers are known by the job that started them.
        lines = [" ".join(line), *(" ".join(parent.cmdline()) for parent in process.parents()[:3])]
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None
    return next((name for text in lines for part, name in _PARTS.items() if part in text), "other")


class MemoryWatch:
    """Peak resident memory by part of the stack (sum over its processes), in MiB."""

    def __init__(self) -> None:
        self.peak: dict[str, float] = {}
        self.peak_total = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _sample(self) -> None:
        now: dict[str, float] = {}
        for process in psutil.process_iter():
            if name := part_of(process):
                try:
                    # Unique memory plus shared once would be fairer to Airflow and PostgreSQL; RSS is what people see.
                    now[name] = now.get(name, 0.0) + process.memory_info().rss / 2**20
                except psutil.NoSuchProcess:
                    continue
        for name, mib in now.items():
            self.peak[name] = max(self.peak.get(name, 0.0), mib)
        self.peak_total = max(self.peak_total, sum(now.values()))

    def _run(self) -> None:
        while not self._stop.wait(SAMPLE_SECONDS):
            self._sample()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Sample while the block runs."""
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._thread.join()
