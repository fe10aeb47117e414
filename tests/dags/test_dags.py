"""The DAGs as Airflow reads them: which there are, how they are wired, what their tasks would run."""

from __future__ import annotations

import ast
import shlex
import socket
import subprocess
from datetime import timedelta
from inspect import cleandoc
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk import DAG
from defaults import HOME, JOB_PROPERTIES, PROJECT_ROOT

pytestmark = pytest.mark.dags

ARCHIVE = "archive_20261121T153000_123456"
FOLDER = PROJECT_ROOT / "airflow" / "dags"
SCHEDULES = {
    "flight_processing_dag": "* * * * *",
    "warehouse_maintenance_dag": "17 * * * *",
    "delay_model_drift_dag": "47 * * * *",
    "delay_model_training_dag": "30 3 * * 1",
    "mongodb_archiving_dag": "*/5 * * * *",
    "alerts_dag": "2-59/5 * * * *",
}
# Each task with those that follow it.
TASKS: dict[str, dict[str, set[str]]] = {
    "flight_processing_dag": {"process_flight_events": {"reconcile_batches"}, "reconcile_batches": set()},
    "warehouse_maintenance_dag": {"check_duplicates": set(), "maintain_warehouse": set(), "clean_logs": set()},
    "delay_model_drift_dag": {"measure_drift": set()},
    "delay_model_training_dag": {"train": set()},
    "alerts_dag": {"check_alerts": set()},
    "mongodb_archiving_dag": {
        "measure": {"is_due"},
        "is_due": {"plan"},
        "plan": {"export"},
        "export": {"verify"},
        "verify": {"publish"},
        "publish": {"grace"},
        "grace": {"purge"},
        "purge": {"record"},
        "record": set(),
    },
}
SPARK_TASKS = {
    ("flight_processing_dag", "process_flight_events"): "process_flight_events",
    ("warehouse_maintenance_dag", "maintain_warehouse"): "maintain_warehouse",
    ("mongodb_archiving_dag", "export"): "archive_hot_tier",
    ("mongodb_archiving_dag", "verify"): "archive_hot_tier",
}
COMMANDS = {
    ("flight_processing_dag", "reconcile_batches"): ["reconcile"],
    ("warehouse_maintenance_dag", "check_duplicates"): ["reconcile", "duplicates"],
    ("delay_model_drift_dag", "measure_drift"): ["models", "drift"],
    ("warehouse_maintenance_dag", "clean_logs"): ["stack", "clean"],
    ("alerts_dag", "check_alerts"): ["alerts", "check"],
    ("mongodb_archiving_dag", "measure"): ["archive", "step", "measure"],
    ("mongodb_archiving_dag", "plan"): ["archive", "step", "plan"],
    ("mongodb_archiving_dag", "publish"): ["archive", "step", "publish", ARCHIVE],
    ("mongodb_archiving_dag", "grace"): ["archive", "step", "wait", ARCHIVE],
    ("mongodb_archiving_dag", "purge"): ["archive", "step", "purge", ARCHIVE],
    ("mongodb_archiving_dag", "record"): ["archive", "step", "record", ARCHIVE],
}


class Planned:
    """What a template sees of a run that has planned an archive."""

    def xcom_pull(self, task_ids: str) -> str:
        assert task_ids == "plan"
        return ARCHIVE


def _no_socket(*_: Any, **__: Any) -> None:
    raise AssertionError("a DAG file opens a connection while it is read")


@pytest.fixture(scope="module")
def bag() -> DagBag:
    """All DAG files, read without a network: the scheduler reads them every half a minute."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "socket", _no_socket)
        return DagBag(FOLDER)


@pytest.fixture(params=TASKS)
def dag(bag: DagBag, request: pytest.FixtureRequest) -> DAG:
    return bag.dags[request.param]


def test_all_files_load(bag: DagBag) -> None:
    assert bag.import_errors == {}
    assert bag.captured_warnings == {}
    assert set(bag.dags) == set(TASKS)


def test_every_dag_file_has_its_dag(bag: DagBag) -> None:
    assert {Path(dag.fileloc).stem for dag in bag.dags.values()} == {path.stem for path in FOLDER.glob("*_dag.py")}
    assert all(Path(dag.fileloc).stem == dag.dag_id for dag in bag.dags.values())


def test_tasks_and_their_order(dag: DAG) -> None:
    assert {task.task_id: set(task.downstream_task_ids) for task in dag.tasks} == TASKS[dag.dag_id]


def test_runs_on_schedule_and_never_two_at_once(dag: DAG) -> None:
    assert dag.schedule == SCHEDULES[dag.dag_id]
    assert dag.catchup is False
    assert dag.max_active_runs == 1
    assert dag.dagrun_timeout is not None
    assert dag.start_date is not None
    assert dag.start_date.utcoffset() == timedelta(0)


def test_tasks_are_tried_again_later_and_end_some_time(dag: DAG) -> None:
    for task in dag.tasks:
        assert task.retries >= 1, task.task_id
        assert task.retry_exponential_backoff, task.task_id
        assert task.retry_delay <= task.max_retry_delay, task.task_id
        assert task.execution_timeout is not None, task.task_id
        assert task.execution_timeout <= dag.dagrun_timeout, task.task_id


def test_the_page_of_a_dag_is_its_docstring(dag: DAG) -> None:
    docstring = ast.get_docstring(ast.parse(Path(dag.fileloc).read_text()))
    assert docstring
    assert "**When it fails.**" in docstring
    assert cleandoc(dag.doc_md or "") == docstring
    assert dag.description


@pytest.mark.parametrize(("dag_id", "task_id"), SPARK_TASKS)
def test_spark_tasks_submit_their_job(bag: DagBag, dag_id: str, task_id: str) -> None:
    task = bag.dags[dag_id].get_task(task_id)
    assert isinstance(task, SparkSubmitOperator)
    task.render_template_fields({"ti": Planned()})
    command = task._get_hook()._build_spark_submit_command(task.application)
    job = str(PROJECT_ROOT / "spark_jobs" / f"{SPARK_TASKS[dag_id, task_id]}.py")
    end = command.index(job)
    options = dict(zip(command[1:end:2], command[2:end:2], strict=True))
    assert command[0] == "spark-submit"
    assert Path(job).is_file()
    assert command[end + 1 :] == ([ARCHIVE, task_id] if dag_id == "mongodb_archiving_dag" else [])
    assert options["--properties-file"] == JOB_PROPERTIES
    assert options["--name"] == task_id
    assert options["--master"] == "local[2]"


def test_properties_are_those_of_the_stack() -> None:
    assert Path(JOB_PROPERTIES) == HOME / "conf" / "spark-jobs.properties"


@pytest.mark.parametrize(("dag_id", "task_id"), COMMANDS)
def test_commands_exist(bag: DagBag, dag_id: str, task_id: str) -> None:
    task = bag.dags[dag_id].get_task(task_id)
    task.render_template_fields({"ti": Planned()})
    program, *arguments = shlex.split(task.bash_command)
    assert Path(program) == PROJECT_ROOT / ".venv" / "bin" / "skytier"
    assert arguments == COMMANDS[dag_id, task_id]
    shown = subprocess.run([program, *arguments, "--help"], capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
