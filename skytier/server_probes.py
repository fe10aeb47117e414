"""Whether each server is well: a real, cheap question to each, side by side, with a short time-out."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

import requests
from confluent_kafka.cimpl import KafkaException
from pymongo.errors import AutoReconnect, ServerSelectionTimeoutError
from redis.exceptions import TimeoutError as RedisTimeout
from thrift.transport.TTransport import TTransportException

from skytier import server_questions, sql
from skytier.server_questions import PATIENCE_SECONDS

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
        "kafka": _Probe(server_questions.kafka),
        "mongodb": _Probe(server_questions.mongodb),
        "namenode": _Probe(server_questions.namenode),
        "datanode": _Probe(
            server_questions.datanodes, 2 * PATIENCE_SECONDS
        ),  # two servers are asked, one after the other
        "metastore": _Probe(server_questions.metastore),
        "sql": _Probe(lambda: sql.ping(_SPARK_PATIENCE_SECONDS), _SPARK_PATIENCE_SECONDS),
        "redis": _Probe(server_questions.redis),
        "postgres": _Probe(server_questions.postgres),
        API: _Probe(server_questions.airflow),
    }


def _asked(probe: _Probe) -> Health:
    began = time.monotonic()
    try:
        said = probe.ask()
    except server_questions.UnknownError as error:
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
