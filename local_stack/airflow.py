"""Airflow: API server, scheduler and DAG processor, in an environment of their own, on our PostgreSQL."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from urllib.request import urlopen

import psycopg

from local_stack import airflow_configuration as configuration
from local_stack import airflow_users, postgres, processes
from local_stack.environment import read_stack_env
from local_stack.server import Server, base_environment, write_private
from skytier import spark
from skytier.errors import TerminalError
from skytier.settings.airflow import AirflowSettings
from skytier.settings.hosts import BindSettings
from skytier.settings.ports import PortSettings

_SILENCE = timedelta(minutes=1)
"""how long a worker may be silent"""
_migration = threading.Lock()  # the three start at the same time and need the same tables


class _AirflowServer(Server):
    """What the three processes share."""

    needs: ClassVar[tuple[str, ...]] = ("postgres",)
    arguments: ClassVar[tuple[str, ...]]
    component: ClassVar[str]
    """its name in the API server's account of health"""

    def ports(self) -> dict[str, int]:
        return {}

    def address(self) -> str:
        return ""

    def needs_of_start(self) -> None:
        postgres.check_login("airflow")

    def prepare(self) -> None:
        self.configure()
        with _migration:
            _migrate()

    def command(self) -> list[str]:
        return [configuration.program(), *self.arguments]

    def environment(self) -> dict[str, str]:
        return configuration.environment()

    def ready(self) -> bool:
        """Whether it has reported itself healthy since it was started."""
        process = processes.find(self.name)
        health = _health()[self.component]
        beat = health.get(f"latest_{self.component}_heartbeat")
        if process is None or beat is None or health["status"] != "healthy":
            return False
        return datetime.fromisoformat(beat) > datetime.fromtimestamp(process.create_time(), UTC)


class ApiServer(_AirflowServer):
    """Airflow's pages and API."""

    name = "airflow-api"
    component = "metadatabase"

    def configure(self) -> None:
        """Write who signs in: only this server asks."""
        passwords = airflow_users.passwords(AirflowSettings(), read_stack_env())
        write_private(configuration.password_file(), json.dumps(passwords) + "\n")

    def ports(self) -> dict[str, int]:
        return {"SKYTIER_PORT_AIRFLOW": PortSettings().airflow}

    def address(self) -> str:
        return configuration.url()

    def command(self) -> list[str]:
        where = ["--host", BindSettings().address, "--port", str(PortSettings().airflow)]
        return [configuration.program(), "api-server", "--workers", "1", *where]

    def ready(self) -> bool:
        return bool(_health()[self.component]["status"] == "healthy")


class Scheduler(_AirflowServer):
    """Starts tasks; ``-s`` leaves out the log server, which would listen on every interface."""

    name = "airflow-scheduler"
    needs = ("postgres", "airflow-api")  # tasks report to the API server
    after_bootstrap = True
    component = "scheduler"
    arguments = ("scheduler", "-s")


class DagProcessor(_AirflowServer):
    """Reads the DAG files."""

    name = "airflow-dags"
    component = "dag_processor"
    arguments = ("dag-processor",)


class Worker(_AirflowServer):
    """Runs tasks on a host of its own, with the EdgeExecutor: it asks the API server for them."""

    name = "airflow-worker"
    needs = ("postgres", "airflow-api")
    after_bootstrap = True
    arguments = ("edge", "worker")

    def configure(self) -> None:
        """Write what the tasks that are Spark jobs are submitted with."""
        spark.write_job_properties()
        for left in configuration.folder().glob(
            "airflow-edge-worker*"
        ):  # one that was killed: its pid is another's now
            left.unlink()

    def command(self) -> list[str]:
        own = ("--edge-hostname", socket.gethostname(), "--concurrency", str(AirflowSettings().parallelism))
        return [*super().command(), *own]

    def ready(self) -> bool:
        """Whether Airflow heard of it since it was started, and not too long ago."""
        process = processes.find(self.name)
        with postgres.connect("airflow") as connection:
            row = connection.execute(
                "select last_update from edge_worker where worker_name = %s", [socket.gethostname()]
            ).fetchone()
        if process is None or row is None or row[0] is None:
            return False
        started = datetime.fromtimestamp(process.create_time(), UTC)
        return bool(max(started, datetime.now(UTC) - _SILENCE) < row[0])


def _health() -> dict[str, Any]:
    with urlopen(f"{configuration.url()}/api/v2/monitor/health", timeout=10) as answer:
        return dict(json.load(answer))


def is_set_up() -> bool:
    """Whether Airflow has been started in this stack, so that it has tables."""
    return (configuration.folder() / "migrated").exists()


def _migrate() -> None:
    """Make or change Airflow's tables where the installed version wants others than the database has."""
    done = configuration.folder() / "migrated"
    version = next(
        configuration.ENVIRONMENT.glob("lib/python*/site-packages/apache_airflow-*.dist-info"), Path("unknown")
    ).stem
    state = f"{version} {_revision()}"
    if done.exists() and done.read_text() == state:
        return
    configuration.folder().mkdir(parents=True, exist_ok=True)
    variables = base_environment() | configuration.environment()
    migrated = subprocess.run(
        [configuration.program(), "db", "migrate"],
        env=variables,
        capture_output=True,
        text=True,
        check=False,
        cwd=configuration.folder(),
    )
    if migrated.returncode != 0:
        lines = (migrated.stdout + migrated.stderr).splitlines()[-15:]
        raise TerminalError(f"'airflow db migrate' failed with status {migrated.returncode}:\n" + "\n".join(lines))
    done.write_text(f"{version} {_revision()}")


def _revision() -> str | None:
    """The version of Airflow's tables in the database; None when there are none."""
    with postgres.connect("airflow") as connection:
        try:
            row = connection.execute("select version_num from alembic_version").fetchone()
        except psycopg.errors.UndefinedTable:
            return None
    return str(row[0]) if row else None
