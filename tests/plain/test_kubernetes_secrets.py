"""Manifests of Kubernetes: Secrets, references, and whether a server finds in its pod what it needs."""

from __future__ import annotations

import base64
import json
import re
import shutil
import socket
from pathlib import Path

import kubernetes_validate
import pytest
from cryptography import x509

from local_stack import authority, secret_files
from local_stack import server as server_module
from local_stack.server import Server
from local_stack.service_secrets import SERVICES
from local_stack.stack import CLUSTER_SERVERS, SERVERS
from tests import manifests
from tests.manifests import OFFICIAL, OVERLAYS, VERSION, Document, label

pytestmark = pytest.mark.plain

NOT_ON_KUBERNETES = {"config", "spark-master", "spark-worker"}
"""services of the compose file whose work init containers and Spark's pods do"""


@pytest.fixture(params=OVERLAYS)
def documents(request: pytest.FixtureRequest) -> list[Document]:
    return manifests.overlay(request.param)


@pytest.fixture
def cluster() -> list[Document]:
    return manifests.overlay("cluster")


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like ``deploy``, with the secrets of a cluster and what makes Secrets of them."""
    folder = tmp_path_factory.mktemp("deploy")
    shutil.copytree(manifests.KUBERNETES / "secrets", folder / "kubernetes" / "secrets")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in manifests.one(manifests.overlay("cluster"), "ConfigMap", "settings", "skytier-jobs")[
            "data"
        ].items():
            if name.startswith("SKYTIER_HOST_"):
                patch.setenv(name, value)
        secret_files.write(folder / "secrets")
    return folder


@pytest.fixture(scope="module")
def made(secrets: Path) -> list[Document]:
    """The Secrets of that folder."""
    return manifests.build(secrets / "kubernetes" / "secrets", "--load-restrictor", "LoadRestrictionsNone")


def test_references_resolve(documents: list[Document], made: list[Document]) -> None:
    known = {
        kind: {(one["metadata"]["namespace"], one["metadata"]["name"]) for one in manifests.of_kind(documents, kind)}
        for kind in ("ConfigMap", "ServiceAccount", "PersistentVolumeClaim", "Role")
    }
    known_secrets = {(one["metadata"]["namespace"], one["metadata"]["name"]) for one in made}
    used_secrets = set()
    claims = {
        (one["metadata"]["name"], claim["metadata"]["name"])
        for one in manifests.of_kind(documents, "StatefulSet")
        for claim in one["spec"].get("volumeClaimTemplates", [])
    }
    for namespace, pod in manifests.pods(documents):
        spec = pod["spec"]
        volumes = {volume["name"] for volume in spec["volumes"]} | {
            name for owner, name in claims if owner == label(pod)
        }
        for container in manifests.containers(pod):
            mounted = [mount["name"] for mount in container.get("volumeMounts", [])]
            assert set(mounted) <= volumes, (label(pod), container["name"])
            paths = [mount["mountPath"] for mount in container.get("volumeMounts", [])]
            assert len(paths) == len(set(paths))
            for source in container.get("envFrom", []):
                assert (namespace, source["configMapRef"]["name"]) in known["ConfigMap"]
        for volume in spec["volumes"]:
            if "secret" in volume:
                used_secrets.add((namespace, volume["secret"]["secretName"]))
            if "configMap" in volume:
                assert (namespace, volume["configMap"]["name"]) in known["ConfigMap"]
            if "persistentVolumeClaim" in volume:
                assert (namespace, volume["persistentVolumeClaim"]["claimName"]) in known["PersistentVolumeClaim"]
        if account := spec.get("serviceAccountName"):
            assert (namespace, account) in known["ServiceAccount"]
    assert used_secrets == known_secrets
    for binding in manifests.of_kind(documents, "RoleBinding"):
        assert (binding["metadata"]["namespace"], binding["roleRef"]["name"]) in known["Role"]
        assert all((one["namespace"], one["name"]) in known["ServiceAccount"] for one in binding["subjects"])


def test_the_secrets_are_made_of_the_folder_of_skytier_stack_secrets(secrets: Path, made: list[Document]) -> None:
    for document in made:
        kubernetes_validate.validate(document, VERSION, strict=True)
        name, data = document["metadata"]["name"], document["data"]
        folder = secrets / "secrets" / name
        files = {path.name: path for path in folder.rglob("*") if path.is_file()}
        if name == "redis":  # its configuration holds the passwords
            files["skytier.env"] = secrets / "secrets" / "config" / "skytier.env"
        unused = {"kafka-login.properties"} if name in ("airflow-worker", "bootstrap") else set()
        assert set(data) == set(files) - unused, name
        for key, value in data.items():
            assert base64.b64decode(value) == files[key].read_bytes()
    assert len(made) == len(SERVERS) + len({"airflow-worker", "bootstrap", "spark"})


def test_pods_find_the_files_of_their_secret(documents: list[Document], made: list[Document]) -> None:
    keys = {one["metadata"]["name"]: set(one["data"]) for one in made}
    for namespace, pod in manifests.pods(documents):
        (name,) = [one["secret"]["secretName"] for one in pod["spec"]["volumes"] if "secret" in one]
        for container in manifests.containers(pod):
            text = json.dumps([container, manifests.variables(container, documents, namespace)])
            named = set(re.findall(r"/etc/skytier/([\w.-]+)", text))
            assert named <= keys[name], (name, container["name"])
    application = json.dumps(manifests.spark_application(documents))
    assert set(re.findall(r"/etc/skytier/([\w.-]+)", application)) == {"spark.secret"} <= keys["spark"]


def test_certificates_hold_for_the_names_that_clients_use(documents: list[Document], secrets: Path) -> None:
    settings = manifests.variables(
        manifests.pod_named(documents, "kafka")["spec"]["containers"][0], documents, "skytier"
    )
    for server in ("mongodb", "postgres", "redis", "kafka", "sql"):
        content = (secrets / "secrets" / server / "tls" / f"{server}.pem").read_bytes()
        names = authority.names_of(x509.load_pem_x509_certificates(content)[0])
        assert set(settings[f"SKYTIER_HOST_{server.upper()}"].split(",")) | {"localhost", "127.0.0.1"} <= set(names)


def test_every_secret_is_one_of_a_service(made: list[Document]) -> None:
    assert {one["metadata"]["name"] for one in made} == set(SERVICES) - NOT_ON_KUBERNETES | {"spark"}


@pytest.mark.parametrize("server", [*SERVERS, *CLUSTER_SERVERS], ids=lambda server: server.name)
def test_a_server_needs_no_more_than_its_pod_has(
    server: Server, cluster: list[Document], made: list[Document], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if server.name not in {one["metadata"]["name"] for one in manifests.workloads(cluster)}:
        assert server.name.startswith("spark-")
        return
    pod = manifests.pod_named(cluster, server.name)["spec"]
    mounted = tmp_path / "secrets"
    mounted.mkdir()
    (document,) = [one for one in made if one["metadata"]["name"] == server.name]
    for key, value in document["data"].items():
        (mounted / key).write_bytes(base64.b64decode(value))
    for container in manifests.containers({"spec": pod}):
        for name, value in manifests.variables(container, cluster, "skytier").items():
            if name.startswith("SKYTIER_"):
                here = value.replace("/etc/skytier", str(mounted)).replace("/var/lib/skytier", str(tmp_path / "home"))
                monkeypatch.setenv(name, here)
    if "podAntiAffinity" in str(pod.get("affinity")):
        monkeypatch.setattr(socket, "gethostname", lambda: f"{server.name}-1")  # as in the second pod
    server_module.make_home()
    server.configure()
    if server.name not in OFFICIAL:
        assert server.command()
        assert server.whole_environment()
    if server.name not in ("sql", "airflow-worker"):  # a driver of a local master listens on its own host only
        conf = tmp_path / "home" / "conf"
        written = " ".join(path.read_text() for path in conf.rglob("*") if path.is_file())
        assert "127.0.0.1" not in written


def test_no_manifest_holds_a_secret(documents: list[Document]) -> None:
    assert not manifests.of_kind(documents, "Secret")
    for config in manifests.of_kind(documents, "ConfigMap"):
        assert not [key for key in config["data"] if re.search("PASSWORD|SECRET|TOKEN|_KEY$", key)]
