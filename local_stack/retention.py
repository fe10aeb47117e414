"""Logs of servers and tasks, and Airflow's records of its runs: what is older than the retention time is deleted."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from local_stack import airflow, airflow_configuration, postgres, processes
from local_stack.server import base_environment
from skytier import log_retention, logs
from skytier.errors import TerminalError, TransientError
from skytier.log_retention import Cleaned
from skytier.settings.base import home
from skytier.settings.maintenance import MaintenanceSettings

# What grows with every run. Airflow keeps the newest run of each DAG, and what DAGs there are.
_TABLES = (
    "dag_run",
    "task_instance",
    "task_instance_history",
    "task_reschedule",
    "xcom",
    "log",
    "job",
    "import_error",
    "trigger",
    "deadline",
    "asset_event",
    "callback",
    "revoked_token",
)
# Whose rows tell whether there is something to delete: with their times, and none is kept for another reason.
_TOLD_BY = {"log": "dttm", "job": "latest_heartbeat"}

log = logs.logger("retention")


def clean() -> Cleaned:
    """Delete what is older than ``SKYTIER_MAINTENANCE_LOG_DAYS``, whole days of UTC, and keep the result.

    Logs of running servers are cut where they are over the limit of a log file. Raises TransientError when PostgreSQL
    does not answer, TerminalError when Airflow cannot delete.
    """
    now = datetime.now(UTC)
    before = _oldest_kept(now)
    deleted = _clean_files(before)
    rows, database_bytes = _clean_database(before)
    left = [path.stat().st_size for folder in _folders() for path in folder.rglob("*") if path.is_file()]
    cleaned = Cleaned(
        at=now,
        older_than=before,
        files_deleted=len(deleted),
        bytes_deleted=sum(deleted),
        rows_deleted=rows,
        files=len(left),
        size_bytes=sum(left),
        database_bytes=database_bytes,
    )
    log_retention.note(cleaned)
    log.info("logs cleaned", **cleaned.model_dump(mode="json"))
    return cleaned


def clean_host() -> int:
    """Delete the old logs of this host alone, such as those that tasks elsewhere have sent; how many there were."""
    return len(_clean_files(_oldest_kept(datetime.now(UTC))))


def _oldest_kept(now: datetime) -> datetime:
    return (now - timedelta(days=MaintenanceSettings().log_days)).replace(hour=0, minute=0, second=0, microsecond=0)


def _clean_files(before: datetime) -> list[int]:
    """Rotate and delete logs; the sizes of those deleted."""
    rotate()
    return [size for folder in _folders() for size in _delete_files(folder, before.timestamp())]


def rotate() -> None:
    """Move the lines of each log over the limit aside, while its server goes on writing to the same file."""
    for path in (home() / "logs").glob("*.log"):
        if path.stat().st_size > processes.LOG_LIMIT_BYTES:
            shutil.copyfile(path, path.with_suffix(".log.1"))
            os.truncate(path, 0)  # servers append: their next line is the first


def _folders() -> list[Path]:
    return [home() / "logs", home() / "airflow" / "logs"]


def _delete_files(folder: Path, before: float) -> Iterator[int]:
    """Delete the files last written before a time, and folders without change since then that they leave empty.

    Yields the size of each. The log of a server that runs stays, however long it has been silent.
    """
    old_folders = []
    for place, _, names in os.walk(folder):
        if Path(place).stat().st_mtime < before and Path(place) != folder:
            old_folders.append(Path(place))
        for name in names:
            path = Path(place, name)
            with suppress(FileNotFoundError):
                found = path.stat()
                if found.st_mtime < before and processes.find(path.name.removesuffix(".log")) is None:
                    path.unlink()
                    yield found.st_size
    for emptied in reversed(old_folders):
        with suppress(OSError):  # something is left in it
            emptied.rmdir()


def _clean_database(before: datetime) -> tuple[int, int | None]:
    """How many rows of Airflow's database were deleted, and how large it is then; None where there is none."""
    if not airflow.is_set_up():
        return 0, None
    try:
        counted = _rows()
        if _has_older(before):
            _run_db_clean(before)
        return max(0, counted - _rows()), _database_bytes()
    except psycopg.OperationalError as error:
        raise TransientError(
            "PostgreSQL, which holds Airflow's records, does not answer: see 'skytier stack status'."
        ) from error


def _has_older(before: datetime) -> bool:
    with postgres.connect("airflow") as connection:
        found = [
            connection.execute(f"select exists (select 1 from {table} where {column} < %s)", [before]).fetchone()
            for table, column in _TOLD_BY.items()
        ]
    return (True,) in found


def _rows() -> int:
    with postgres.connect("airflow") as connection:
        counts = (connection.execute(f"select count(*) from {table}").fetchone() for table in _TABLES)
        return sum(count for row in counts if row for count in row)


def _database_bytes() -> int:
    with postgres.connect("airflow") as connection:
        row = connection.execute("select pg_database_size(current_database())").fetchone()
    return int(row[0]) if row else 0


def _run_db_clean(before: datetime) -> None:
    chosen = ["--tables", ",".join(_TABLES), "--clean-before-timestamp", before.isoformat()]
    done = subprocess.run(
        [
            *airflow_configuration.command("db", "clean"),
            *chosen,
            "--skip-archive",
            "--yes",
            "--error-on-cleanup-failure",
        ],
        env=base_environment() | airflow_configuration.environment(),
        capture_output=True,
        text=True,
        check=False,
        cwd=home(),
    )
    if done.returncode != 0:
        lines = (done.stdout + done.stderr).splitlines()[-15:]
        raise TerminalError(f"'airflow db clean' failed with status {done.returncode}:\n" + "\n".join(lines))
