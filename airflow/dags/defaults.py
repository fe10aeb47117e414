"""What all DAGs of Skytier share. Wiring only: no I/O when a DAG file is read."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk import BaseOperator

# The project's folder and command as the tasks find them; by default this file's project, and the command on the PATH.
PROJECT_ROOT = Path(os.environ.get("SKYTIER_AIRFLOW_PROJECT") or Path(__file__).resolve().parents[2])
HOME = PROJECT_ROOT / os.environ.get("SKYTIER_HOME", "var")
JOB_PROPERTIES = str(HOME / "conf" / "spark-jobs.properties")
SKYTIER = os.environ.get("SKYTIER_AIRFLOW_COMMAND") or "skytier"
# On Kubernetes: the manifest of which every Spark job makes a SparkApplication.
SPARK_APPLICATION = os.environ.get("SKYTIER_AIRFLOW_SPARK_APPLICATION")


def spark_task(task_id: str, job: str, *arguments: str) -> BaseOperator:
    """A task that runs ``spark_jobs/<job>.py`` to its end: by ``spark-submit``, or as a SparkApplication."""
    application = str(PROJECT_ROOT / "spark_jobs" / f"{job}.py")
    if SPARK_APPLICATION:
        from spark_application import SparkApplicationOperator  # with a client of Kubernetes: not read elsewhere

        return SparkApplicationOperator(
            task_id=task_id, manifest=SPARK_APPLICATION, application=application, arguments=list(arguments)
        )
    return SparkSubmitOperator(
        task_id=task_id,
        conn_id="spark_default",
        application=application,
        application_args=list(arguments),
        properties_file=JOB_PROPERTIES,
        name=task_id,
    )


DEFAULT_ARGS: dict[str, Any] = {
    "owner": "skytier",
    "depends_on_past": False,
    "retries": 2,
    "retry_delay": timedelta(seconds=10),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=2),
    "execution_timeout": timedelta(minutes=30),
}
