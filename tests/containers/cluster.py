"""The cluster of deploy/compose.cluster.yml: what is done to its hosts, and how long it takes to get over it."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

import psutil
import requests

from skytier.settings.base import PROJECT_ROOT
from tests.containers.composed import Composed
from tests.containers.test_compose import COUNTS, HOST, MINUTE, TASKS, Airflow, green_minute_run, wait_for

FILE = PROJECT_ROOT / "deploy" / "compose.cluster.yml"
FOLDER = PROJECT_ROOT / "tests" / "containers"
PROJECT = "skytier-cluster"
EXECUTOR, DRIVER = "CoarseGrainedExecutorBackend", "process_flight_events.py"
"""what is on the command lines of an executor, and of the minute job's driver"""


class Runs(Airflow):
    """Airflow's runs of the minute job."""

    def pause(self, is_paused: bool) -> None:
        """Let no run begin, and wait until none goes on; or let them begin again."""
        answer = requests.patch(
            f"http://{HOST}:8080/api/v2/dags/{MINUTE}",
            json={"is_paused": is_paused},
            headers=self._headers,
            timeout=30,
        )
        answer.raise_for_status()
        if is_paused:
            wait_for(lambda: not self.get(f"dags/{MINUTE}/dagRuns?state=running")["dag_runs"], 300, pause=2)

    def wait_for_first_runs(self) -> None:
        """Wait until the runs are over that rare DAGs begin with, such as a training: they take all processors."""
        often = {MINUTE, "alerts_dag", "mongodb_archiving_dag"}

        def over() -> bool:
            running = self.get("dags/~/dagRuns?state=running&state=queued&limit=100")["dag_runs"]
            return {run["dag_id"] for run in running} <= often

        wait_for(over, 1200, pause=5)

    def ended(self, run: str) -> float:
        """When a run ended, as Unix time."""
        return datetime.fromisoformat(str(self.get(f"dags/{MINUTE}/dagRuns/{run}")["end_date"])).timestamp()


@dataclass(frozen=True)
class Outcome:
    """What a fault did."""

    fault: str
    seconds: float
    """from the fault to the end of a minute run, with its reconciliation, that began after it"""
    published: int
    """distinct events of the source"""
    lost: int
    """of these, not in the topic, or not in a store"""
    doubled: int
    """events that a store has more than once"""

    def row(self) -> str:
        """As a line of a table."""
        return f"| {self.fault} | {self.seconds:.0f} | {self.published:,} | {self.lost} | {self.doubled} |"


HEADER = "| fault | seconds to recover | events so far | lost | doubled |\n|---|---|---|---|---|"


def states(cluster: Composed) -> dict[str, str]:
    """Health, or else state, of all services that go on running."""
    lines = cluster.compose("ps", "--all", "--format", "json").splitlines()
    found = {one["Service"]: one["Health"] or one["State"] for one in map(json.loads, lines)}
    return {name: state for name, state in found.items() if name not in ("config", "bootstrap")}


def wait_until_healthy(cluster: Composed, seconds: float = 300) -> None:
    """Wait for all services. Raises AssertionError with the states if some do not get well."""

    def all_healthy() -> bool:
        unwell = {name: state for name, state in states(cluster).items() if state != "healthy"}
        assert unwell == {}, unwell
        return True

    wait_for(all_healthy, seconds)


def lose(cluster: Composed, service: str) -> None:
    """Kill a container's process on the host, and see to it that it stays away."""
    found = cluster.container(service)
    cluster.engine.docker("update", "--restart", "no", found["Id"])
    os.kill(found["State"]["Pid"], signal.SIGKILL)
    wait_for(lambda: not cluster.container(service)["State"]["Running"], 30)


def bring_back(cluster: Composed, service: str) -> None:
    """Start what was lost."""
    name = cluster.container(service)["Id"]
    cluster.engine.docker("update", "--restart", "unless-stopped", name)
    cluster.engine.docker("start", name)


def wait_for_process(cluster: Composed, service: str, word: str, seconds: float = 180) -> None:
    """Wait until a container has a process with this word on its command line."""

    def runs() -> bool:
        for process in psutil.process_iter(["cmdline"]):
            with suppress(psutil.NoSuchProcess):
                is_meant = word in " ".join(process.info["cmdline"] or [])
                if is_meant and first() in {one.pid for one in process.parents()}:
                    return True
        return False

    def first() -> int:
        return int(cluster.container(service)["State"]["Pid"])

    wait_for(runs, seconds, pause=0.1)


def primary(cluster: Composed) -> str:
    """The service of MongoDB's primary."""
    code = (
        "from local_stack import mongodb_set as s; import json; print(json.dumps(s.hello(s.servers()[1])['primary']))"
    )
    host = str(cluster.python(TASKS, code)).partition(":")[0]
    return "mongodb" if host == "mongodb-1" else host


@contextmanager
def cut(cluster: Composed, service: str, others: list[str]) -> Iterator[None]:
    """Drop all packets between a container and others, and no other packets."""
    pid = cluster.container(service)["State"]["Pid"]
    networks = [cluster.container(other)["NetworkSettings"]["Networks"] for other in others]
    addresses = [network["IPAddress"] for found in networks for network in found.values()]
    rules = [(chain, by, address) for address in addresses for chain, by in (("INPUT", "-s"), ("OUTPUT", "-d"))]

    def change(how: str) -> None:
        for chain, by, address in rules:
            inside = ("nsenter", "--net", "--target", str(pid))
            cluster.engine.run(*inside, "iptables", "-w", how, chain, by, address, "-j", "DROP")

    change("-I")
    try:
        yield
    finally:
        change("-D")


def seconds_to_recover(cluster: Composed, since: float, patience: float = 900) -> float:
    """Seconds from a moment to the end of a minute run that began after it and succeeded."""
    after = since + 1  # Airflow is asked for whole seconds
    run = wait_for(lambda: Airflow(cluster).succeeded(MINUTE, after) or "", patience, pause=2)
    return Runs(cluster).ended(run) - since


def compared(cluster: Composed) -> tuple[int, int, int]:
    """Events of the source, lost and doubled ones in the stores; the feed rests meanwhile."""
    cluster.compose("stop", "feed")
    try:
        green_minute_run(cluster, 900)
        feed = ("run", "--rm", "--no-TTY", "--no-deps", "--pull", "never", "feed")
        source = json.loads(cluster.compose(*feed, "python", "-c", (FOLDER / "source.py").read_text()))
        found = cluster.python(TASKS, COUNTS)
        cluster.execute(TASKS, "skytier", "reconcile")
    finally:
        cluster.compose("start", "feed")
    stores = [found[name] for name in ("staging", "fact", "both tiers")]
    lost = [source - found["topic"], *(source - distinct for _, distinct in stores)]
    doubled = [events - distinct for events, distinct in stores]
    return source, max(lost, key=abs), max(doubled)


def outcome(cluster: Composed, fault: str, do: Callable[[], None], undo: Callable[[], None]) -> Outcome:
    """Do something to a cluster with load; it has to recover before it is undone."""
    since = time.time()
    do()
    seconds = seconds_to_recover(cluster, since)
    undo()
    wait_until_healthy(cluster)
    return Outcome(fault, seconds, *compared(cluster))
