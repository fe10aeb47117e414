"""What the pods run that Spark makes on Kubernetes."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

from skytier import spark, spark_pod
from skytier.errors import TerminalError

pytestmark = pytest.mark.plain

EXECUTOR = {
    "JAVA_HOME": "/jdk",
    "SPARK_DRIVER_URL": "spark://CoarseGrainedScheduler@driver:7078",
    "SPARK_EXECUTOR_ID": "3",
    "SPARK_EXECUTOR_CORES": "2",
    "SPARK_EXECUTOR_MEMORY": "1024m",
    "SPARK_APPLICATION_ID": "spark-1",
    "SPARK_EXECUTOR_POD_IP": "10.0.0.7",
    "SPARK_EXECUTOR_POD_NAME": "job-exec-3",
    "SPARK_RESOURCE_PROFILE_ID": "0",
    "SPARK_CLASSPATH": "/jars/*",
    "SPARK_JAVA_OPT_10": "-Dlast=1",
    "SPARK_JAVA_OPT_2": "-Dfirst=a b",
}


@pytest.fixture(autouse=True)
def cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {
        "SKYTIER_HOME": str(tmp_path / "home"),
        "SKYTIER_SPARK_MASTER": "k8s://https://kubernetes.default.svc:443",
        "SKYTIER_SPARK_EXECUTOR_PYTHON_PATH": "/app",
        "SKYTIER_SPARK_EXECUTOR_CLASS_PATH": "/app/jars/*",
        "SKYTIER_SPARK_EXECUTOR_PYTHON": "/app/bin/python",
        "SKYTIER_SPARK_EXECUTOR_HOME": "/state",
    }.items():
        monkeypatch.setenv(name, value)


def test_a_driver_has_the_properties_of_jobs_and_those_of_its_pod_win(tmp_path: Path) -> None:
    of_pod = tmp_path / "spark.properties"
    of_pod.write_text("#made by Spark\nspark.master=k8s\\://https\\://10.0.0.1\\:443\nspark.driver.host=job-svc\n")
    arguments = ["--properties-file", str(of_pod), "--class", "PythonRunner", "local:///app/job.py", "an id", "export"]
    submit, *options = spark_pod.driver_command(arguments, {"SPARK_DRIVER_BIND_ADDRESS": "10.0.0.6"})
    assert Path(submit).name == "spark-submit"
    assert options[:4] == ["--conf", "spark.driver.bindAddress=10.0.0.6", "--deploy-mode", "client"]
    assert options[4] == "--properties-file"
    assert options[6:] == arguments[2:]
    lines = Path(options[5]).read_text().splitlines()
    assert f"spark.sql.shuffle.partitions {spark.job_properties()['spark.sql.shuffle.partitions']}" in lines
    for name in ("spark.master", "spark.driver.host"):  # of a name that is there twice, the last one counts
        assert [line for line in lines if re.match(rf"{name}\b(?!\.)", line)][-1].startswith(f"{name}=")
    assert "spark.executor.extraClassPath /app/jars/*" in lines
    assert "spark.executorEnv.PYTHONPATH /app" in lines


def test_a_drivers_environment_keeps_what_spark_set_for_its_pod() -> None:
    pod = {
        "SPARK_DRIVER_BIND_ADDRESS": "10.0.0.6",
        "SPARK_CONF_DIR": "/opt/spark/conf",
        "SPARK_LOCAL_DIRS": "/var/data/spark-1",
        "KUBERNETES_SERVICE_HOST": "10.0.0.1",
    }
    found = spark_pod.driver_environment(pod)
    assert found | pod == found
    assert found["SPARK_LOCAL_IP"] == "10.0.0.6"
    assert found["PYSPARK_PYTHON"] == "/app/bin/python"
    assert found["HADOOP_USER_NAME"] == "skytier"
    assert "SPARK_LOCAL_DIRS" in spark.job_variables()


def test_an_executor_is_what_the_variables_say() -> None:
    command = spark_pod.executor_command(EXECUTOR)
    end = command.index(spark_pod._BACKEND)
    assert command[:3] == ["/jdk/bin/java", "-Dfirst=a b", "-Dlast=1"]
    assert command[3:5] == ["-Xms1024m", "-Xmx1024m"]
    assert command[5:end] == ["-cp", f"/jars/*:{spark.spark_home()}/jars/*"]
    assert dict(zip(command[end + 1 :: 2], command[end + 2 :: 2], strict=True)) == {
        "--driver-url": "spark://CoarseGrainedScheduler@driver:7078",
        "--executor-id": "3",
        "--cores": "2",
        "--app-id": "spark-1",
        "--hostname": "10.0.0.7",
        "--resourceProfileId": "0",
        "--podName": "job-exec-3",
    }


def test_spark_as_installed_knows_the_class_its_options_and_the_variables() -> None:
    (jar,) = (spark.spark_home() / "jars").glob("spark-kubernetes_*.jar")
    with zipfile.ZipFile(jar) as archive:
        backend = archive.read(f"{spark_pod._BACKEND.replace('.', '/')}$.class")
        constants = archive.read("org/apache/spark/deploy/k8s/Constants$.class")
    assert all(option.encode() in backend for option in spark_pod._EXECUTOR)
    variables = [*spark_pod._EXECUTOR.values(), spark_pod._JVM_OPTION, "SPARK_CLASSPATH", "SPARK_EXECUTOR_MEMORY"]
    assert all(name.encode() in constants for name in [*variables, "SPARK_DRIVER_BIND_ADDRESS", "SPARK_CONF_DIR"])


@pytest.mark.parametrize("missing", ["SPARK_EXECUTOR_MEMORY", "SPARK_DRIVER_URL"])
def test_a_pod_that_spark_did_not_make_says_so(missing: str) -> None:
    with pytest.raises(TerminalError, match=missing):
        spark_pod.executor_command({name: value for name, value in EXECUTOR.items() if name != missing})
    with pytest.raises(TerminalError, match="--properties-file"):
        spark_pod.driver_command(["local:///app/job.py"], {"SPARK_DRIVER_BIND_ADDRESS": "10.0.0.6"})


@pytest.mark.parametrize("arguments", [[], ["shell"]])
def test_other_arguments_are_refused(arguments: list[str]) -> None:
    with pytest.raises(TerminalError, match="neither 'driver' nor 'executor'"):
        spark_pod.become(arguments)
