"""A real, cheap question to each server; where one is not well, it raises TransientError or what the client raises."""

from __future__ import annotations

import functools
import json
from typing import Any

import psycopg
import pymongo
import requests
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import KafkaException
from psycopg.conninfo import make_conninfo
from pymongo import MongoClient

from skytier import cache, hot_tier, name_node, webhdfs
from skytier import metastore as metastore_client
from skytier.airflow_api import AirflowApi
from skytier.errors import TransientError
from skytier.kafka_clients import Login
from skytier.settings.hdfs import HdfsSettings
from skytier.settings.kafka import KafkaSettings, KafkaUser
from skytier.settings.mongodb import MongoSettings
from skytier.settings.postgres import PostgresSettings
from skytier.settings.redis import RedisSettings

PATIENCE_SECONDS = 2


class UnknownError(Exception):
    """The server that knows where another one is does not answer."""


def kafka() -> None:
    """Whether the broker gives the topic, and each of its partitions has a leader."""
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


def mongodb() -> None:
    """Whether it is the primary, and the hot tier can be read with the login."""
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


def namenode() -> None:
    """Whether HDFS takes writes."""
    state = _bean(HdfsSettings().web_url, "service=NameNode,name=FSNamesystemState")
    if state["FSState"] != "Operational":
        told = _bean(HdfsSettings().web_url, "service=NameNode,name=NameNodeInfo")
        if why := name_node.full_disk(told.get("Safemode", "")):
            raise TransientError(why)
        raise TransientError("it is in safe mode: nothing can be written")


def datanodes() -> None:
    """Ask each DataNode itself: the NameNode believes in a dead one for minutes."""
    try:
        told = _bean(HdfsSettings().web_url, "service=NameNode,name=NameNodeInfo")
    except (requests.RequestException, TransientError) as error:
        raise UnknownError("the NameNode, which knows where it is, does not answer") from error
    nodes = json.loads(told["LiveNodes"])
    if not nodes:
        raise TransientError("the NameNode hears of none")
    for name, node in nodes.items():  # a DataNode answers to its name, by which the NameNode lists it
        host, port = name.rpartition(":")[0], node["infoAddr"].rpartition(":")[2]
        _bean(f"http://{host}:{port}", "service=DataNode,name=FSDatasetState*")


def metastore() -> None:
    """Whether the metastore says that it is alive."""
    if not metastore_client.is_alive(PATIENCE_SECONDS):
        raise TransientError("it says that it is not alive")


def redis() -> None:
    """Whether the cache's server answers."""
    with cache.client(RedisSettings()) as client:
        client.ping()


def postgres() -> None:
    """Whether Airflow's database answers a query."""
    settings = PostgresSettings()
    user, password = settings.probe_login()
    login = make_conninfo(
        host=settings.host,
        port=settings.port,
        dbname="airflow",
        user=user,
        password=password,
        connect_timeout=PATIENCE_SECONDS,
        options=f"-c statement_timeout={PATIENCE_SECONDS}s",
    )
    with psycopg.connect(make_conninfo(login, **PostgresSettings.tls_parameters())) as connection:
        connection.execute("select 1")


def airflow() -> dict[str, dict[str, Any]]:
    """What Airflow's API says of its parts, by name."""
    told = AirflowApi(PATIENCE_SECONDS).health()
    if told["metadatabase"]["status"] != "healthy":
        raise TransientError("it does not reach its database")
    return told
