"""What all DAGs of Skytier share. Wiring only: no I/O when a DAG file is read."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

# The project's folder and command as the tasks find them; by default this file's project, and the command on the PATH.
PROJECT_ROOT = Path(os.environ.get("SKYTIER_AIRFLOW_PROJECT") or Path(__file__).resolve().parents[2])
HOME = PROJECT_ROOT / os.environ.get("SKYTIER_HOME", "var")
JOB_PROPERTIES = str(HOME / "conf" / "spark-jobs.properties")
SKYTIER = os.environ.get("SKYTIER_AIRFLOW_COMMAND") or "skytier"


def spark_job(name: str) -> str:
    """The file of a Spark job."""
    return str(PROJECT_ROOT / "spark_jobs" / f"{name}.py")


DEFAULT_ARGS: dict[str, Any] = {
    "owner": "skytier",
    "depends_on_past": False,
    "retries": 2,
    "retry_delay": timedelta(seconds=10),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=2),
    "execution_timeout": timedelta(minutes=30),
}
