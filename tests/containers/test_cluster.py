"""The cluster of containers, as a user starts it: it keeps copies, loses one host after another, and no event.

One cluster for all, in the order of this file; the feed publishes a day of flights a minute meanwhile.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from tests import composition
from tests.containers import cluster as hosts
from tests.containers import images
from tests.containers.composed import FILE, Composed, composed
from tests.containers.engine import engine, why_not
from tests.containers.test_compose import TASKS, assert_counts_match, green_minute_run, kill

pytestmark = [pytest.mark.containers, pytest.mark.timeout(2400)]

CUT_SECONDS = 30
BACKLOG, AT_ONCE = 1_000_000, 250_000  # as many as a container of the feed has memory for
MOST_SLOWER = 1.2  # two workers on two cores, with the network and processes of their own between them
LEAST_SHARE = 0.2  # of the run time of tasks: the delays of a batch are predicted in one task
OUTCOMES: list[hosts.Outcome] = []
Record = Callable[[hosts.Outcome], None]
LOAD = {"SKYTIER_FEED_BACKFILL_DAYS": "2", "SKYTIER_FEED_SPEED": "1440"}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Composed]:
    """The cluster, up."""
    if reason := why_not():
        pytest.fail(f"containers cannot run here: {reason}")
    with pytest.MonkeyPatch.context() as patch, engine() as running:
        for name, value in LOAD.items():
            patch.setenv(name, value)
        images.provide(running)
        with composed(running, hosts.FILE) as found:
            found.keep_trained()
            found.up()
            yield found


def test_the_files_are_read_as_the_plain_tests_read_them(cluster: Composed) -> None:
    ours = composition.services(composition.load(FILE), composition.load(hosts.FILE))
    theirs = json.loads(cluster.compose("config", "--format", "json"))["services"]
    assert set(ours) == set(theirs)
    for name, service in theirs.items():
        variables = {key: str(value) for key, value in ours[name].get("environment", {}).items()}
        # What is set where `docker compose up` runs is text of its own.
        assert {key: service["environment"][key] for key in variables if key not in LOAD} == {
            key: value for key, value in variables.items() if key not in LOAD
        }
        assert {volume["target"] for volume in service["volumes"]} == set(ours[name]["volumes"])
        networks = {key: (value or {}).get("aliases", []) for key, value in (service.get("networks") or {}).items()}
        assert networks == {
            key: (value or {}).get("aliases", []) for key, value in (ours[name].get("networks") or {}).items()
        }
        assert bool(service.get("ports")) == bool(ours[name].get("ports"))


def test_all_services_are_healthy(cluster: Composed) -> None:
    assert set(hosts.states(cluster).values()) == {"healthy"}, hosts.states(cluster)


def test_there_are_copies_of_what_is_kept_and_two_of_what_answers(cluster: Composed) -> None:
    found = cluster.python(TASKS, (hosts.FOLDER / "copies.py").read_text())
    assert found["partitions"] == [[3, 3]] * 6
    assert (found["datanodes"], found["file replicas"]) == (3, [2])
    assert sorted(found["members"]) == ["primary", "secondary", "secondary"]
    assert found["workers"] == ["spark-worker-1.processing", "spark-worker-2.processing"]
    assert (found["sql"], found["schedulers"]) == (2, 2)


def test_minute_runs_take_in_what_the_feed_publishes(cluster: Composed) -> None:
    hosts.Runs(cluster).wait_for_first_runs()
    green_minute_run(cluster)
    _, lost, doubled = hosts.compared(cluster)
    assert (lost, doubled) == (0, 0)


@pytest.fixture
def record(capsys: pytest.CaptureFixture[str]) -> Record:
    """Keep an outcome for the table, show it now, and hold it to no event lost or doubled."""

    def keep(outcome: hosts.Outcome) -> None:
        OUTCOMES.append(outcome)
        with capsys.disabled():
            print(f"\n{outcome.row()}")
        assert (outcome.lost, outcome.doubled) == (0, 0), outcome

    return keep


@pytest.mark.parametrize(
    ("fault", "service"), [("one of three brokers lost", "kafka-2"), ("one of three DataNodes lost", "datanode-2")]
)
def test_a_host_that_keeps_data_is_lost(cluster: Composed, record: Record, fault: str, service: str) -> None:
    """A minute run has to be green while it is away."""
    lose, back = (lambda: hosts.lose(cluster, service)), (lambda: hosts.bring_back(cluster, service))
    record(hosts.outcome(cluster, fault, lose, back))


def test_the_primary_of_mongodb_is_lost(cluster: Composed, record: Record) -> None:
    service = hosts.primary(cluster)
    lose, back = (lambda: hosts.lose(cluster, service)), (lambda: hosts.bring_back(cluster, service))
    record(hosts.outcome(cluster, "MongoDB's primary lost", lose, back))


def test_a_spark_worker_is_lost_in_a_batch(cluster: Composed, record: Record) -> None:
    service = "spark-worker-2"
    hosts.wait_for_process(cluster, service, hosts.EXECUTOR)
    lose, back = (lambda: hosts.lose(cluster, service)), (lambda: hosts.bring_back(cluster, service))
    record(hosts.outcome(cluster, "a Spark worker lost in a batch", lose, back))


def test_the_host_of_the_driver_is_lost_in_a_batch(cluster: Composed, record: Record) -> None:
    """It is the only one of its kind: the engine starts it again."""
    hosts.wait_for_process(cluster, TASKS, hosts.DRIVER)
    record(hosts.outcome(cluster, "the driver's host lost", lambda: kill(cluster, TASKS), lambda: None))


def test_the_network_between_driver_and_mongodb_is_cut(cluster: Composed, record: Record) -> None:
    def cut() -> None:
        with hosts.cut(cluster, TASKS, ["mongodb", "mongodb-2", "mongodb-3"]):
            time.sleep(CUT_SECONDS)

    hosts.wait_for_process(cluster, TASKS, hosts.DRIVER)
    fault = f"driver and MongoDB cut apart for {CUT_SECONDS} s"
    record(hosts.outcome(cluster, fault, cut, lambda: None))


def backlog_processed(cluster: Composed, master: str, seed: int) -> dict[str, Any]:
    """Publish a backlog, of weeks that nobody else has, and process it with a Spark master; seconds, and the figures of
    each host."""
    first = date(2014, 2, 1) + timedelta(days=2 * seed)
    for number in range(BACKLOG // AT_ONCE):
        start = first + timedelta(days=50 * number)  # the events of a part take 43
        events = ("--events", str(AT_ONCE), "--seed", str(seed + number), "--start", start.isoformat())
        cluster.once("feed", "skytier", "synthesize", *events, "--json")
    code = (hosts.FOLDER / "shares.py").read_text()
    return dict(json.loads(cluster.execute(TASKS, "python", "-c", code, seconds=1200, TEST_MASTER=master)))


def test_both_workers_share_a_backlog(cluster: Composed, capsys: pytest.CaptureFixture[str]) -> None:
    airflow = hosts.Runs(cluster)
    airflow.pause(True)
    try:
        cluster.engine.docker("update", "--memory", "6g", "--memory-swap", "6g", cluster.container(TASKS)["Id"])
        local = backlog_processed(cluster, "local[2]", seed=101)
        both = backlog_processed(cluster, "", seed=201)
    finally:
        airflow.pause(False)
    with capsys.disabled():
        print(f"\nbacklog of {BACKLOG:,} events, local[2]: {local}\n  two workers: {both}")
    assert {host.partition(".")[0] for host in both["hosts"]} == {"spark-worker-1", "spark-worker-2"}
    shares = [host["run_seconds"] for host in both["hosts"].values()]
    assert min(shares) > LEAST_SHARE * sum(shares)
    assert both["seconds"] < MOST_SLOWER * local["seconds"]


def test_in_the_end_all_is_well(cluster: Composed, capsys: pytest.CaptureFixture[str]) -> None:
    hosts.wait_until_healthy(cluster)
    with capsys.disabled():
        print("\n" + "\n".join([hosts.HEADER, *(outcome.row() for outcome in OUTCOMES)]))
    cluster.compose("stop", "feed")
    green_minute_run(cluster)
    assert_counts_match(cluster)
    cluster.execute(TASKS, "skytier", "reconcile")
