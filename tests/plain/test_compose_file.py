"""The compose file runs the servers of the local stack, all of them, and is as closed as it says."""

from __future__ import annotations

import re
import subprocess
import tomllib
from functools import cache
from typing import Any

import pytest
import yaml

from local_stack import servers
from local_stack.service_secrets import SERVICES
from local_stack.stack import SERVERS
from skytier.settings.base import PROJECT_ROOT
from skytier.settings.index import ALL_SETTINGS
from skytier.settings.ports import PortSettings

pytestmark = pytest.mark.plain

OFFICIAL = {"postgres", "mongodb", "redis"}
ONCE = {"config", "bootstrap"}
NOT_A_FIELD = {"SKYTIER_ENV_FILE", "SKYTIER_HOME"}


@cache
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((PROJECT_ROOT / "docker-compose.yml").read_text(encoding="utf-8")))


def services() -> dict[str, dict[str, Any]]:
    return dict(compose()["services"])


def version() -> str:
    return str(tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


def test_every_server_has_its_service_and_every_service_a_server() -> None:
    assert set(services()) - ONCE == {server.name for server in SERVERS} | set(servers.OF_CLUSTERS)
    for name, service in services().items():
        if name not in OFFICIAL | ONCE:
            assert service["command"] == ["skytier", "stack", "run", name]


def test_every_variable_is_a_setting() -> None:
    known = {
        f"{settings.model_config['env_prefix']}{field}".upper()
        for settings in ALL_SETTINGS
        for field in settings.model_fields
    }
    used = {name for service in services().values() for name in service.get("environment", {})}
    assert {name for name in used if name.startswith("SKYTIER_")} - NOT_A_FIELD <= known
    assert len(used & known) > 15


def test_images_are_pinned_the_projects_own_to_its_version() -> None:
    for name, service in services().items():
        image, _, tag = service["image"].partition(":")
        assert re.fullmatch(r"[\d.]+", tag), f"{name}: {service['image']}"
        assert (tag == version()) == image.startswith("skytier"), f"{name}: {service['image']}"


def test_only_dashboard_airflow_and_sql_are_published_and_only_on_loopback() -> None:
    ports = PortSettings(offset=0)
    published = {name: service["ports"] for name, service in services().items() if "ports" in service}
    assert published == {
        name: [f"127.0.0.1:{port}:{port}"]
        for name, port in {"sql": ports.sql, "airflow-api": ports.airflow, "dashboard": ports.dashboard}.items()
    }
    assert {name for name in published if "web" not in services()[name]["networks"]} == set()


@pytest.mark.parametrize("name", sorted(services()))
def test_a_service_has_no_rights_and_limits(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"] == "10001:10001"
    assert service["mem_limit"]
    assert service["cpus"] <= 2, "an engine refuses more than the machine has"
    assert service["pids_limit"]
    assert service["restart"] == ("on-failure:3" if name in ONCE else "unless-stopped")
    assert ("healthcheck" in service) == (name not in ONCE)


def test_a_service_waits_for_those_that_its_server_needs() -> None:
    def waits_for(name: str) -> set[str]:
        direct = set(services()[name].get("depends_on", {}))
        return direct.union(*(waits_for(other) for other in direct))

    for server in SERVERS:
        needed = {*server.needs, *(["bootstrap"] if server.after_bootstrap else [])}
        assert needed <= waits_for(server.name), server.name


def test_storage_is_not_on_the_network_of_what_is_published() -> None:
    storage = {"kafka", "namenode", "datanode", "metastore", "mongodb", "postgres", "redis"}
    assert {name for name in storage if services()[name]["networks"] != ["storage"]} == set()
    assert compose()["networks"] == {"storage": {"internal": True}, "processing": {"internal": True}, "web": {}}


def test_a_service_gets_its_own_folder_of_secrets_which_git_and_docker_ignore() -> None:
    folders = []
    for name, service in services().items():
        folders += [volume for volume in service["volumes"] if isinstance(volume, dict)]
        assert folders[-1] == {
            "type": "bind",
            "source": f"./deploy/secrets/{name}",
            "target": "/run/secrets",
            "read_only": True,
            "bind": {"create_host_path": False},
        }
    assert len(folders) == len(services())
    paths = [f"{folder['source']}/skytier.env" for folder in folders]
    ignored = subprocess.run(["git", "check-ignore", *paths], cwd=PROJECT_ROOT, capture_output=True, check=False)
    assert len(ignored.stdout.splitlines()) == len(paths)
    into_images = (PROJECT_ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in into_images
    assert not [line for line in into_images if line.rstrip("/") in ("!/deploy", "!/var", "!/deploy/secrets")]


def test_secrets_are_made_for_every_service() -> None:
    assert set(SERVICES) - {"spark"} == set(services()), "spark: pods on Kubernetes"


def test_volumes_are_named() -> None:
    mounted = [volume for service in services().values() for volume in service["volumes"] if isinstance(volume, str)]
    assert {volume.partition(":")[0] for volume in mounted} == set(compose()["volumes"])
