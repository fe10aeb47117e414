"""The Spark jobs of the DAGs where a manifest is named: as SparkApplications, on Kubernetes."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.dag_processing.dagbag import DagBag
from airflow.exceptions import AirflowException
from airflow.executors.base_executor import BaseExecutor
from airflow.serialization.serialized_objects import DagSerialization
from kubernetes_api import Api, served
from test_dags import ARCHIVE, FOLDER, SPARK_TASKS, TASKS, Planned, _no_socket

pytestmark = pytest.mark.dags

BASE = FOLDER.parents[1] / "deploy" / "kubernetes" / "base"
MANIFEST = BASE / "spark-application.yaml"
OWN_MODULES = ("defaults", "spark_application")


class TaskInstance(Planned):
    """What the operator asks of a run of a task."""

    dag_id, task_id, try_number, map_index = "mongodb_archiving_dag", "export", 1, -1

    def __init__(self) -> None:
        self.pushed: dict[str, str] = {}

    def xcom_push(self, key: str, value: str) -> None:
        self.pushed[key] = value


@pytest.fixture(scope="module")
def bag() -> DagBag:
    with pytest.MonkeyPatch.context() as patch:
        for name in OWN_MODULES:
            patch.delitem(sys.modules, name, raising=False)
        patch.setenv("SKYTIER_AIRFLOW_SPARK_APPLICATION", str(MANIFEST))
        patch.setenv("SKYTIER_AIRFLOW_SPARK_NAMESPACE", "skytier-jobs")
        patch.setenv("SKYTIER_AIRFLOW_SPARK_IMAGE", "skytier:9")
        patch.setattr(socket, "socket", _no_socket)
        return DagBag(FOLDER)


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Path]:
    with served(tmp_path) as config:
        yield config


@pytest.fixture
def context() -> dict[str, Any]:
    ti = TaskInstance()
    return {"ti": ti, "task_instance": ti, "run_id": "scheduled__2026-11-29T12:00:00+00:00", "dag": object()}


def task_of(bag: DagBag, dag_id: str, task_id: str, config: Path | None = None) -> Any:
    task = bag.dags[dag_id].get_task(task_id)
    task.in_cluster, task.config_file = (None, str(config)) if config else (task.in_cluster, None)
    for kept in ("hook", "client", "pod_manager", "custom_obj_api"):
        task.__dict__.pop(kept, None)
    task.pod = None
    return task


def test_the_dags_are_the_same(bag: DagBag) -> None:
    assert bag.import_errors == {}
    found = {
        dag_id: {task.task_id: set(task.downstream_task_ids) for task in dag.tasks} for dag_id, dag in bag.dags.items()
    }
    assert found == TASKS
    for dag in bag.dags.values():  # as the DAG processor writes them for the scheduler
        assert len(DagSerialization.to_dict(dag)["dag"]["tasks"]) == len(TASKS[dag.dag_id])


@pytest.mark.parametrize(("dag_id", "task_id"), SPARK_TASKS)
def test_tasks_make_a_spark_application_of_their_job(bag: DagBag, dag_id: str, task_id: str) -> None:
    task = task_of(bag, dag_id, task_id)
    assert type(task).__name__ == "SparkApplicationOperator"
    assert (task.namespace, task.image, task.in_cluster) == ("skytier-jobs", "skytier:9", True)
    job = FOLDER.parents[1] / "spark_jobs" / f"{SPARK_TASKS[dag_id, task_id]}.py"
    assert task.code_path == f"local://{job}"
    assert job.is_file()
    task.arguments = list(task.arguments)
    task.render_template_fields({"ti": Planned()})
    spec = task.template_body["spark"]["spec"]
    assert spec["arguments"] == ([ARCHIVE, task_id] if dag_id == "mongodb_archiving_dag" else [])
    wanted = yaml.safe_load(MANIFEST.read_text())["spec"]
    assert {name: value for name, value in spec.items() if name != "arguments"} == wanted


def allowed() -> set[tuple[str, str, str, str]]:
    """What the role of the worker allows."""
    (role,) = [
        one
        for one in yaml.safe_load_all((BASE / "access.yaml").read_text())
        if one["kind"] == "Role" and one["metadata"]["name"] == "airflow-worker"
    ]
    return {
        (role["metadata"]["namespace"], group, kind, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for kind in rule["resources"]
        for verb in rule["verbs"]
    }


def test_a_job_runs_with_the_rights_of_the_worker(bag: DagBag, api: Path, context: dict[str, Any]) -> None:
    task = task_of(bag, "mongodb_archiving_dag", "export", api)
    task.render_template_fields({"ti": Planned()})
    seen: list[dict[str, Any]] = []
    push = context["ti"].xcom_push
    context["ti"].xcom_push = lambda **given: (seen.extend(Api.applications.values()), push(**given))
    task.execute(context)
    application = seen[0]
    assert application["metadata"]["namespace"] == "skytier-jobs"
    assert application["metadata"]["name"].startswith("export-")
    spec = application["spec"]
    assert spec["arguments"] == [ARCHIVE, "export"]
    assert spec["image"] == "skytier:9"
    assert spec["mainApplicationFile"].endswith("/spark_jobs/archive_hot_tier.py")
    assert spec["driver"]["labels"]["network.skytier/storage"] == "joined"
    assert spec["driver"]["labels"]["task_id"] == "export"
    assert Api.deleted == [application["metadata"]["name"]]
    assert Api.asked <= allowed()
    assert ("skytier-jobs", "", "pods/log", "get") in Api.asked


def test_a_job_that_fails_fails_its_task_and_is_deleted(bag: DagBag, api: Path, context: dict[str, Any]) -> None:
    Api.ends_as = "Failed"
    task = task_of(bag, "flight_processing_dag", "process_flight_events", api)
    with pytest.raises(AirflowException, match="returned a failure"):
        task.execute(context)
    assert Api.applications == {}
    assert Api.asked <= allowed()


def test_a_task_whose_worker_was_lost_goes_on_with_its_driver(bag: DagBag, api: Path, context: dict[str, Any]) -> None:
    task = task_of(bag, "flight_processing_dag", "process_flight_events", api)
    task.name = task.create_job_name()
    task._setup_spark_configuration(context)  # as far as a worker came that was killed
    (first,) = Api.applications
    again = task_of(bag, "flight_processing_dag", "process_flight_events", api)
    context["ti"].try_number = 2
    again.execute(context)
    assert Api.deleted == [first]  # no other one was made
    assert context["ti"].pushed["pod_name"] == f"{first}-driver"
    assert Api.asked <= allowed()


def test_a_task_that_is_ended_deletes_its_application(bag: DagBag, api: Path, context: dict[str, Any]) -> None:
    task = task_of(bag, "warehouse_maintenance_dag", "maintain_warehouse", api)
    task.name = task.create_job_name()
    task._setup_spark_configuration(context)
    (name,) = Api.applications
    task.on_kill()
    assert Api.deleted == [name]
    assert Api.asked <= allowed()


def test_the_executor_of_the_settings_exists() -> None:
    settings = dict(line.split("=", 1) for line in (BASE / "settings.env").read_text().splitlines() if "=" in line)
    module, _, name = settings["SKYTIER_AIRFLOW_EXECUTOR"].rpartition(".")
    assert issubclass(getattr(import_module(module), name), BaseExecutor)
