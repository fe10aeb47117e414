"""Servers on several hosts: what they listen on, by which names they are reached, and how many of each there are."""

from __future__ import annotations

import socket
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from local_stack.airflow_configuration import environment as airflow_environment
from local_stack.dashboard import Dashboard
from local_stack.hdfs import DataNode, NameNode, write_configuration
from local_stack.kafka import Kafka, _cluster_id
from local_stack.kafka_topics import of_events
from local_stack.metastore import Metastore
from local_stack.mongodb import MongoDB
from local_stack.postgres import Postgres
from local_stack.redis import Redis
from local_stack.server import make_home
from local_stack.sql_endpoint import SqlEndpoint
from skytier import spark
from skytier.errors import TerminalError
from skytier.settings.airflow import AirflowSettings
from skytier.settings.base import HOST
from skytier.settings.hdfs import HdfsSettings
from skytier.settings.hosts import BindSettings, HostSettings
from skytier.settings.kafka import KafkaSettings
from skytier.settings.metastore import MetastoreSettings
from skytier.settings.mongodb import MongoSettings
from skytier.settings.postgres import PostgresSettings
from skytier.settings.redis import RedisSettings
from skytier.settings.sql import SqlSettings
from skytier.settings.tls import TlsSettings

pytestmark = pytest.mark.plain

SYSTEM = "kafka-2"
HOSTS = {
    "KAFKA": "kafka-1,kafka-2, kafka-3",
    "NAMENODE": "namenode",
    "DATANODE": "datanode-1,datanode-2,datanode-3",
    "METASTORE": "metastore",
    "SQL": "sql",
    "POSTGRES": "postgres",
    "REDIS": "redis",
    "MONGODB": "mongodb-1,mongodb-2,mongodb-3",
    "AIRFLOW": "airflow-api",
    "DASHBOARD": "dashboard",
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stack that was never started, on a host of this name."""
    monkeypatch.setenv("SKYTIER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(socket, "gethostname", lambda: SYSTEM)
    for name in ("SKYTIER_KAFKA_ADMIN_PASSWORD", "SKYTIER_MONGODB_PASSWORD", "SKYTIER_MONGODB_READER_PASSWORD"):
        monkeypatch.setenv(name, "secret")
    make_home()
    return tmp_path / "home"


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stack spans hosts; its servers listen on all addresses of theirs."""
    for name, value in HOSTS.items():
        monkeypatch.setenv(f"SKYTIER_HOST_{name}", value)
    monkeypatch.setenv("SKYTIER_BIND_ADDRESS", "0.0.0.0")


def properties(home: Path) -> dict[str, str]:
    """Those of the broker."""
    Kafka().configure()
    lines = (home / "conf" / "kafka.properties").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def hadoop(home: Path) -> dict[str, str]:
    """Those of HDFS."""
    write_configuration()
    found: dict[str, str] = {}
    for name in ("core-site.xml", "hdfs-site.xml"):
        for entry in ElementTree.parse(home / "conf" / "hadoop" / name).getroot():
            found[str(entry.findtext("name"))] = str(entry.findtext("value"))
    return found


def test_by_default_all_is_one_host() -> None:
    hosts = HostSettings()
    assert hosts.is_one_host
    assert {getattr(hosts, name) for name in HostSettings.model_fields} == {HOST}
    assert (BindSettings().address, BindSettings().is_loopback) == (HOST, True)
    assert KafkaSettings().bootstrap_servers == f"{HOST}:9092"
    assert (
        MongoSettings()
        .connection_string()
        .endswith(f"@{HOST}:27017/?authSource=admin&directConnection=true&w=majority")
    )
    assert (KafkaSettings().replicas, KafkaSettings().min_insync_replicas, HdfsSettings().replicas) == (1, 1, 1)


@pytest.mark.parametrize(("name", "value"), [("SKYTIER_HOST_REDIS", "redis"), ("SKYTIER_BIND_ADDRESS", "0.0.0.0")])
def test_what_is_reached_from_elsewhere_is_not_one_host(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    assert not HostSettings().is_one_host


def test_clients_reach_servers_by_their_hosts(cluster: None) -> None:
    assert KafkaSettings().bootstrap_servers == "kafka-1:9092,kafka-2:9092,kafka-3:9092"
    assert HdfsSettings().url == "hdfs://namenode:8020"
    assert HdfsSettings().web_url == "http://namenode:9870"
    assert MetastoreSettings().uri == "thrift://metastore:9083"
    assert (SqlSettings().host, PostgresSettings().host) == ("sql", "postgres")
    assert RedisSettings().connection_string().endswith("@redis:6379")
    assert AirflowSettings().url == AirflowSettings().base_url == "http://airflow-api:8080"
    replica_set = "@mongodb-1:27017,mongodb-2:27017,mongodb-3:27017/?authSource=admin&replicaSet=rs0&w=majority"
    assert MongoSettings().connection_string().endswith(replica_set)
    assert MongoSettings().reader_connection_string().endswith(replica_set)
    # Still the stack's own: each part has its user there.
    assert KafkaSettings().is_local
    assert HdfsSettings().is_local


def test_a_server_of_others_is_not_the_stacks(cluster: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYTIER_KAFKA_BOOTSTRAP_SERVERS", f"{HOST}:9092")
    monkeypatch.setenv("SKYTIER_HDFS_URL", f"hdfs://{HOST}:8020")
    monkeypatch.setenv("SKYTIER_POSTGRES_HOST", "db")
    assert not KafkaSettings().is_local
    assert not HdfsSettings().is_local
    assert PostgresSettings().host == "db"
    assert "spark.hadoop.dfs.replication" not in spark.cold_tier_properties()


def test_servers_listen_where_they_are_told(cluster: None, home: Path) -> None:
    Redis().configure()
    assert "bind 0.0.0.0\n" in (home / "conf" / "redis.conf").read_text()
    MongoDB().configure()
    assert yaml.safe_load((home / "conf" / "mongod.yaml").read_text())["net"]["bindIp"] == "0.0.0.0"
    Postgres().configure()
    assert "listen_addresses = '0.0.0.0'\n" in (home / "conf" / "postgresql.conf").read_text()
    assert "--host 0.0.0.0" in " ".join(Dashboard().command())
    assert "hive.server2.thrift.bind.host=0.0.0.0" in SqlEndpoint().command()
    assert airflow_environment()["AIRFLOW__API__HOST"] == "0.0.0.0"
    assert "@postgres:5432/airflow" in airflow_environment()["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    (database,) = [part for part in Metastore().command() if part.startswith("jdbc:")]
    assert database.startswith("jdbc:postgresql://postgres:5432/metastore?")


def test_postgresql_asks_who_comes_from_elsewhere_for_a_password(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = home / "conf" / "postgres-tls.hba"
    Postgres().configure()
    assert not rules.exists()  # initdb's own are for this host
    monkeypatch.setenv("SKYTIER_BIND_ADDRESS", "0.0.0.0")
    Postgres().configure()
    assert rules.read_text().splitlines() == ["local all all scram-sha-256", "host all all all scram-sha-256"]
    assert f"hba_file = '{rules}'" in (home / "conf" / "postgresql.conf").read_text()


def test_a_cluster_of_kafka_has_a_number_for_each_broker(cluster: None, home: Path) -> None:
    found = properties(home)
    assert found["node.id"] == "2"
    assert found["controller.quorum.voters"] == "1@kafka-1:9093,2@kafka-2:9093,3@kafka-3:9093"
    assert found["listeners"] == "CLIENT://0.0.0.0:9092,CONTROLLER://0.0.0.0:9093"
    assert found["advertised.listeners"] == "CLIENT://kafka-2:9092,CONTROLLER://kafka-2:9093"
    assert {value for name, value in found.items() if name.endswith("replication.factor")} == {"3"}
    assert {value for name, value in found.items() if name.endswith("min.isr")} == {"2"}


def test_topics_have_replicas_instead_of_a_flush_for_each_record(
    cluster: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert of_events(KafkaSettings()) == {"message.timestamp.type": "LogAppendTime", "min.insync.replicas": "2"}
    monkeypatch.setenv("SKYTIER_HOST_KAFKA", "kafka")
    assert of_events(KafkaSettings()) == {"message.timestamp.type": "LogAppendTime", "flush.messages": "1"}


def test_the_brokers_of_a_cluster_agree_on_its_id(cluster: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _cluster_id() == _cluster_id()
    monkeypatch.setenv("SKYTIER_HOST_KAFKA", HOST)
    assert _cluster_id() != _cluster_id()


@pytest.mark.parametrize("name", ["kafka-2", "kafka-2.kafka", "kafka-2.kafka.skytier.svc"])
def test_a_host_finds_itself_among_several_by_the_name_of_its_system(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKYTIER_HOST_KAFKA", f"kafka-1,{name},kafka-20")
    assert HostSettings().own("kafka") == name


def test_a_host_that_is_none_of_them_has_to_be_told(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("SKYTIER_HOST_KAFKA", "a,b")
    assert HostSettings().here("kafka") is None
    with pytest.raises(TerminalError, match=r"SKYTIER_HOST_KAFKA=a,b does not say .* kafka-2: set SKYTIER_BIND_HOST"):
        Kafka().configure()
    monkeypatch.setenv("SKYTIER_BIND_HOST", "b")
    assert properties(home)["node.id"] == "2"
    monkeypatch.setenv("SKYTIER_BIND_HOST", "c")
    with pytest.raises(TerminalError, match=r"SKYTIER_HOST_KAFKA=a,b does not name this host, c"):
        Kafka().configure()


def test_a_setting_that_names_no_host_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYTIER_HOST_KAFKA", " , ")
    with pytest.raises(TerminalError, match="SKYTIER_HOST_KAFKA names no host"):
        HostSettings().all_of("kafka")


def test_controllers_speak_tls_to_each_other(cluster: None, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYTIER_TLS_ENABLED", "1")
    monkeypatch.setenv("SKYTIER_TLS_FOLDER", str(home / "run-secrets"))
    (home / "run-secrets").mkdir()
    (home / "run-secrets" / "ca.pem").touch()
    found = properties(home)
    assert found["listener.security.protocol.map"] == "CLIENT:SASL_SSL,CONTROLLER:SASL_SSL"
    assert found["listener.name.controller.ssl.keystore.location"] == str(home / "run-secrets" / "kafka.pem")
    monkeypatch.setenv("SKYTIER_BIND_ADDRESS", HOST)
    monkeypatch.setenv("SKYTIER_HOST_KAFKA", HOST)
    assert properties(home)["listener.security.protocol.map"] == "CLIENT:SASL_SSL,CONTROLLER:SASL_PLAINTEXT"


def test_hdfs_spans_hosts(cluster: None, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYTIER_BIND_HOST", "datanode-2")
    monkeypatch.setenv("SKYTIER_HDFS_SECRET", "secret")
    found = hadoop(home)
    assert found["fs.defaultFS"] == "hdfs://namenode:8020"
    assert found["dfs.namenode.http-address"] == "namenode:9870"
    assert found["dfs.namenode.rpc-bind-host"] == found["dfs.namenode.http-bind-host"] == "0.0.0.0"
    assert found["dfs.datanode.hostname"] == "datanode-2"
    assert found["dfs.datanode.address"] == "0.0.0.0:9866"
    assert found["dfs.replication"] == spark.cold_tier_properties()["spark.hadoop.dfs.replication"] == "2"
    monkeypatch.setenv("SKYTIER_HDFS_REPLICATION", "3")
    assert hadoop(home)["dfs.replication"] == "3"
    assert "dfs.namenode.stale.datanode.interval" in found
    assert DataNode().environment()["SKYTIER_HDFS_GATE_HOSTS"] == "127.0.0.1,datanode-2,localhost"
    assert NameNode().environment()["SKYTIER_HDFS_GATE_HOSTS"] == "127.0.0.1,localhost,namenode"


def test_on_one_host_the_files_of_hdfs_and_kafka_name_that_host_only(home: Path) -> None:
    found = hadoop(home)
    assert not [name for name in found if "bind-host" in name or "stale" in name]
    assert found["dfs.datanode.hostname"] == HOST
    of_kafka = properties(home)
    assert of_kafka["advertised.listeners"] == f"CLIENT://{HOST}:9092"
    assert (of_kafka["node.id"], of_kafka["controller.quorum.voters"]) == ("1", f"1@{HOST}:9093")


def test_members_of_a_replica_set_share_a_key(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    MongoDB().configure()
    assert yaml.safe_load((home / "conf" / "mongod.yaml").read_text())["security"]["keyFile"] == str(
        home / "conf" / "mongod.key"
    )
    assert (home / "conf" / "mongod.key").exists()
    (home / "conf" / "mongod.key").unlink()
    monkeypatch.setenv("SKYTIER_MONGODB_KEY_FILE", "/run/secrets/members.key")
    MongoDB().configure()
    assert "/run/secrets/members.key" in (home / "conf" / "mongod.yaml").read_text()
    assert not (home / "conf" / "mongod.key").exists()


def test_certificates_may_be_elsewhere(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert TlsSettings().folder == home / "tls"
    monkeypatch.setenv("SKYTIER_TLS_FOLDER", "/run/secrets/tls")
    assert TlsSettings().folder == Path("/run/secrets/tls")


def test_a_job_on_hosts_of_their_own_writes_its_properties_itself(
    cluster: None, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKYTIER_SPARK_SUBMIT", "true")
    spark.submit("process_flight_events")
    assert "spark.hadoop.fs.defaultFS hdfs://namenode:8020" in spark.job_properties_file().read_text()
