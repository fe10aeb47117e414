"""Airflow: API server, scheduler and DAG processor, in an environment of their own, on our PostgreSQL."""

from __future__ import annotations

import json
import subprocess
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote
from urllib.request import urlopen

import psycopg

from local_stack import airflow_users, jvm, postgres, processes
from local_stack.environment import read_stack_env
from local_stack.server import Server, base_environment, conf_folder, write_private
from skytier import spark
from skytier.errors import TerminalError
from skytier.settings.airflow import AirflowSettings
from skytier.settings.base import PROJECT_ROOT, home
from skytier.settings.hosts import BindSettings, HostSettings
from skytier.settings.ports import PortSettings
from skytier.settings.postgres import PostgresSettings
from skytier.settings.spark import SparkSettings

_ENVIRONMENT = PROJECT_ROOT / ".venv-airflow"
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

    def prepare(self) -> None:
        self.configure()
        with _migration:
            _migrate()

    def command(self) -> list[str]:
        return [_airflow(), *self.arguments]

    def environment(self) -> dict[str, str]:
        return environment()

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
        write_private(_password_file(), json.dumps(passwords) + "\n")

    def ports(self) -> dict[str, int]:
        return {"SKYTIER_PORT_AIRFLOW": PortSettings().airflow}

    def address(self) -> str:
        return url()

    def command(self) -> list[str]:
        where = ["--host", BindSettings().address, "--port", str(PortSettings().airflow)]
        return [_airflow(), "api-server", "--workers", "1", *where]

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


def url() -> str:
    """Where Airflow's pages are."""
    return f"http://{HostSettings().airflow}:{PortSettings().airflow}"


def _health() -> dict[str, Any]:
    with urlopen(f"{url()}/api/v2/monitor/health", timeout=10) as answer:
        return dict(json.load(answer))


def _airflow() -> str:
    program = _ENVIRONMENT / "bin" / "airflow"
    if not program.exists():
        raise TerminalError(f"{program} does not exist: run 'make up', which makes Airflow's environment.")
    return str(program)


def command(*arguments: str) -> list[str]:
    """A command of Airflow's own, to be run in ``environment()``. Raises TerminalError where it is not installed."""
    return [_airflow(), *arguments]


def is_set_up() -> bool:
    """Whether Airflow has been started in this stack, so that it has tables."""
    return (_home() / "migrated").exists()


def _home() -> Path:
    return home() / "airflow"


def _password_file() -> Path:
    return conf_folder() / "airflow-passwords.json"


def _migrate() -> None:
    """Make or change Airflow's tables where the installed version wants others than the database has."""
    done = _home() / "migrated"
    version = next(_ENVIRONMENT.glob("lib/python*/site-packages/apache_airflow-*.dist-info"), Path("unknown")).stem
    state = f"{version} {_revision()}"
    if done.exists() and done.read_text() == state:
        return
    _home().mkdir(parents=True, exist_ok=True)
    variables = base_environment() | environment()
    migrated = subprocess.run(
        [_airflow(), "db", "migrate"], env=variables, capture_output=True, text=True, check=False, cwd=_home()
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


def environment() -> dict[str, str]:
    """The configuration of all three, and what their tasks find in their environment."""
    settings = AirflowSettings()
    options = {f"AIRFLOW__{key}": str(value) for key, value in (_options(settings) | _secrets(settings)).items()}
    connection = json.dumps({"conn_type": "spark", "host": SparkSettings().master})
    return (
        options
        | spark.job_variables()
        | jvm.hadoop_environment()
        | _database_tls()
        | {
            "AIRFLOW_HOME": str(_home()),
            "AIRFLOW_CONN_SPARK_DEFAULT": connection,
            "SKYTIER_AIRFLOW_COMMAND": settings.command or str(PROJECT_ROOT / ".venv" / "bin" / "skytier"),
            "SKYTIER_AIRFLOW_PROJECT": settings.project or str(PROJECT_ROOT),
            # The operator for Spark runs what is called spark-submit: the one of the jobs' environment.
            "PATH": f"{PROJECT_ROOT / '.venv' / 'bin'}:{base_environment().get('PATH', '')}",
        }
    )


def _database_tls() -> dict[str, str]:
    """Airflow makes an address for asyncpg of psycopg2's, which call this otherwise: both read these variables."""
    return {f"PG{name.upper()}": value for name, value in PostgresSettings.tls_parameters().items()}


def _options(settings: AirflowSettings) -> dict[str, Any]:
    return {
        "CORE__DAGS_FOLDER": PROJECT_ROOT / "airflow" / "dags",
        "CORE__LOAD_EXAMPLES": False,
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": False,
        "CORE__EXECUTOR": settings.executor,
        "CORE__PARALLELISM": settings.parallelism,
        "CORE__EXECUTION_API_SERVER_URL": f"{url()}/execution/",
        "CORE__SIMPLE_AUTH_MANAGER_USERS": airflow_users.simple_auth_manager_users(settings),
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": _password_file(),
        "CORE__DEFAULT_TIMEZONE": "utc",
        "API__HOST": BindSettings().address,
        "API__PORT": PortSettings().airflow,
        "API__BASE_URL": settings.base_url,
        "API__WORKERS": 1,
        "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": 0.2,
        "SCHEDULER__ENABLE_HEALTH_CHECK": False,
        # By default the slot of a task that ended is held for five seconds.
        "WORKERS__MIN_HEARTBEAT_INTERVAL": 1,
        "DAG_PROCESSOR__PARSING_PROCESSES": 1,
        "DAG_PROCESSOR__REFRESH_INTERVAL": 30,
        "USAGE_DATA_COLLECTION__ENABLED": False,
        "LOGGING__COLORED_CONSOLE_LOG": False,
        # Airflow opens the logs of tasks to the group by default, whatever the umask is.
        "LOGGING__FILE_TASK_HANDLER_NEW_FOLDER_PERMISSIONS": "0o700",
        "LOGGING__FILE_TASK_HANDLER_NEW_FILE_PERMISSIONS": "0o600",
    }


def _secrets(settings: AirflowSettings) -> dict[str, Any]:
    login = f"airflow:{quote(PostgresSettings().password_of('airflow'), safe='')}"
    server = f"{HostSettings().postgres}:{PortSettings().postgres}"
    return {
        "DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://{login}@{server}/airflow",
        "CORE__FERNET_KEY": settings.fernet_key.get_secret_value(),
        "API_AUTH__JWT_SECRET": settings.jwt_secret.get_secret_value(),
        "API__SECRET_KEY": settings.jwt_secret.get_secret_value(),
    }
