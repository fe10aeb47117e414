"""The configuration of Airflow's processes, and where its programs and files are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from local_stack import airflow_users, jvm
from local_stack.server import base_environment, conf_folder
from skytier import spark
from skytier.errors import TerminalError
from skytier.settings.airflow import AirflowSettings
from skytier.settings.base import PROJECT_ROOT, home
from skytier.settings.hosts import BindSettings, HostSettings
from skytier.settings.ports import PortSettings
from skytier.settings.postgres import PostgresSettings
from skytier.settings.spark import SparkSettings

ENVIRONMENT = PROJECT_ROOT / ".venv-airflow"


def url() -> str:
    """Where Airflow's pages are."""
    return f"http://{HostSettings().airflow}:{PortSettings().airflow}"


def program() -> str:
    """The command of Airflow. Raises TerminalError where it is not installed."""
    found = ENVIRONMENT / "bin" / "airflow"
    if not found.exists():
        raise TerminalError(f"{found} does not exist: run 'make up', which makes Airflow's environment.")
    return str(found)


def command(*arguments: str) -> list[str]:
    """A command of Airflow's own, to be run in ``environment()``. Raises TerminalError where it is not installed."""
    return [program(), *arguments]


def folder() -> Path:
    """The folder of its files."""
    return home() / "airflow"


def password_file() -> Path:
    """Who signs in, for the API server."""
    return conf_folder() / "airflow-passwords.json"


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
            "AIRFLOW_HOME": str(folder()),
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
        **_edge(settings),
        "CORE__PARALLELISM": settings.parallelism,
        "CORE__EXECUTION_API_SERVER_URL": f"{url()}/execution/",
        "CORE__SIMPLE_AUTH_MANAGER_USERS": airflow_users.simple_auth_manager_users(settings),
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": password_file(),
        "CORE__DEFAULT_TIMEZONE": "utc",
        "API__HOST": BindSettings().address,
        "API__PORT": PortSettings().airflow,
        "API__BASE_URL": settings.base_url,
        "API__WORKERS": 1,
        "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": 0.2,
        "SCHEDULER__ENABLE_HEALTH_CHECK": False,
        # A task that ran when its scheduler was killed is looked after by nobody until another adopts it: by default
        # for up to five minutes, in which no minute job begins.
        "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": 30,
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


def _edge(settings: AirflowSettings) -> dict[str, Any]:
    """What the EdgeExecutor, and its workers, need: the part of the API server that gives tasks to them."""
    if not settings.executor.endswith("EdgeExecutor"):
        return {}
    return {
        "EDGE__API_ENABLED": True,
        "EDGE__API_URL": f"{url()}/edge_worker/v1/rpcapi",
        # By default a task waits up to five seconds for a worker that asks. A worker that was killed is believed in for
        # two and a half minutes, and another one of its name cannot begin before that: now for 20 seconds.
        "EDGE__JOB_POLL_INTERVAL": 1,
        "EDGE__HEARTBEAT_INTERVAL": 4,
        # A task whose worker was lost is tried again after a minute, not after five.
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": 60,
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": 5,
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
