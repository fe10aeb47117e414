"""Whether each server is well: a real, cheap question to each, side by side, with a short time-out."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

import psycopg
import pymongo
import requests
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import KafkaException
from psycopg.conninfo import make_conninfo
from pymongo import MongoClient
from pymongo.errors import AutoReconnect, ServerSelectionTimeoutError
from redis.exceptions import TimeoutError as RedisTimeout
from thrift.transport.TTransport import TTransportException

from skytier import cache, hot_tier, metastore, name_node, sql, webhdfs
from skytier.airflow_api import AirflowApi
from skytier.errors import TransientError
from skytier.kafka_clients import Login
from skytier.settings.hdfs import HdfsSettings
from skytier.settings.kafka import KafkaSettings, KafkaUser
from skytier.settings.mongodb import MongoSettings
from skytier.settings.postgres import PostgresSettings
from skytier.settings.redis import RedisSettings

PATIENCE_SECONDS = 2
_SPARK_PATIENCE_SECONDS = 4  # a query has to wait for a core where jobs run beside the SQL endpoint
SLOW_MS = 1_000.0
API = "airflow-api"
_HEARTBEATS = {"airflow-scheduler": "scheduler", "airflow-dags": "dag_processor"}
_REASON_LENGTH = 300
_SILENT = (
    requests.ConnectionError,
    requests.Timeout,
    ServerSelectionTimeoutError,
    AutoReconnect,
    TTransportException,
    RedisTimeout,
    KafkaException,
)


class State(StrEnum):
    """How a server is."""

    OK = "ok"
    SLOW = "slow"
    """it answers, but took longer than ``SLOW_MS``"""
    DOWN = "down"
    """it does not answer, or says that it cannot work"""
    UNKNOWN = "unknown"
    """the server that knows does not answer"""


class _Probe(NamedTuple):
    ask: Callable[[], Any]
    patience_seconds: float = PATIENCE_SECONDS


class Health(NamedTuple):
    """How a server is."""

    state: State
    latency_ms: float | None
    """connection and answer; None without one"""
    reason: str | None
    """why it is not well"""
    said: Any = None
    heartbeat_seconds: float | None = None
    """since the last sign of life, of those that give one to another server"""


class _UnknownError(Exception):
    """The server that knows where another one is does not answer."""


def probe_all() -> dict[str, Health]:
    """How each server is, by the name that the local stack gives it; takes a few seconds at most."""
    probes = _probes()
    pool = ThreadPoolExecutor(len(probes), thread_name_prefix="health")
    began = time.monotonic()
    futures = {name: pool.submit(_asked, probe) for name, probe in probes.items()}
    pool.shutdown(wait=False)  # who hangs longer than its time-out is not waited for
    found = {name: _in_time(futures[name], probe, began) for name, probe in probes.items()}
    return found | {name: _heartbeat(found[API], component) for name, component in _HEARTBEATS.items()}


def _probes() -> dict[str, _Probe]:
    return {
        "kafka": _Probe(_kafka),
        "mongodb": _Probe(_mongodb),
        "namenode": _Probe(_namenode),
        "datanode": _Probe(_datanodes, 2 * PATIENCE_SECONDS),  # two servers are asked, one after the other
        "metastore": _Probe(_metastore),
        "sql": _Probe(lambda: sql.ping(_SPARK_PATIENCE_SECONDS), _SPARK_PATIENCE_SECONDS),
        "redis": _Probe(_redis),
        "postgres": _Probe(_postgres),
        API: _Probe(_airflow),
    }


def _asked(probe: _Probe) -> Health:
    began = time.monotonic()
    try:
        said = probe.ask()
    except _UnknownError as error:
        return Health(State.UNKNOWN, None, str(error))
    except Exception as error:  # whatever a client raises: the server is not well
        return Health(State.DOWN, None, _reason(error))
    took_ms = (time.monotonic() - began) * 1000
    return Health(State.SLOW if took_ms > SLOW_MS else State.OK, round(took_ms, 1), None, said)


def _in_time(future: Future[Health], probe: _Probe, began: float) -> Health:
    left = began + probe.patience_seconds + 0.5 - time.monotonic()
    try:
        return future.result(timeout=max(0.0, left))
    except NotInTime:
        return Health(State.DOWN, None, f"no answer within {probe.patience_seconds:g} s")


def _heartbeat(api: Health, component: str) -> Health:
    """What Airflow's API says of a process that has no port of its own."""
    if api.said is None:
        return Health(State.UNKNOWN, None, "Airflow's API, which knows how it is, does not answer")
    told = api.said[component]
    beat = told.get(f"latest_{component}_heartbeat")
    if beat is None:
        return Health(State.DOWN, None, "it never reported to Airflow's database")
    age = round((datetime.now(UTC) - datetime.fromisoformat(beat)).total_seconds(), 1)
    if told["status"] == "healthy":
        return Health(State.OK, None, None, heartbeat_seconds=age)
    return Health(State.DOWN, None, "it stopped reporting to Airflow's database", heartbeat_seconds=age)


def _reason(error: Exception) -> str:
    if isinstance(error, _SILENT):  # their words speak of sockets and retries
        return "it does not answer"
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0][:_REASON_LENGTH]


def _kafka() -> None:
    settings = KafkaSettings()
    # Asked for one topic by name, a broker may create it.
    login, client = _kafka_client(settings)
    try:
        known = client.list_topics(timeout=PATIENCE_SECONDS).topics
    except KafkaException as error:
        if refusal := login.refusal(client):
            raise TransientError(refusal) from error
        raise
    if settings.topic not in known:
        raise TransientError(f"there is no topic {settings.topic}")
    if without := [number for number, part in known[settings.topic].partitions.items() if part.leader < 0]:
        raise TransientError(f"partitions of {settings.topic} without a leader: {without}")


@functools.cache
def _kafka_client(settings: KafkaSettings) -> tuple[Login, AdminClient]:
    """The client of this process for a server and a login, which the settings of a test may change."""
    login = Login(KafkaUser.MONITOR, settings)
    return login, AdminClient(login.config | {"log_level": 0})


@functools.cache
def _mongodb_client(uri: str) -> MongoClient[hot_tier.Document]:
    """The client of this process for a server, by its address, which the settings of a test may move."""
    return hot_tier.client(PATIENCE_SECONDS * 1000)


def _mongodb() -> None:
    with pymongo.timeout(PATIENCE_SECONDS):
        connection = _mongodb_client(MongoSettings().connection_string())
        if not connection.admin.command("hello").get("isWritablePrimary"):
            raise TransientError("it is not the primary of its replica set: nothing can be written")
        hot_tier.events(connection).find_one({}, {"_id": 1})  # the login works too


def _bean(web_url: str, name: str) -> dict[str, Any]:
    """What a server of HDFS says of itself."""
    beans = webhdfs.ask(f"{web_url}/jmx", PATIENCE_SECONDS, qry=f"Hadoop:{name}")["beans"]
    if not beans:
        raise TransientError("it is still starting")
    return dict(beans[0])


def _namenode() -> None:
    state = _bean(HdfsSettings().web_url, "service=NameNode,name=FSNamesystemState")
    if state["FSState"] != "Operational":
        told = _bean(HdfsSettings().web_url, "service=NameNode,name=NameNodeInfo")
        if why := name_node.full_disk(told.get("Safemode", "")):
            raise TransientError(why)
        raise TransientError("it is in safe mode: nothing can be written")


def _datanodes() -> None:
    """Ask each DataNode itself: the NameNode believes in a dead one for minutes."""
    try:
        told = _bean(HdfsSettings().web_url, "service=NameNode,name=NameNodeInfo")
    except (requests.RequestException, TransientError) as error:
        raise _UnknownError("the NameNode, which knows where it is, does not answer") from error
    nodes = json.loads(told["LiveNodes"]).values()
    if not nodes:
        raise TransientError("the NameNode hears of none")
    for node in nodes:
        _bean(f"http://{node['infoAddr']}", "service=DataNode,name=FSDatasetState*")


def _metastore() -> None:
    if not metastore.is_alive(PATIENCE_SECONDS):
        raise TransientError("it says that it is not alive")


def _redis() -> None:
    with cache.client(RedisSettings()) as client:
        client.ping()


def _postgres() -> None:
    settings = PostgresSettings()
    login = make_conninfo(
        host=settings.host,
        port=settings.port,
        dbname="airflow",
        user="airflow",
        password=settings.password_of("airflow"),
        connect_timeout=PATIENCE_SECONDS,
        options=f"-c statement_timeout={PATIENCE_SECONDS}s",
    )
    with psycopg.connect(make_conninfo(login, **PostgresSettings.tls_parameters())) as connection:
        connection.execute("select 1")


def _airflow() -> dict[str, dict[str, Any]]:
    told = AirflowApi(PATIENCE_SECONDS).health()
    if told["metadatabase"]["status"] != "healthy":
        raise TransientError("it does not reach its database")
    return told
