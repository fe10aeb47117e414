"""Ports of the local stack's servers."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from skytier.settings.base import Settings


class PortSettings(Settings):
    """Ports of the local stack. ``offset`` is added to every port that is not set explicitly."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_PORT_")

    offset: int = Field(0, ge=0, le=20000, description="number added to every port below that is not set explicitly")
    kafka: int = Field(9092, description="Kafka broker")
    kafka_controller: int = Field(9093, description="Kafka controller (KRaft)")
    namenode: int = Field(8020, description="HDFS NameNode, RPC")
    namenode_http: int = Field(9870, description="HDFS NameNode, WebHDFS")
    datanode: int = Field(9866, description="HDFS DataNode, data transfer")
    datanode_http: int = Field(9864, description="HDFS DataNode, WebHDFS")
    datanode_ipc: int = Field(9867, description="HDFS DataNode, RPC")
    metastore: int = Field(9083, description="Hive metastore")
    sql: int = Field(10000, description="SQL endpoint (Spark Thrift Server)")
    postgres: int = Field(5432, description="PostgreSQL")
    redis: int = Field(6379, description="Redis")
    mongodb: int = Field(27017, description="MongoDB")
    airflow: int = Field(8080, description="Airflow, web UI and API")
    spark_master: int = Field(7077, description="Spark master, of a cluster")
    spark_master_http: int = Field(8090, description="Spark master, web UI")
    spark_worker: int = Field(7078, description="Spark worker, of a cluster")
    spark_worker_http: int = Field(8091, description="Spark worker, web UI")
    dashboard: int = Field(8501, description="Dashboard")

    @model_validator(mode="before")
    @classmethod
    def _move(cls, values: dict[str, Any]) -> dict[str, Any]:
        offset = int(values.get("offset", 0))
        defaults = {name: field.default for name, field in cls.model_fields.items() if name != "offset"}
        return {name: port + offset for name, port in defaults.items()} | values
