"""Manifests of Kubernetes: who reaches whom, who may ask the API server for what, how pods are confined."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests import manifests
from tests.manifests import OVERLAYS, ROOT, Document, label

pytestmark = pytest.mark.plain

NETWORKS = {
    "storage": {
        *("kafka", "namenode", "datanode", "metastore", "mongodb", "postgres", "redis", "sql", "feed", "dashboard"),
        *("airflow-api", "airflow-scheduler", "airflow-dags", "airflow-worker", "bootstrap"),
        *("spark-driver", "spark-executor"),
    },
    "processing": {"sql", "airflow-worker", "bootstrap", "spark-driver", "spark-executor"},
    "web": {
        *("sql", "dashboard"),
        *("airflow-api", "airflow-scheduler", "airflow-dags", "airflow-worker"),
    },
    "api-server": {"airflow-worker", "airflow-scheduler", "feed", "spark-driver"},
}
# What each service account may do, by namespace: API group, resource, names, verbs.
RIGHTS = {
    ("skytier/after-bootstrap", "skytier"): {("batch", "jobs", ("bootstrap",), ("get",))},
    ("skytier/airflow-worker", "skytier-jobs"): {
        ("sparkoperator.k8s.io", "sparkapplications", (), ("create", "delete")),
        ("sparkoperator.k8s.io", "sparkapplications/status", (), ("get",)),
        ("", "pods", (), ("get", "list")),
        ("", "pods/log", (), ("get",)),
        ("", "events", (), ("list",)),
    },
    ("skytier-jobs/spark-driver", "skytier-jobs"): {
        ("", "pods", (), ("create", "delete", "deletecollection", "get", "list", "patch", "watch"))
    },
}
HAVE_TOKENS = {"airflow-worker", "airflow-scheduler", "feed", "spark-driver"}


@pytest.fixture(params=OVERLAYS)
def documents(request: pytest.FixtureRequest) -> list[Document]:
    return manifests.overlay(request.param)


def test_pods_join_the_networks_of_their_twins(documents: list[Document]) -> None:
    joined: dict[str, set[str]] = {}
    for _, pod in manifests.pods(documents):
        for key in pod["metadata"]["labels"]:
            if key.startswith("network.skytier/"):
                joined.setdefault(key.partition("/")[2], set()).add(label(pod))
    assert joined == NETWORKS


def test_networks_are_those_of_the_compose_file() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    of_compose: dict[str, set[str]] = {}
    for name, service in services.items():
        for network in service.get("networks", []):
            of_compose.setdefault(network, set()).add({"spark-worker": "spark-executor"}.get(name, name))
    # The Spark operator takes the place of a master; drivers are there a part of Airflow's worker.
    of_compose["processing"].remove("spark-master")
    ours = {name: pods - {"spark-driver"} for name, pods in NETWORKS.items() if name != "api-server"}
    assert ours == of_compose
    for network in ("storage", "processing"):
        assert {"spark-driver", "airflow-worker"} <= NETWORKS[network]


def test_policies_deny_all_else(documents: list[Document]) -> None:
    policies = manifests.of_kind(documents, "NetworkPolicy")
    for namespace in ("skytier", "skytier-jobs"):
        rule = manifests.one(documents, "NetworkPolicy", "default-deny", namespace)["spec"]
        assert rule == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
        names = {one["metadata"]["name"] for one in policies if one["metadata"]["namespace"] == namespace}
        used = {
            key.partition("/")[2]
            for where, pod in manifests.pods(documents)
            if where == namespace
            for key in pod["metadata"]["labels"]
            if key.startswith("network.skytier/")
        }
        published = {"published"} if namespace == "skytier" else set()
        assert names == {"default-deny", "names"} | used | published


def peers(policy: Document) -> list[Document]:
    rules = [*policy["spec"].get("ingress", []), *policy["spec"].get("egress", [])]
    return [peer for rule in rules for peer in [*rule.get("from", []), *rule.get("to", [])]]


def test_policies_select_pods_and_let_networks_meet(documents: list[Document]) -> None:
    for policy in manifests.of_kind(documents, "NetworkPolicy"):
        namespace, name = policy["metadata"]["namespace"], policy["metadata"]["name"]
        selector = policy["spec"]["podSelector"]
        selected = {
            label(p)
            for ns, p in manifests.pods(documents)
            if ns == namespace and manifests.selects(selector, p["metadata"]["labels"])
        }
        assert selected
        if name in ("storage", "processing", "web"):
            assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
            both = [
                {
                    label(pod)
                    for ns, pod in manifests.pods(documents)
                    if manifests.selects(peer["namespaceSelector"], labels_of_namespace(documents, ns))
                    and manifests.selects(peer["podSelector"], pod["metadata"]["labels"])
                }
                for peer in peers(policy)
            ]
            assert both == [NETWORKS[name], NETWORKS[name]]
            assert not [rule for kind in ("ingress", "egress") for rule in policy["spec"][kind] if "ports" in rule]
    published = manifests.one(documents, "NetworkPolicy", "published")["spec"]
    assert published["podSelector"]["matchExpressions"][0]["values"] == ["dashboard", "airflow-api", "sql"]
    assert {port["port"] for port in published["ingress"][0]["ports"]} == {8501, 8080, 10000}


def labels_of_namespace(documents: list[Document], name: str) -> Document:
    (found,) = [one for one in manifests.of_kind(documents, "Namespace") if one["metadata"]["name"] == name]
    return {"kubernetes.io/metadata.name": name, **found["metadata"]["labels"]}


def test_rights_are_exactly_these(documents: list[Document]) -> None:
    assert not manifests.of_kind(documents, "ClusterRole", "ClusterRoleBinding")
    found: dict[Any, set[Any]] = {}
    for binding in manifests.of_kind(documents, "RoleBinding"):
        namespace = binding["metadata"]["namespace"]
        role = manifests.one(documents, "Role", binding["roleRef"]["name"], namespace)
        for subject in binding["subjects"]:
            allowed = found.setdefault((f"{subject['namespace']}/{subject['name']}", namespace), set())
            for rule in role["rules"]:
                assert set(rule) <= {"apiGroups", "resources", "resourceNames", "verbs"}
                names, verbs = tuple(rule.get("resourceNames", ())), tuple(sorted(rule["verbs"]))
                allowed |= {(group, kind, names, verbs) for group in rule["apiGroups"] for kind in rule["resources"]}
    assert found == RIGHTS
    assert len(manifests.of_kind(documents, "Role")) == len(manifests.of_kind(documents, "RoleBinding"))


def test_only_who_asks_the_api_server_has_a_token(documents: list[Document]) -> None:
    have = {label(pod) for _, pod in manifests.pods(documents) if pod["spec"]["automountServiceAccountToken"]}
    assert have == HAVE_TOKENS == NETWORKS["api-server"]
    assert all(one["automountServiceAccountToken"] is False for one in manifests.of_kind(documents, "ServiceAccount"))


def test_pods_are_confined(documents: list[Document]) -> None:
    for _, pod in manifests.pods(documents):
        context = pod["spec"]["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["runAsUser"] == context["fsGroup"] == 10001
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["spec"]["enableServiceLinks"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC", "hostAliases"} & set(pod["spec"])
        assert not [volume for volume in pod["spec"]["volumes"] if "hostPath" in volume]
        for container in manifests.containers(pod):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
    for namespace in manifests.of_kind(documents, "Namespace"):
        assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_containers_have_requests_limits_and_probes(documents: list[Document]) -> None:
    for one in manifests.workloads(documents):
        for container in manifests.containers(one["spec"]["template"]):
            resources = container["resources"]
            assert set(resources["requests"]) == {"cpu", "memory"}
            assert "memory" in resources["limits"]
            if container["name"] == "server" and one["kind"] != "Job":
                assert {"startupProbe", "readinessProbe"} <= set(container)
