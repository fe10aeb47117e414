"""All servers by name, each imported when it is asked for."""

from __future__ import annotations

from importlib import import_module

from local_stack.server import Server
from skytier.errors import TerminalError

# In this order every server stands after those it needs.
LOCAL = {
    "postgres": "postgres:Postgres",
    "namenode": "hdfs:NameNode",
    "datanode": "hdfs:DataNode",
    "metastore": "metastore:Metastore",
    "mongodb": "mongodb:MongoDB",
    "kafka": "kafka:Kafka",
    "sql": "sql_endpoint:SqlEndpoint",
    "redis": "redis:Redis",
    "airflow-api": "airflow:ApiServer",
    "airflow-scheduler": "airflow:Scheduler",
    "airflow-dags": "airflow:DagProcessor",
    "dashboard": "dashboard:Dashboard",
    "feed": "feed:Feed",
}
"""those of the local stack"""
OF_CLUSTERS = {
    "airflow-worker": "airflow:Worker",
    "spark-master": "spark_cluster:SparkMaster",
    "spark-worker": "spark_cluster:SparkWorker",
}
"""those that only containers and clusters have: on one host jobs and tasks need no servers"""


def find(name: str) -> Server:
    """A server. Raises TerminalError on an unknown name."""
    places = LOCAL | OF_CLUSTERS
    if name not in places:
        raise TerminalError(f"There is no server {name}; the servers are {', '.join(places)}.")
    module, _, kind = places[name].partition(":")
    server: Server = getattr(import_module(f"local_stack.{module}"), kind)()
    return server
