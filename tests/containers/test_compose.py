"""The stack of docker-compose.yml, as a user runs it: it works, nobody looks in, and what is killed comes back.

One stack for all, in the order of this file. Tests marked ``first`` are a lane of their own: up, a batch, counts, down.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import psutil
import pytest
import requests
from playwright.sync_api import expect

from tests.browser.viewer import Viewer, chromium
from tests.containers.composed import Composed

pytestmark = [pytest.mark.containers, pytest.mark.timeout(2400)]

HOST = "127.0.0.1"
Found = TypeVar("Found")
ONCE = ("config", "bootstrap")
PUBLISHED = {8501, 8080, 10000}
MINUTE = "flight_processing_dag"
COUNTS = (Path(__file__).parent / "counts.py").read_text(encoding="utf-8")
TASKS = "airflow-worker"
DAYS = int(os.environ.get("SKYTIER_FEED_BACKFILL_DAYS", "28"))  # as the compose file reads it
LEAST_EVENTS = 1_800 * DAYS


def wait_for(ask: Callable[[], Found], seconds: float, pause: float = 1.0) -> Found:
    """The first answer that is not empty; what fails meanwhile is asked again."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if found := ask():
                return found
        except (AssertionError, requests.RequestException, KeyError):
            if time.monotonic() > deadline:
                raise
        assert time.monotonic() < deadline, f"{ask} had no answer in {seconds} s"
        time.sleep(pause)


class Airflow:
    """Airflow as its admin sees it from outside."""

    def __init__(self, containers: Composed) -> None:
        password = containers.secrets()["airflow-api:SKYTIER_AIRFLOW_PASSWORD"]
        login = {"username": "admin", "password": password}
        token = requests.post(f"http://{HOST}:8080/auth/token", json=login, timeout=30).json()["access_token"]
        self._headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str) -> dict[str, list[dict[str, str]]]:
        """An object of its API."""
        answer = requests.get(f"http://{HOST}:8080/api/v2/{path}", headers=self._headers, timeout=30)
        answer.raise_for_status()
        return dict(answer.json())

    def succeeded(self, dag: str, since: float) -> str | None:
        """The id of a run that began since then, in seconds of Unix time, and succeeded."""
        after = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(since))
        runs = self.get(f"dags/{dag}/dagRuns?start_date_gte={after}&state=success&limit=1")["dag_runs"]
        return runs[0]["dag_run_id"] if runs else None


def green_minute_run(containers: Composed, seconds: float = 600) -> str:
    """The id of a minute run that begins now and succeeds, with its reconciliation."""
    since = time.time()
    return wait_for(lambda: Airflow(containers).succeeded(MINUTE, since) or "", seconds, pause=3)


def healthy(containers: Composed) -> bool:
    return all(containers.state(name) == "healthy" for name in containers.names() if name not in ONCE)


def counts(containers: Composed) -> dict[str, int | list[int]]:
    return dict(containers.python(TASKS, COUNTS))


def assert_counts_match(containers: Composed) -> int:
    """Every event of the topic is once in every store; how many there are."""
    found = counts(containers)
    events = found["topic"]
    assert isinstance(events, int)
    assert found["staging"] == found["fact"] == found["both tiers"] == [events, events], found
    return events


@pytest.mark.first
def test_all_services_are_healthy(containers: Composed) -> None:
    assert healthy(containers), {name: containers.state(name) for name in containers.names()}
    assert {containers.container(name)["State"]["ExitCode"] for name in ONCE} == {0}


@pytest.mark.first
def test_airflows_minute_runs_take_in_what_the_feed_publishes(containers: Composed) -> None:
    before = counts(containers)["topic"]
    assert isinstance(before, int)
    wait_for(lambda: counts(containers)["topic"] > before, 300, pause=10)  # type: ignore[operator]
    run = green_minute_run(containers)
    tasks = Airflow(containers).get(f"dags/{MINUTE}/dagRuns/{run}/taskInstances")["task_instances"]
    assert {task["task_id"]: task["hostname"] for task in tasks} == {
        "process_flight_events": TASKS,
        "reconcile_batches": TASKS,
    }


@pytest.mark.first
def test_counts_equal_the_source_in_every_store(containers: Composed) -> None:
    containers.compose("stop", "feed")
    try:
        green_minute_run(containers)
        events = assert_counts_match(containers)
        assert events > LEAST_EVENTS
        assert counts(containers)["hot"] == events
        containers.execute(TASKS, "skytier", "reconcile")
    finally:
        containers.compose("start", "feed")


def test_jobs_run_on_the_spark_worker_and_no_property_holds_a_secret(containers: Composed) -> None:
    made = containers.execute("spark-worker", "find", "/var/lib/skytier", "-path", "*app-*", "-name", "stderr")
    assert made.strip(), "no executor has run there"
    properties = containers.execute(TASKS, "cat", "/var/lib/skytier/conf/spark-jobs.properties")
    assert not [name for name, secret in containers.secrets().items() if secret in properties]


def test_the_dashboard_shows_the_flights(containers: Composed) -> None:
    with chromium() as browser:
        viewer = Viewer(browser.new_page(), f"http://{HOST}:8501")
        viewer.open()
        assert viewer.panels().count() > 3
        expect(viewer.page.get_by_text("Traceback")).to_have_count(0)
        assert viewer.errors == []


def test_an_archive_run_moves_the_oldest_events(containers: Composed) -> None:
    limit = {"SKYTIER_ARCHIVE_LIMIT_MB": "5", "SKYTIER_ARCHIVE_GRACE_SECONDS": "5"}
    hot = counts(containers)["hot"]
    archived = json.loads(containers.execute(TASKS, "skytier", "archive", "run", "--json", seconds=900, **limit))
    assert archived["state"] == "done", archived
    assert counts(containers)["hot"] < hot  # type: ignore[operator]
    green_minute_run(containers)


def test_nothing_listens_beyond_loopback(containers: Composed) -> None:
    engine = psutil.Process(int((containers.engine.socket.parent / "pid").read_text()))
    family = {process.pid for process in [engine, *engine.children(recursive=True)]}
    listening = {c.laddr for c in psutil.net_connections("inet") if c.status == psutil.CONN_LISTEN and c.pid in family}
    assert listening == {(HOST, port) for port in PUBLISHED}


def test_no_secret_is_in_images_environments_or_logs(containers: Composed) -> None:
    secrets = containers.secrets()
    assert len(secrets) > 15
    images = sorted({containers.container(name)["Image"] for name in containers.names()})
    said = {f"history of {image}": containers.engine.docker("history", "--no-trunc", image) for image in images}
    said |= {f"image {image}": containers.engine.docker("inspect", image) for image in images}
    said |= {f"container {name}": json.dumps(containers.container(name)) for name in containers.names()}
    said |= {f"log of {name}": containers.compose("logs", "--no-color", name) for name in containers.names()}
    said |= {f"processes of {name}": containers.compose("top", name) for name in containers.names() if name not in ONCE}
    assert {
        (where, name) for where, text in said.items() for name, secret in secrets.items() if secret in text
    } == set()


def test_a_service_has_only_its_own_secrets_in_its_environment(containers: Composed) -> None:
    """What a server hands to its own processes is what its own file holds."""
    secrets = containers.secrets()
    for service in (name for name in containers.names() if name not in ONCE):
        own = {value for name, value in secrets.items() if name.startswith(f"{service}:")}
        foreign = {value: name for name, value in secrets.items() if value not in own}
        seen = Path(f"/proc/{containers.container(service)['State']['Pid']}/environ").read_text(errors="replace")
        assert [name for value, name in foreign.items() if value in seen] == [], service


@pytest.mark.parametrize(
    "service", ["kafka", "namenode", "datanode", "metastore", "postgres", "mongodb", "redis", "sql"]
)
def test_a_killed_server_comes_back_by_itself(containers: Composed, service: str) -> None:
    kill(containers, service)
    wait_for(lambda: containers.state(service) == "healthy", 300)


@pytest.mark.parametrize(
    "service",
    [
        "spark-master",
        "spark-worker",
        "airflow-worker",
        "airflow-scheduler",
        "airflow-dags",
        "airflow-api",
        "feed",
        "dashboard",
    ],
)
def test_a_killed_process_of_jobs_or_pages_comes_back_by_itself(containers: Composed, service: str) -> None:
    kill(containers, service)
    wait_for(lambda: containers.state(service) == "healthy", 300)


def kill(containers: Composed, service: str) -> None:
    """Kill a container's process on the host: for the engine it ended by itself."""
    before = containers.container(service)["State"]["Pid"]
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: containers.container(service)["State"]["Pid"] not in (0, before), 120)


def test_after_all_kills_a_minute_run_is_green_and_the_counts_match(containers: Composed) -> None:
    wait_for(lambda: healthy(containers), 300)
    containers.compose("stop", "feed")
    green_minute_run(containers, 900)
    assert_counts_match(containers)


def test_down_and_up_keeps_the_data(containers: Composed) -> None:
    before = assert_counts_match(containers)
    containers.compose("down", "--timeout", "20", seconds=300)
    containers.up()
    green_minute_run(containers)
    containers.compose("stop", "feed")
    green_minute_run(containers)
    assert assert_counts_match(containers) >= before


@pytest.mark.first
def test_down_with_volumes_leaves_nothing(containers: Composed) -> None:
    containers.remove()
    left = {kind: containers.engine.docker(kind, "ls", "--quiet").split() for kind in ("volume", "container")}
    assert left == {"volume": [], "container": []}
    assert containers.engine.docker("network", "ls", "--format", "{{.Name}}").split() == ["bridge", "host", "none"]
