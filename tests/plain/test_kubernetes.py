"""Manifests of Kubernetes: valid, complete, consistent with each other and with the code. No cluster is asked."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path

import kubernetes_validate
import pyspark
import pytest
from kubeflow_spark_api.models.spark_v1beta2_spark_application import SparkV1beta2SparkApplication
from pydantic import SecretStr

from local_stack.stack import CLUSTER_SERVERS, SERVERS
from skytier.settings.hdfs import HdfsSettings
from skytier.settings.index import ALL_SETTINGS
from skytier.settings.kafka import KafkaSettings
from skytier.settings.mongodb import MongoSettings
from skytier.settings.ports import PortSettings
from skytier.settings.spark import SparkSettings
from tests import manifests
from tests.manifests import OFFICIAL, OVERLAYS, ROOT, VERSION, Document, label

pytestmark = pytest.mark.plain

BESIDE_SERVERS = {server.name for server in CLUSTER_SERVERS} - {"spark-master", "spark-worker"} | {"bootstrap"}
"""The Spark operator takes the place of Spark's own cluster."""


@pytest.fixture(params=OVERLAYS)
def documents(request: pytest.FixtureRequest) -> list[Document]:
    return manifests.overlay(request.param)


@pytest.fixture
def cluster() -> list[Document]:
    return manifests.overlay("cluster")


def test_every_document_is_valid(documents: list[Document]) -> None:
    assert len(documents) > 50
    for document in documents:
        kubernetes_validate.validate(document, VERSION, strict=True)
    names = [manifests.name_of(document) for document in documents]
    assert len(names) == len(set(names))


def test_the_validator_finds_a_wrong_type_and_an_unknown_field(documents: list[Document]) -> None:
    service = manifests.one(documents, "Service", "sql")
    for wrong in ({"clusterIP": 7}, {"publishNotReadyAdresses": True}):
        with pytest.raises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(service | {"spec": service["spec"] | wrong}, VERSION, strict=True)


def test_the_spark_application_is_valid(documents: list[Document]) -> None:
    application = manifests.spark_application(documents)
    parsed = SparkV1beta2SparkApplication.from_dict(application)
    assert parsed is not None
    assert parsed.to_dict() == application  # a field that the operator does not know would be missing
    for role in ("driver", "executor"):
        template = application["spec"][role]["template"]
        kubernetes_validate.validate(
            {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": role}, "template": template},
            VERSION,
            strict=True,
        )


def test_a_job_is_started_once_by_airflow_only(documents: list[Document]) -> None:
    spec = manifests.spark_application(documents)["spec"]
    assert spec["restartPolicy"] == {"type": "Never"}
    assert not manifests.of_kind(documents, "ScheduledSparkApplication", "SparkApplication")
    for role in ("driver", "executor"):
        pod = spec[role]["template"]["spec"]
        assert pod["restartPolicy"] == "Never"
        assert {one["tolerationSeconds"] for one in pod["tolerations"]} == {30}


def test_the_spark_application_is_that_of_the_installed_spark_and_project(documents: list[Document]) -> None:
    application = manifests.spark_application(documents)
    spec = application["spec"]
    assert spec["sparkVersion"] == pyspark.__version__
    assert spec["driver"]["memory"] == f"{SparkSettings().driver_memory_mb}m"
    folder = manifests.one(documents, "ConfigMap", "settings", "skytier-jobs")["data"][
        "SKYTIER_SPARK_EXECUTOR_PYTHON_PATH"
    ]
    job = spec["mainApplicationFile"].removeprefix(f"local://{folder}/")
    assert (ROOT / job).is_file()
    worker = manifests.pod_named(documents, "airflow-worker")["spec"]["containers"][0]
    given = manifests.variables(worker, documents, "skytier")
    assert given["SKYTIER_AIRFLOW_SPARK_NAMESPACE"] == application["metadata"]["namespace"]
    assert (
        given["SKYTIER_AIRFLOW_SPARK_IMAGE"] == manifests.pod_named(documents, "sql")["spec"]["containers"][0]["image"]
    )
    (mount,) = [one for one in worker["volumeMounts"] if one["name"] == "spark-application"]
    assert given["SKYTIER_AIRFLOW_SPARK_APPLICATION"] == f"{mount['mountPath']}/manifest.yaml"


def test_every_server_of_the_local_stack_has_its_twin(documents: list[Document]) -> None:
    twins = {one["metadata"]["name"] for one in manifests.workloads(documents)}
    assert twins == {server.name for server in SERVERS} | BESIDE_SERVERS
    for server in twins - {"bootstrap"}:
        container = manifests.pod_named(documents, server)["spec"]["containers"][0]
        if server in OFFICIAL:
            assert container["image"] == OFFICIAL[server]
            before = manifests.pod_named(documents, server)["spec"]["initContainers"][0]
            assert f"skytier stack prepare {server}" in " ".join(before["command"])
        else:
            assert container["command"] == ["skytier", "stack", "run", server]
            assert container["readinessProbe"]["exec"]["command"] == ["skytier", "stack", "check", server]


def test_images_are_pinned_and_have_the_projects_version(documents: list[Document]) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    used = {
        one["image"] for one in manifests.workloads(documents) for one in manifests.containers(one["spec"]["template"])
    }
    assert used == {f"skytier:{version}", f"skytier-airflow:{version}", *OFFICIAL.values()}


def test_an_overlay_takes_images_from_elsewhere_those_of_jobs_too(tmp_path: Path) -> None:
    shutil.copytree(manifests.KUBERNETES, tmp_path / "kubernetes")
    folder = tmp_path / "kubernetes" / "overlays" / "cluster"
    with (folder / "kustomization.yaml").open("a") as file:
        file.write("images:\n  - {name: skytier, newName: registry.example.org/skytier, newTag: '9'}\n")
    documents = manifests.build(folder)
    (worker,) = manifests.pod_named(documents, "airflow-worker")["spec"]["containers"]
    image = "registry.example.org/skytier:9"
    assert manifests.variables(worker, documents, "skytier")["SKYTIER_AIRFLOW_SPARK_IMAGE"] == image
    before = manifests.pod_named(documents, "mongodb")["spec"]["initContainers"][0]
    assert before["image"] == manifests.pod_named(documents, "kafka")["spec"]["containers"][0]["image"] == image


def test_services_select_pods_with_their_ports(documents: list[Document]) -> None:
    for service in manifests.of_kind(documents, "Service"):
        where, selector = service["metadata"]["namespace"], {"matchLabels": service["spec"]["selector"]}
        found = [
            p
            for ns, p in manifests.pods(documents)
            if ns == where and manifests.selects(selector, p["metadata"]["labels"])
        ]
        assert [label(pod) for pod in found] == [service["metadata"]["name"]]
        given = {port["name"]: port["containerPort"] for port in found[0]["spec"]["containers"][0].get("ports", [])}
        asked = {port["targetPort"]: port["port"] for port in service["spec"].get("ports", [])}
        assert asked == given


def test_ports_are_those_of_the_settings(documents: list[Document]) -> None:
    listened = {
        port["containerPort"]
        for _, pod in manifests.pods(documents)
        for container in pod["spec"]["containers"]
        for port in container.get("ports", [])
    }
    defaults = {int(field.default) for name, field in PortSettings.model_fields.items() if name != "offset"}
    assert listened == {port for port in defaults if port in listened}
    assert listened >= {9092, 9093, 8020, 9870, 9866, 9864, 9867, 9083, 10000, 5432, 6379, 27017, 8080, 8501}


def test_workloads_and_budgets_select_their_own_pods(documents: list[Document]) -> None:
    for workload in manifests.of_kind(documents, "StatefulSet", "Deployment"):
        selector = workload["spec"]["selector"]
        assert [
            label(p) for _, p in manifests.pods(documents) if manifests.selects(selector, p["metadata"]["labels"])
        ] == [workload["metadata"]["name"]]
    budgets = manifests.of_kind(documents, "PodDisruptionBudget")
    for budget in budgets:
        selected = [
            label(p)
            for _, p in manifests.pods(documents)
            if manifests.selects(budget["spec"]["selector"], p["metadata"]["labels"])
        ]
        assert selected == [budget["metadata"]["name"]]
    assert {one["metadata"]["name"] for one in budgets} >= {"kafka", "mongodb", "datanode", "namenode", "postgres"}


def test_the_autoscaler_scales_the_dashboard(documents: list[Document]) -> None:
    (scaler,) = manifests.of_kind(documents, "HorizontalPodAutoscaler")
    target = scaler["spec"]["scaleTargetRef"]
    deployment = manifests.one(documents, target["kind"], target["name"])
    assert (target["apiVersion"], target["name"]) == (deployment["apiVersion"], "dashboard")
    assert "replicas" not in deployment["spec"]  # each apply would set it back
    assert "cpu" in deployment["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]
    assert manifests.one(documents, "Service", "dashboard")["spec"]["sessionAffinity"] == "ClientIP"


def test_statefulsets_have_their_service_and_volumes(documents: list[Document]) -> None:
    for one in manifests.of_kind(documents, "StatefulSet"):
        name = one["metadata"]["name"]
        assert manifests.one(documents, "Service", one["spec"]["serviceName"])["metadata"]["name"] == name
    kept = {
        one["metadata"]["name"]
        for one in manifests.of_kind(documents, "StatefulSet")
        if one["spec"].get("volumeClaimTemplates")
    }
    assert kept == {"kafka", "namenode", "datanode", "mongodb", "postgres", "airflow-api", "feed"}


def test_hosts_of_the_settings_are_names_of_services_and_pods(documents: list[Document]) -> None:
    settings = manifests.variables(
        manifests.pod_named(documents, "kafka")["spec"]["containers"][0], documents, "skytier"
    )
    names = {one["metadata"]["name"] for one in manifests.of_kind(documents, "Service")}
    pods = {
        f"{one['metadata']['name']}-{number}.{one['spec']['serviceName']}"
        for one in manifests.of_kind(documents, "StatefulSet")
        for number in range(one["spec"]["replicas"])
    }
    hosts = {name: value.split(",") for name, value in settings.items() if name.startswith("SKYTIER_HOST_")}
    assert len(hosts) >= 10
    for variable, named in hosts.items():
        assert set(named) <= names | pods, variable
        stem = variable.removeprefix("SKYTIER_HOST_").lower()
        if len(named) > 1 or "." in named[0]:  # all pods of a StatefulSet
            assert set(named) == {pod for pod in pods if pod.endswith(f".{stem}")}, variable
    of_jobs = manifests.one(documents, "ConfigMap", "settings", "skytier-jobs")["data"]
    assert {name: value for name, value in of_jobs.items() if name in settings} == settings
    driver = manifests.spark_application(documents)["spec"]["driver"]["template"]["spec"]
    assert driver["dnsConfig"] == {"searches": ["skytier.svc.cluster.local"]}  # where these names are


def test_a_cluster_keeps_copies(cluster: list[Document], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in manifests.one(cluster, "ConfigMap", "settings", "skytier-jobs")["data"].items():
        monkeypatch.setenv(name, value)
    assert (KafkaSettings().replicas, KafkaSettings().min_insync_replicas, KafkaSettings().partitions) == (3, 2, 6)
    assert HdfsSettings().replicas == 2
    monkeypatch.setenv("SKYTIER_TLS_ENABLED", "0")  # its authority is in the pods
    assert "replicaSet=rs0" in MongoSettings(password=SecretStr("any")).connection_string()


def test_what_a_cluster_has_more_of(cluster: list[Document]) -> None:
    count = {
        one["metadata"]["name"]: one["spec"]["replicas"]
        for one in manifests.of_kind(cluster, "StatefulSet", "Deployment")
        if one["spec"].get("replicas", 1) > 1
    }
    assert count == {"kafka": 3, "datanode": 3, "mongodb": 3, "sql": 2, "airflow-scheduler": 2}
    for name in ("kafka", "datanode", "mongodb"):
        (rule,) = manifests.pod_named(cluster, name)["spec"]["affinity"]["podAntiAffinity"][
            "requiredDuringSchedulingIgnoredDuringExecution"
        ]
        assert rule["topologyKey"] == "kubernetes.io/hostname"
        assert rule["matchLabelKeys"] == ["app.kubernetes.io/name"]
    assert manifests.of_kind(cluster, "HorizontalPodAutoscaler")[0]["spec"]["minReplicas"] == 2
    budgets = {one["metadata"]["name"] for one in manifests.of_kind(cluster, "PodDisruptionBudget")}
    assert budgets >= set(count) | {"dashboard"}


def known_variables() -> set[str]:
    fields = {f"{kind.model_config['env_prefix']}{name}".upper() for kind in ALL_SETTINGS for name in kind.model_fields}
    return fields | {"SKYTIER_HOME", "SKYTIER_ENV_FILE"}


def test_every_variable_is_a_setting_with_a_value_of_its_type(
    documents: list[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    for namespace, pod in manifests.pods(documents):
        for container in manifests.containers(pod):
            found = manifests.variables(container, documents, namespace)
            ours = {name: value for name, value in found.items() if name.startswith("SKYTIER_")}
            assert set(ours) <= known_variables(), container["name"]
            assert all(re.match("HOME|PGDATA|POSTGRES_|MONGO_INITDB_ROOT_", name) for name in set(found) - set(ours))
            with monkeypatch.context() as patch:
                for name, value in ours.items():
                    patch.setenv(name, value)
                for kind in ALL_SETTINGS:
                    kind()
