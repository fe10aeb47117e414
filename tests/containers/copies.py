"""Run on the worker of Airflow's tasks: how many there are of what a cluster has more of, as the servers say."""

import json
import socket
import sys
from urllib.request import urlopen

from confluent_kafka.admin import AdminClient

from local_stack import mongodb_set, postgres
from local_stack.hdfs import NameNode
from skytier import kafka_clients, webhdfs
from skytier.settings.hdfs import HdfsSettings
from skytier.settings.hosts import HostSettings
from skytier.settings.kafka import KafkaSettings, KafkaUser
from skytier.settings.ports import PortSettings


def replicas() -> list[list[int]]:
    """Of each partition of the topic: replicas, and how many of them are in sync."""
    kafka = KafkaSettings()
    found = AdminClient(kafka_clients.config(KafkaUser.JOB, kafka)).list_topics(kafka.topic, timeout=30)
    return [[len(one.replicas), len(one.isrs)] for one in found.topics[kafka.topic].partitions.values()]


def file_replicas() -> list[int]:
    """The numbers of replicas that files of the warehouse have."""
    client = webhdfs.client(HdfsSettings())
    files = (f"{folder}/{name}" for folder, _, names in client.walk("/warehouse") for name in names)
    return sorted({client.status(path)["replication"] for path in files})


def workers() -> list[str]:
    """The hosts of the Spark workers on which the master counts."""
    with urlopen(f"http://{HostSettings().spark_master}:{PortSettings().spark_master_http}/json/", timeout=5) as answer:
        return sorted(one["host"] for one in json.load(answer)["workers"] if one["state"] == "ALIVE")


def schedulers() -> int:
    """How many schedulers have reported in the last half minute."""
    with postgres.connect("airflow") as connection:
        row = connection.execute(
            "select count(distinct hostname) from job where job_type = 'SchedulerJob' and state = 'running' "
            "and latest_heartbeat > now() - interval '30 seconds'"
        ).fetchone()
    return int(row[0]) if row else 0


members = [mongodb_set.hello(server) for server in mongodb_set.servers()]
found = {
    "partitions": replicas(),
    "datanodes": NameNode().bean("Hadoop:service=NameNode,name=FSNamesystemState")["NumLiveDataNodes"],
    "file replicas": file_replicas(),
    "members": [("primary" if one.get("isWritablePrimary") else "secondary") for one in members],
    "workers": workers(),
    "sql": len({found[4][0] for found in socket.getaddrinfo(HostSettings().sql, PortSettings().sql)}),
    "schedulers": schedulers(),
}
json.dump(found, sys.stdout)
