"""The stack under a user's hands: looked at, hurt, repaired, cut off while it starts, stopped."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import psutil
import psycopg
import pytest
from confluent_kafka import Consumer, Producer
from hdfs import InsecureClient
from pymongo import MongoClient
from pymongo.errors import OperationFailure
from redis import Redis
from redis.exceptions import AuthenticationError

from dashboard.app_pages.operations import server_queries as operations_servers
from local_stack import hdfs, kafka, postgres, processes
from local_stack.environment import ensure_stack_env
from local_stack.health import status
from local_stack.server import told
from skytier import kafka_clients, name_node, webhdfs
from skytier.settings.base import PROJECT_ROOT
from skytier.settings.hdfs import HdfsSettings
from skytier.settings.kafka import KafkaSettings, KafkaUser
from skytier.settings.mongodb import MongoSettings
from tests.own_stack import WITHOUT, OwnStack, own_stack, settings_of

pytestmark = [pytest.mark.faults, pytest.mark.restarts, pytest.mark.timeout(900)]

DATA_SERVERS = ("kafka", "namenode", "datanode", "mongodb", "postgres", "metastore")


def kill(stack: OwnStack, *names: str) -> None:
    """SIGKILL, as the kernel does when memory is short; returns when the processes are gone."""
    servers = stack.servers()
    killed = [psutil.Process(servers[name]["pid"]) for name in names]
    for process in killed:
        process.kill()
    psutil.wait_procs(killed, timeout=10)


def test_status_of_a_healthy_stack(stack: OwnStack) -> None:
    answer = stack.skytier("stack", "status")
    assert answer.returncode == 0, answer.stdout
    states = {name: server["state"] for name, server in stack.servers().items()}
    expected = {name: "stopped" if name.startswith(WITHOUT) else "ready" for name in states}
    assert states == expected


def test_a_dead_server_is_named_with_its_log_and_repaired(stack: OwnStack) -> None:
    before = {name: server["pid"] for name, server in stack.servers().items()}
    kill(stack, "redis")

    answer = stack.skytier("stack", "status")
    assert answer.returncode == 1
    assert "redis is dead" in answer.stdout
    assert str(stack.home / "logs" / "redis.log") in answer.stdout
    assert stack.servers()["redis"]["state"] == "dead"

    stack.up(without=WITHOUT)
    after = {name: server["pid"] for name, server in stack.servers().items()}
    assert after.pop("redis") != before.pop("redis")
    assert after == before, "only the dead server is started again"
    assert stack.skytier("stack", "status").returncode == 0


def test_a_query_ends_soon_when_the_database_of_the_metastore_is_down(stack: OwnStack) -> None:
    kill(stack, "postgres")
    began = time.monotonic()
    answer = stack.skytier("sql", "select count(*) from flight_dw.fact_flight_events")
    assert time.monotonic() - began < 60
    assert answer.returncode == 1
    (sentence,) = answer.stderr.splitlines()
    assert sentence.startswith("error: The ")
    assert "'skytier stack status'" in sentence
    stack.up(without=WITHOUT)
    assert stack.skytier("sql", "select count(*) from flight_dw.fact_flight_events").returncode == 0


class Traces:
    """A piece of data in every store, written through its own client."""

    def __init__(self) -> None:
        self.mark = f"trace-{random.randrange(10**9)}"

    def write(self) -> None:
        producer = Producer(kafka_clients.config(KafkaUser.JOB) | {"acks": "all"})
        producer.produce(KafkaSettings().dead_letter_topic, key=self.mark, value=self.mark)
        assert producer.flush(30) == 0
        self._hdfs().write(f"/tmp/{self.mark}", data=self.mark, overwrite=True)
        with self._mongo() as mongo:
            mongo[MongoSettings().database]["traces"].insert_one({"_id": self.mark})
        with postgres.connect("metastore") as connection:
            connection.execute("create table if not exists traces (mark text)")
            connection.execute("insert into traces values (%s)", [self.mark])

    def found(self) -> dict[str, bool]:
        with self._hdfs().read(f"/tmp/{self.mark}") as file:
            in_hdfs = file.read().decode() == self.mark
        with self._mongo() as mongo:
            in_mongo = mongo[MongoSettings().database]["traces"].count_documents({"_id": self.mark}) == 1
        with postgres.connect("metastore") as connection:
            row = connection.execute("select count(*) from traces where mark = %s", [self.mark]).fetchone()
        return {"kafka": self._in_kafka(), "hdfs": in_hdfs, "mongodb": in_mongo, "postgres": row == (1,)}

    def _in_kafka(self) -> bool:
        consumer = Consumer(
            kafka_clients.config(KafkaUser.OPERATOR)
            | {
                "group.id": f"skytier-operator-{self.mark}-{time.monotonic_ns()}",
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
            }
        )
        consumer.subscribe([KafkaSettings().dead_letter_topic])
        deadline = time.monotonic() + 30
        try:
            while time.monotonic() < deadline:
                message = consumer.poll(1)
                if message is not None and message.key() == self.mark.encode():
                    return True
            return False
        finally:
            consumer.close()

    @staticmethod
    def _hdfs() -> InsecureClient:
        return webhdfs.client(HdfsSettings())

    @staticmethod
    def _mongo() -> MongoClient[dict[str, str]]:
        return MongoClient(MongoSettings().connection_string())


def test_data_survives_the_death_of_all_stores(stack: OwnStack) -> None:
    """A process of PostgreSQL outlives its parent for a moment here: the memory that they share is still in use."""
    traces = Traces()
    traces.write()
    (left, *_) = psutil.Process(stack.servers()["postgres"]["pid"]).children()
    left.suspend()
    kill(stack, *DATA_SERVERS)
    assert {name for name, server in stack.servers().items() if server["state"] == "dead"} == set(DATA_SERVERS)
    assert (stack.home / "data" / "postgres" / "postmaster.pid").exists()

    log = stack.home / "logs" / "postgres.log"
    known = log.stat().st_size
    up = stack.start("stack", "up", *(f"--without={name}" for name in WITHOUT))
    while b"pre-existing shared memory" not in log.read_bytes()[known:]:
        assert up.poll() is None
        time.sleep(0.02)
    left.resume()
    assert up.wait(timeout=120) == 0, "the first try is enough"
    assert all(traces.found().values()), traces.found()
    assert stack.skytier("stack", "status").returncode == 0


def test_down_leaves_no_process_and_up_keeps_the_data(stack: OwnStack) -> None:
    traces = Traces()
    traces.write()
    left_by_a_killed_job = stack.home / "tmp" / "blockmgr-1"
    left_by_a_killed_job.mkdir()
    stack.end_driver()
    stack.down()
    assert stack.processes() == []
    assert {server["state"] for server in stack.servers().values()} == {"stopped"}
    stack.up(without=WITHOUT)
    assert all(traces.found().values()), traces.found()
    assert not left_by_a_killed_job.exists()


def test_a_full_disk_of_the_name_node_is_named(stack: OwnStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_node, "LEAST_FREE_BYTES", 10**18)  # no disk has so much
    named = re.compile(rf"its disk is full: [\d,.]+ MB are free in {stack.home}/data/namenode")
    server = hdfs.NameNode()
    processes.stop(server.name)
    server.prepare()
    processes.start(server.name, server.command(), server.whole_environment())
    deadline = time.monotonic() + 60
    while not told(server.full_disk):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    of_name_node, of_data_node = status([server, hdfs.DataNode()])
    assert (of_name_node.state, of_data_node.state) == ("not ready", "not ready")
    assert named.match(str(of_name_node.reason))
    assert of_data_node.reason == "it waits for the NameNode, whose disk is full"
    shown = operations_servers.servers().run().to_pylist()
    (reason,) = [row["reason"] for row in shown if row["server"] == server.name]
    assert named.match(reason)

    monkeypatch.undo()  # there is room again
    stack.up(without=WITHOUT)
    assert stack.skytier("stack", "status").returncode == 0


def test_an_up_that_is_killed_half_way_can_be_repeated() -> None:
    without = (*WITHOUT, "sql")
    with own_stack("killed") as stack:
        for _ in range(3):
            patience = random.uniform(0.5, 12)
            cut_off = stack.start("stack", "up", *(f"--without={name}" for name in without))
            time.sleep(patience)
            cut_off.send_signal(signal.SIGKILL)
            cut_off.wait()
        stack.up(without=without)
        states = {name: server["state"] for name, server in stack.servers().items() if server["state"] != "stopped"}
        assert set(states.values()) == {"ready"}, f"last killed after {patience:.1f} s: {states}"
        stack.down()
        assert stack.processes() == []


@pytest.mark.parametrize(("module", "server"), [("kafka", "Kafka"), ("hdfs", "NameNode"), ("postgres", "Postgres")])
def test_a_tool_that_outlives_its_killed_up_disturbs_nothing(module: str, server: str) -> None:
    prepare = [sys.executable, "-c", f"from local_stack import {module}; {module}.{server}().prepare()"]
    with own_stack("orphans") as stack, settings_of(stack):
        ensure_stack_env()
        killed = subprocess.Popen(prepare, cwd=PROJECT_ROOT)
        while not (tools := psutil.Process(killed.pid).children()):
            assert killed.poll() is None
            time.sleep(0.001)
        killed.kill()
        killed.wait()
        subprocess.run(prepare, cwd=PROJECT_ROOT, check=True)  # beside the tool that still runs

        made = (stack.home / "data").iterdir()
        _, still_running = psutil.wait_procs(tools, timeout=60)
        assert still_running == []
        assert server.lower() in {path.name for path in made}


def test_a_taken_port_is_named_with_its_setting(stack: OwnStack, tmp_path: Path) -> None:
    other = OwnStack(tmp_path, stack.port_offset)
    answer = other.skytier("stack", "up")
    assert answer.returncode == 1
    assert re.search(r"Port \d+ on 127.0.0.1, which \w+ needs, is in use.*SKYTIER_PORT_\w+", answer.stderr)
    assert other.processes() == []


def test_the_id_of_a_cluster_may_begin_with_a_dash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYTIER_HOME", str(tmp_path))
    monkeypatch.setattr(uuid, "uuid4", lambda: uuid.UUID(bytes=b"\xfb" * 16))
    ensure_stack_env()
    kafka.Kafka().prepare()
    (properties,) = (tmp_path / "data" / "kafka").rglob("meta.properties")
    assert "cluster.id=-" in properties.read_text()


def test_unknown_server_is_refused(stack: OwnStack) -> None:
    answer = stack.skytier("stack", "up", "--without", "oracle")
    assert answer.returncode == 1
    assert "There is no server oracle" in answer.stderr


def test_databases_are_closed_to_a_wrong_password(stack: OwnStack) -> None:
    server = f"host=127.0.0.1 port={5432 + stack.port_offset} dbname=airflow user=skytier"
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"{server} password=wrong")
    mongo = MongoClient[dict[str, str]](port=27017 + stack.port_offset, directConnection=True)
    with mongo, pytest.raises(OperationFailure):
        mongo.list_database_names()
    with Redis(port=6379 + stack.port_offset) as redis, pytest.raises(AuthenticationError):
        redis.ping()
