"""The cluster of containers is docker-compose.yml with more of some servers, and with hosts that say so everywhere."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from typing import Any

import pytest

from local_stack import secret_files
from local_stack.service_secrets import SERVICES
from skytier.settings.base import PROJECT_ROOT
from skytier.settings.hdfs import HdfsSettings
from skytier.settings.hosts import HostSettings
from skytier.settings.index import ALL_SETTINGS
from skytier.settings.kafka import KafkaSettings
from skytier.settings.ports import PortSettings
from skytier.settings.spark import SparkSettings
from tests import composition, manifests

pytestmark = pytest.mark.plain

MORE = {
    "kafka": ["kafka", "kafka-2", "kafka-3"],
    "datanode": ["datanode", "datanode-2", "datanode-3"],
    "mongodb": ["mongodb", "mongodb-2", "mongodb-3"],
    "spark-worker": ["spark-worker", "spark-worker-2"],
    "sql": ["sql", "sql-2"],
    "airflow-scheduler": ["airflow-scheduler", "airflow-scheduler-2"],
}
"""the services of each server that runs more than once"""
OFFICIAL = {"postgres", "redis", "mongodb", "mongodb-2", "mongodb-3"}
WITHOUT_LISTS = {"sql", "airflow-scheduler"}
MEMORY_GB = 28  # the sum of the limits of all that goes on running


@cache
def base() -> dict[str, Any]:
    return composition.load(PROJECT_ROOT / "docker-compose.yml")


@cache
def overlay() -> dict[str, Any]:
    return composition.load(PROJECT_ROOT / "deploy" / "compose.cluster.yml")


@cache
def services() -> dict[str, composition.Service]:
    return composition.services(base(), overlay())


def server_of(name: str) -> str:
    return next((server for server, names in MORE.items() if name in names), name)


def cluster_settings() -> dict[str, str]:
    return {name: str(value) for name, value in overlay()["x-cluster"].items()}


def test_what_it_adds_are_further_services_of_servers_that_are_there() -> None:
    assert set(services()) == set(base()["services"]) | {name for names in MORE.values() for name in names}
    for server, (_, *added) in MORE.items():
        for name in added:
            assert overlay()["services"][name]["extends"] == {"file": "docker-compose.yml", "service": server}
            assert services()[name]["command"] == services()[server]["command"]
            assert services()[name].get("depends_on") == services()[server].get("depends_on")


def test_it_is_a_project_of_its_own() -> None:
    """Servers that were started alone do not become members of a cluster."""
    assert overlay()["name"] == f"{base()['name']}-cluster"


def test_all_services_that_read_settings_have_the_same_ones() -> None:
    for name, service in services().items():
        if name not in OFFICIAL:
            found = {key: str(value) for key, value in service["environment"].items()}
            assert found | cluster_settings() == found, name


def test_every_variable_is_a_setting() -> None:
    known = {
        f"{kind.model_config['env_prefix']}{field}".upper() for kind in ALL_SETTINGS for field in kind.model_fields
    }
    used = {name for service in overlay()["services"].values() for name in service.get("environment", {})}
    assert {name for name in used if name.startswith("SKYTIER_")} <= known


@pytest.mark.parametrize("server", sorted(set(MORE) - WITHOUT_LISTS))
def test_a_list_of_hosts_names_the_services_in_their_order(server: str) -> None:
    """By these names the others reach a member, and it finds itself."""
    hosts = cluster_settings()[f"SKYTIER_HOST_{server.upper().replace('-', '_')}"].split(",")
    assert len(hosts) == len(MORE[server])
    for host, name in zip(hosts, MORE[server], strict=True):
        assert services()[name]["hostname"] == host.partition(".")[0]
        answering = [
            (other, network)
            for other, service in services().items()
            for network, options in (service.get("networks") or {}).items()
            if host in ((options or {}).get("aliases") or [])
        ]
        network = "processing" if server == "spark-worker" else "storage"
        assert answering == [(name, network)], "a name is one host's, with one address"


def test_only_sql_is_a_name_of_two() -> None:
    named = {
        (network, alias, name)
        for name, service in services().items()
        for network, options in (service.get("networks") or {}).items()
        for alias in {name, *((options or {}).get("aliases") or [])}
    }
    holders = Counter((network, alias) for network, alias, _ in named)
    assert {alias for (_, alias), number in holders.items() if number > 1} == {"sql"}


def test_both_sql_endpoints_answer_to_one_name_and_each_to_its_own() -> None:
    first, second = services()["sql"], services()["sql-2"]
    assert set(first["networks"]) == set(second["networks"]) == {"processing", "storage", "web"}
    for network in first["networks"]:
        assert first["networks"][network]["aliases"] == ["sql-1"], "sql is its service"
        assert second["networks"][network]["aliases"] == ["sql", "sql-2"]
    assert [one["environment"]["SKYTIER_HOST_SQL"] for one in (first, second)] == ["sql-1", "sql-2"]
    others = {service["environment"]["SKYTIER_HOST_SQL"] for name, service in services().items() if name == "dashboard"}
    assert others == {"sql"}


def test_certificates_have_the_names_of_all_members() -> None:
    names = {server: [*secret_files._names()[server]] for server in ("kafka", "mongodb", "sql")}
    for server, found in names.items():
        own = cluster_settings().get(f"SKYTIER_HOST_{server.upper()}", "sql-1,sql-2")
        assert {server, *own.split(",")} <= set(found)


def test_replicas_follow_from_the_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in cluster_settings().items():
        monkeypatch.setenv(name, value)
    assert (KafkaSettings().replicas, KafkaSettings().min_insync_replicas) == (3, 2)
    assert HdfsSettings().replicas == 2
    assert len(HostSettings().all_of("mongodb")) == 3
    assert KafkaSettings().partitions >= SparkSettings().job_cores == len(HostSettings().all_of("spark_worker"))


def test_numbers_are_those_of_the_cluster_on_kubernetes() -> None:
    documents = manifests.overlay("cluster")
    given = manifests.one(documents, "ConfigMap", "settings", "skytier-jobs")["data"]
    ours = cluster_settings()
    for name, value in ours.items():
        if name.startswith("SKYTIER_HOST_") and name in given:
            assert len(given[name].split(",")) == len(value.split(",")), name
        elif not name.startswith("SKYTIER_HOST_"):
            assert given[name] == value
    replicas = {
        one["metadata"]["name"]: one["spec"]["replicas"]
        for one in manifests.of_kind(documents, "StatefulSet", "Deployment")
        if one["metadata"]["name"] in MORE
    }
    assert replicas == {server: len(names) for server, names in MORE.items() if server != "spark-worker"}


def test_every_service_keeps_its_own_data_and_gets_the_secrets_of_its_server() -> None:
    homes: dict[str, list[str]] = {}
    for name, service in services().items():
        for target, volume in service["volumes"].items():
            if target == "/run/secrets":
                assert volume["source"] == f"./deploy/secrets/{server_of(name)}"
                assert server_of(name) in SERVICES
            elif name != "config":
                homes.setdefault(volume.partition(":")[0], []).append(name)
    shared = {volume: names for volume, names in homes.items() if len(names) > 1}
    assert {volume: sorted(names) for volume, names in shared.items()} == {
        "airflow": ["airflow-api", "airflow-dags", "airflow-scheduler"],
        "cache": ["airflow-worker", "bootstrap"],
        "config": ["mongodb", "mongodb-2", "mongodb-3", "postgres", "redis"],
    }
    assert set(homes) == set(base()["volumes"]) | set(overlay()["volumes"])


def test_volumes_of_official_images_get_their_owner_from_ours() -> None:
    dockerfile = (PROJECT_ROOT / "deploy" / "images" / "Dockerfile").read_text(encoding="utf-8")
    made = set(re.findall(r"/volumes/[\w-]+", dockerfile))
    assert made == {target for target in services()["config"]["volumes"] if target.startswith("/volumes/")}
    assert made == {f"/volumes/{name}" for name in ("postgres", *MORE["mongodb"])}


def test_only_the_first_member_makes_the_first_user() -> None:
    makes = {name: services()[name]["environment"]["MONGO_INITDB_ROOT_USERNAME"] for name in MORE["mongodb"]}
    assert makes == {"mongodb": "skytier-admin", "mongodb-2": "", "mongodb-3": ""}
    assert {services()[name]["environment"]["MONGO_INITDB_ROOT_PASSWORD_FILE"] for name in MORE["mongodb"][1:]} == {""}
    checks = {services()[name]["healthcheck"]["test"] for name in MORE["mongodb"]}
    assert all("--host localhost" in check for check in checks), "each asks itself"


def test_nothing_more_is_published() -> None:
    ports = PortSettings(offset=0)
    published = {name: service["ports"] for name, service in services().items() if service.get("ports")}
    wanted = {"sql": ports.sql, "airflow-api": ports.airflow, "dashboard": ports.dashboard}
    assert published == {name: [f"127.0.0.1:{port}:{port}"] for name, port in wanted.items()}


def test_bootstrap_waits_for_all_members() -> None:
    waits_for = services()["bootstrap"]["depends_on"]
    for server in ("kafka", "datanode", "mongodb", "spark-worker"):
        assert {waits_for[name]["condition"] for name in MORE[server]} == {waits_for[server]["condition"]}


@pytest.mark.parametrize("name", sorted({name for names in MORE.values() for name in names}))
def test_a_service_is_as_closed_as_alone(name: str) -> None:
    service, alone = services()[name], base()["services"][server_of(name)]
    for key in ("image", "user", "read_only", "cap_drop", "security_opt", "restart", "pids_limit", "healthcheck"):
        assert service[key] == alone[key], key
    assert set(service["networks"]) == set(alone["networks"])


def test_limits_of_memory() -> None:
    limits = {name: _megabytes(service["mem_limit"]) for name, service in services().items()}
    assert sum(limits[name] for name in limits if name not in ("config", "bootstrap")) <= MEMORY_GB * 1024
    assert limits["spark-worker"] == limits["spark-worker-2"] > SparkSettings().worker_memory_mb


def _megabytes(limit: str) -> int:
    return int(limit[:-1]) * {"m": 1, "g": 1024}[limit[-1]]
