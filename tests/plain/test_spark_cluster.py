"""Spark's own cluster: who knows the secret, what workers and drivers are told, and what no property holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from local_stack.server import make_home
from local_stack.spark_cluster import SparkMaster, SparkWorker
from skytier import spark
from skytier.errors import TerminalError
from skytier.settings.base import HOST
from skytier.settings.spark import SparkSettings

pytestmark = pytest.mark.plain

SECRET = "known to master, workers and drivers"  # noqa: S105


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SKYTIER_HOME", str(tmp_path))
    make_home()
    return tmp_path


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "SKYTIER_SPARK_MASTER": "spark://spark-master:7077",
        "SKYTIER_SPARK_AUTH_SECRET": SECRET,
        "SKYTIER_SPARK_DRIVER_HOST": "airflow-worker",
        "SKYTIER_HOST_SPARK_MASTER": "spark-master",
        "SKYTIER_HOST_SPARK_WORKER": "spark-worker-1,spark-worker-2",
        "SKYTIER_BIND_ADDRESS": "0.0.0.0",
        "SKYTIER_BIND_HOST": "spark-worker-2",
        "SKYTIER_TLS_FOLDER": "/run/secrets/tls",
        "SKYTIER_MONGODB_PASSWORD": "of the hot tier",
    }.items():
        monkeypatch.setenv(name, value)


def properties(home: Path, server: SparkMaster | SparkWorker) -> dict[str, str]:
    server.configure()
    return dict(line.split(" ", 1) for line in (home / "conf" / f"{server.name}.properties").read_text().splitlines())


def test_drivers_workers_and_master_authenticate_and_encrypt(cluster: None, home: Path) -> None:
    for found in (spark.job_properties(), properties(home, SparkMaster()), properties(home, SparkWorker())):
        assert found["spark.authenticate"] == found["spark.network.crypto.enabled"] == "true"
        assert SECRET not in "\n".join(found.values())
        assert found["spark.authenticate.secret"] == "in _SPARK_AUTH_SECRET"
    for variables in (spark.job_variables(), SparkMaster().environment(), SparkWorker().environment()):
        assert variables["_SPARK_AUTH_SECRET"] == SECRET


def test_no_command_line_holds_the_secret(cluster: None) -> None:
    for command in (SparkMaster().command(), SparkWorker().command(), spark.submit_command("process_flight_events")):
        assert SECRET not in " ".join(command)


@pytest.mark.parametrize("server", [SparkMaster(), SparkWorker()], ids=lambda server: server.name)
def test_without_the_secret_none_of_them_starts(server: SparkMaster | SparkWorker) -> None:
    with pytest.raises(TerminalError, match=r"SKYTIER_SPARK_AUTH_SECRET is not set.*skytier stack secrets"):
        server.environment()


def test_a_local_job_has_a_secret_of_its_run_and_not_the_clusters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYTIER_SPARK_AUTH_SECRET", SECRET)
    assert "_SPARK_AUTH_SECRET" not in spark.job_variables()
    found = spark.job_properties()
    assert found["spark.authenticate"] == "true"
    assert "spark.authenticate.secret" not in found


@pytest.mark.parametrize("master", ["spark://elsewhere:7077", "yarn", "k8s://https://cluster:443"])
def test_a_cluster_of_others_sets_its_own_authentication(master: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYTIER_SPARK_MASTER", master)
    assert not [name for name in spark.job_properties() if name.startswith(("spark.authenticate", "spark.network"))]
    assert "_SPARK_AUTH_SECRET" not in spark.job_variables()


def test_master_and_worker_are_reached_by_their_names(cluster: None) -> None:
    master, worker = " ".join(SparkMaster().command()), " ".join(SparkWorker().command())
    assert "--host spark-master " in master
    assert "--port 7077" in master
    assert "--host spark-worker-2 " in worker
    assert worker.endswith("spark://spark-master:7077")
    assert "--cores 4 --memory 2048m" in worker
    assert SparkMaster().environment()["SPARK_LOCAL_IP"] == "spark-master"
    assert re.fullmatch(r"2\.\d+", SparkWorker().environment()["SPARK_SCALA_VERSION"])


def test_a_restarted_master_knows_its_jobs(cluster: None, home: Path) -> None:
    found = properties(home, SparkMaster())
    assert found["spark.deploy.recoveryMode"] == "FILESYSTEM"
    assert found["spark.deploy.recoveryDirectory"] == str(home / "data" / "spark-master")
    assert found["spark.master.rest.enabled"] == "false"  # it would take jobs from whoever reaches it


def test_a_job_leaves_cores_to_another_and_executors_compile_as_drivers_do(cluster: None) -> None:
    found = spark.job_properties()
    assert found["spark.cores.max"] == "2"
    assert SparkSettings().worker_cores >= 2 * SparkSettings().job_cores
    assert "-XX:-DontCompileHugeMethods" in found["spark.executor.extraJavaOptions"]


def test_executors_are_told_nothing_that_is_the_drivers_hosts_own(cluster: None) -> None:
    told = {name for name in spark.job_properties() if name.startswith("spark.executorEnv.")}
    assert "spark.executorEnv.SKYTIER_HOST_SPARK_MASTER" in told
    assert not [name for name in told if "BIND" in name or "TLS_FOLDER" in name or "DRIVER" in name or "SECRET" in name]


def test_a_driver_is_reached_by_the_name_of_its_host(cluster: None, monkeypatch: pytest.MonkeyPatch) -> None:
    found = spark.job_properties()
    assert (found["spark.driver.host"], found["spark.driver.bindAddress"]) == ("airflow-worker", "0.0.0.0")
    monkeypatch.delenv("SKYTIER_SPARK_DRIVER_HOST")
    assert spark.job_properties()["spark.driver.host"] == "spark-worker-2"
    monkeypatch.setenv("SKYTIER_SPARK_MASTER", "local[2]")
    local = spark.job_properties()
    assert (local["spark.driver.host"], local["spark.driver.bindAddress"]) == (HOST, HOST)


def test_an_installation_that_cannot_be_written_to_has_its_caches_elsewhere(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKYTIER_SPARK_CACHE_FOLDER", str(home / "cache"))
    assert spark.spark_home() == home / "cache" / "spark-home"
    assert (home / "cache" / "spark-home" / "jars").is_dir()
    assert spark.job_variables()["SPARK_CONF_DIR"] == str(home / "cache" / "no-conf")
