"""Old logs go, new ones and those of running servers stay; what was done is on the Operations page."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dashboard.app_pages.operations import health_charts as charts
from dashboard.app_pages.operations import machine_queries as queries
from dashboard.app_pages.operations import text
from local_stack import processes, retention
from skytier import log_retention

pytestmark = pytest.mark.plain

SERVER = "sleeper"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("SKYTIER_HOME", str(tmp_path))
    yield tmp_path
    processes.stop(SERVER, signal.SIGKILL)


def _file(path: Path, days: float) -> Path:
    """A file of five bytes, and its folders, last written some days ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("line\n")
    then = time.time() - days * 86400
    for one in (path, *(folder for folder in path.parents if "airflow" in folder.parts or "logs" in folder.parts)):
        os.utime(one, (then, then))
    return path


def test_what_is_older_than_the_setting_is_deleted(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYTIER_MAINTENANCE_LOG_DAYS", "3")
    runs = home / "airflow" / "logs" / "dag_id=a"
    old = [
        _file(runs / "run_id=1" / "task_id=t" / "attempt=1.log", 5),
        _file(home / "airflow" / "logs" / "dag_processor" / "2026-01-01" / "a.log", 4.5),
        _file(home / "logs" / "kafka.log.1", 9),
        _file(home / "logs" / "install-uv.log", 9),
    ]
    new = [
        _file(runs / "run_id=2" / "task_id=t" / "attempt=1.log", 1),
        _file(home / "logs" / "kafka.log", 2.9),
        _file(home / "logs" / "redis.log.1", 2),
    ]
    processes.start(SERVER, ["sleep", "60"], {"PATH": os.environ["PATH"]})
    deadline = time.monotonic() + 10
    while not processes.find(SERVER) and time.monotonic() < deadline:
        time.sleep(0.01)
    new.append(_file(home / "logs" / f"{SERVER}.log", 50))

    cleaned = retention.clean()
    assert not [path for path in old if path.exists()]
    assert not [path for path in new if not path.exists()]
    assert not (runs / "run_id=1").exists(), "a folder that is empty and old goes"
    assert (cleaned.files_deleted, cleaned.bytes_deleted) == (len(old), 5 * len(old))
    assert (cleaned.files, cleaned.size_bytes) == (len(new), sum(path.stat().st_size for path in new))
    assert cleaned.older_than <= datetime.now(UTC) - timedelta(days=3)
    assert log_retention.last() == cleaned


def test_a_log_over_the_limit_is_moved_aside_while_its_server_writes(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "LOG_LIMIT_BYTES", 20)
    path = home / "logs" / "kafka.log"
    path.parent.mkdir()
    with path.open("ab", buffering=0) as server:
        server.write(b"some lines that are over the limit\n")
        retention.rotate()
        server.write(b"the next line\n")
    assert path.read_bytes() == b"the next line\n"
    assert path.with_suffix(".log.1").read_bytes() == b"some lines that are over the limit\n"


def test_the_operations_page_shows_how_large_logs_are_and_how_long_they_are_kept(home: Path) -> None:
    *_, before = charts.machine(queries.machine().run().to_pandas())
    assert (before.value, before.note) == (text.NOT_KNOWN, "retention 14 days")
    _file(home / "logs" / "kafka.log", 0).write_bytes(bytes(3_000_000))
    retention.clean()
    *_, after = charts.machine(queries.machine().run().to_pandas())
    assert (after.label, after.value) == (text.LOGS, "3.0 MB")
    (home / "run" / "logs-cleaned.json").write_text('{"at":')
    assert log_retention.last() is None
