"""Nothing that runs on a cluster names this machine, its folders or its environment: settings do."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from skytier import spark, spark_executors
from skytier.settings.hdfs import HdfsSettings
from skytier.settings.postgres import PostgresSettings
from skytier.settings.spark import SparkSettings
from skytier.settings.sql import SqlSettings

pytestmark = pytest.mark.plain

ROOT = Path(__file__).resolve().parents[2]
RUN_ON_A_CLUSTER = ("spark_jobs", "skytier", "models", "events", "airflow/dags")
DEFAULTS = ROOT / "skytier" / "settings"
MACHINE = re.compile(r"127\.0\.0\.1|\blocalhost\b|::1|\.venv\b|(?<![\w.<])/(?:home|root|usr|opt|var|tmp)/")
LOCAL_NAMES = {"HOST", "PortSettings"}
"""what only defaults may take: the address and the ports of the local stack"""
HIDDEN = "not-for-properties"


def modules() -> list[Path]:
    found = [path for folder in RUN_ON_A_CLUSTER for path in (ROOT / folder).rglob("*.py")]
    assert len(found) > 100
    return [path for path in found if not path.is_relative_to(DEFAULTS)]


def test_no_text_names_this_machine() -> None:
    found = {
        f"{path.relative_to(ROOT)}:{node.lineno}: {node.value}"
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and MACHINE.search(node.value)
    }
    assert not found


def test_no_module_takes_the_local_stacks_address_or_ports() -> None:
    found = {
        f"{path.relative_to(ROOT)} imports {alias.name}"
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name in LOCAL_NAMES
    }
    assert not found


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Settings of a cluster, the driver on one host and executors on others."""
    for name, value in {
        "SKYTIER_HOME": str(tmp_path / "home"),
        "SKYTIER_SPARK_MASTER": "spark://spark-master:7077",
        "SKYTIER_SPARK_DRIVER_HOST": "driver",
        "SKYTIER_SPARK_DRIVER_BIND_ADDRESS": "0.0.0.0",
        "SKYTIER_HDFS_URL": "hdfs://namenode:8020",
        "SKYTIER_HDFS_WEB_URL": "http://namenode:9870",
        "SKYTIER_HDFS_SECRET": HIDDEN,
        "SKYTIER_METASTORE_URI": "thrift://metastore:9083",
        "SKYTIER_MONGODB_URI": f"mongodb://skytier:{HIDDEN}@mongodb:27017",
        "SKYTIER_KAFKA_BOOTSTRAP_SERVERS": "kafka:9092",
        "SKYTIER_KAFKA_PASSWORD": HIDDEN,
        "SKYTIER_SQL_PASSWORD": HIDDEN,
    }.items():
        monkeypatch.setenv(name, value)


def test_executors_of_a_cluster_are_told_nothing_of_the_drivers_machine(cluster: None, tmp_path: Path) -> None:
    found = spark.job_properties()
    assert found["spark.driver.host"] == "driver"
    assert found["spark.driver.bindAddress"] == "0.0.0.0"
    assert found["spark.pyspark.python"] == "python3"
    sent_along = {"spark.jars", "spark.submit.pyFiles"}
    of_executors = {
        name: value for name, value in found.items() if not name.startswith("spark.driver.") and name not in sent_along
    }
    named = {
        name: value
        for name, value in of_executors.items()
        if name != "spark.pyspark.driver.python" and any(p in value for p in (str(ROOT), str(tmp_path), "127.0.0.1"))
    }
    assert not named
    assert found["spark.executorEnv.SKYTIER_HDFS_WEB_URL"] == "http://namenode:9870"
    assert found["spark.executorEnv.SKYTIER_HOME"] == SparkSettings().executor_home
    assert "spark.python.daemon.module" not in found


def test_no_property_holds_a_secret(cluster: None) -> None:
    assert not [name for name, value in spark.job_properties().items() if HIDDEN in value]


def test_modules_are_sent_along_or_are_there(cluster: None, monkeypatch: pytest.MonkeyPatch) -> None:
    spark.write_job_properties()
    assert spark.job_properties()["spark.submit.pyFiles"] == str(spark_executors.modules_file())
    assert spark_executors.modules_file().stat().st_size > 100_000
    monkeypatch.setenv("SKYTIER_SPARK_EXECUTOR_PYTHON_PATH", "/app")
    monkeypatch.setenv("SKYTIER_SPARK_EXECUTOR_CLASS_PATH", "/app/jars/*")
    monkeypatch.setenv("SKYTIER_SPARK_EXECUTOR_PYTHON", "/app/bin/python")
    monkeypatch.setenv("SKYTIER_SPARK_ARCHIVES", "hdfs:///env.tar.gz#env")
    found = spark.job_properties()
    assert "spark.submit.pyFiles" not in found
    assert "spark.jars" not in found
    assert found["spark.executorEnv.PYTHONPATH"] == "/app"
    assert found["spark.executor.extraClassPath"] == "/app/jars/*"
    assert found["spark.pyspark.python"] == spark.job_variables()["PYSPARK_PYTHON"] == "/app/bin/python"
    assert found["spark.archives"] == "hdfs:///env.tar.gz#env"
    assert found["spark.python.daemon.module"] == "spark_jobs.worker_daemon"


def test_a_machine_without_a_local_stack_submits_jobs(cluster: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYTIER_SPARK_SUBMIT", "true")
    assert not spark.job_properties_file().exists()
    spark.submit("process_flight_events")
    assert "spark.master spark://spark-master:7077" in spark.job_properties_file().read_text()


def test_every_server_may_be_elsewhere(cluster: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {"SQL_HOST": "sql", "SQL_PORT": "10001", "POSTGRES_HOST": "db", "POSTGRES_PORT": "5433"}.items():
        monkeypatch.setenv(f"SKYTIER_{name}", value)
    assert (SqlSettings().host, SqlSettings().port) == ("sql", 10001)
    assert (PostgresSettings().host, PostgresSettings().port) == ("db", 5433)
    secrets = tmp_path / "secrets"
    secrets.write_text("SKYTIER_HDFS_USER=elsewhere\n")
    monkeypatch.setenv("SKYTIER_ENV_FILE", str(secrets))
    assert HdfsSettings().user == "elsewhere"
