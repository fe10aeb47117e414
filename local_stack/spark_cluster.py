"""Spark's own cluster, for containers and hosts of their own: a master, and workers that start executors."""

from __future__ import annotations

import json
from typing import Any, ClassVar
from urllib.request import urlopen

from local_stack import jvm
from local_stack.server import Server, conf_folder, data_folder
from skytier import spark, spark_executors
from skytier.errors import TerminalError
from skytier.settings.base import scratch_folder, stack_env_file
from skytier.settings.hdfs import HdfsSettings
from skytier.settings.hosts import HostSettings
from skytier.settings.ports import PortSettings
from skytier.settings.spark import SparkSettings

_HEAP_MB = 512
_KEPT_HOURS = 6


class _SparkServer(Server):
    """What both share: each binds the name by which the others reach it. Their pages ask nobody for a login."""

    main: ClassVar[str]

    def configure(self) -> None:
        spark.write_properties(self._properties_file(), self.properties())

    def properties(self) -> dict[str, str]:
        """Its own properties; what jobs run with is in theirs."""
        return spark_executors.authentication() | {"spark.ui.killEnabled": "false"}

    def java(self, *arguments: str) -> list[str]:
        """The command line of its process."""
        own = ("--host", self.host(), "--properties-file", str(self._properties_file()), *arguments)
        classpath = [f"{spark.spark_home()}/jars/*"]
        return jvm.java(self.main, *own, classpath=classpath, heap_mb=_HEAP_MB, options=[jvm.QUICK_START])

    def environment(self) -> dict[str, str]:
        return {
            "SPARK_HOME": str(spark.spark_home()),
            "SPARK_SCALA_VERSION": _scala_version(),  # a worker that is not started by Spark's scripts asks for it
            "SPARK_LOCAL_IP": self.host(),  # what its page listens on
            "JAVA_HOME": str(jvm.java_home()),
            spark_executors.VARIABLE_OF_SECRET: self._secret(),
        }

    @staticmethod
    def _secret() -> str:
        secret = SparkSettings().auth_secret.get_secret_value()
        if not secret:
            raise TerminalError(
                f"SKYTIER_SPARK_AUTH_SECRET is not set and {stack_env_file()} does not hold it: master, workers and "
                "drivers know each other by it. 'skytier stack secrets' makes one."
            )
        return secret

    def host(self) -> str:
        """The name by which the others reach it."""
        return HostSettings().own(self.name.replace("-", "_"))

    def state(self, port: int) -> dict[str, Any]:
        """What it says of itself on its page."""
        with urlopen(f"http://{self.host()}:{port}/json/", timeout=5) as answer:
            return dict(json.load(answer))

    def _properties_file(self) -> Any:
        return conf_folder() / f"{self.name}.properties"


class SparkMaster(_SparkServer):
    """Gives jobs their executors. What it knows of jobs and workers outlives it, so that they go on after a restart."""

    name = "spark-master"
    main = "org.apache.spark.deploy.master.Master"

    def ports(self) -> dict[str, int]:
        ports = PortSettings()
        return {
            "SKYTIER_PORT_SPARK_MASTER": ports.spark_master,
            "SKYTIER_PORT_SPARK_MASTER_HTTP": ports.spark_master_http,
        }

    def host(self) -> str:
        return HostSettings().spark_master

    def address(self) -> str:
        return f"spark://{HostSettings().spark_master}:{PortSettings().spark_master}"

    def properties(self) -> dict[str, str]:
        return super().properties() | {
            "spark.master.rest.enabled": "false",
            "spark.deploy.recoveryMode": "FILESYSTEM",
            "spark.deploy.recoveryDirectory": str(data_folder(self.name)),
            # One that is gone is known after 15 s, by default after a minute.
            "spark.worker.timeout": "15",
        }

    def prepare(self) -> None:
        self.configure()
        data_folder(self.name).mkdir(parents=True, exist_ok=True)

    def command(self) -> list[str]:
        ports = PortSettings()
        return self.java("--port", str(ports.spark_master), "--webui-port", str(ports.spark_master_http))

    def ready(self) -> bool:
        return bool(self.state(PortSettings().spark_master_http)["status"] == "ALIVE")


class SparkWorker(_SparkServer):
    """Starts executors, which find the secrets of jobs in its environment and its env file, and nowhere else."""

    name = "spark-worker"
    main = "org.apache.spark.deploy.worker.Worker"
    needs = ("spark-master",)

    def ports(self) -> dict[str, int]:
        ports = PortSettings()
        return {
            "SKYTIER_PORT_SPARK_WORKER": ports.spark_worker,
            "SKYTIER_PORT_SPARK_WORKER_HTTP": ports.spark_worker_http,
        }

    def address(self) -> str:
        return HostSettings().addresses("spark_worker", PortSettings().spark_worker)

    def properties(self) -> dict[str, str]:
        return super().properties() | {
            "spark.worker.timeout": "15",
            # Folders of jobs that ended, one a minute: logs of their executors, and the modules that were sent along.
            "spark.worker.cleanup.enabled": "true",
            "spark.worker.cleanup.appDataTtl": str(_KEPT_HOURS * 3600),
        }

    def command(self) -> list[str]:
        ports, settings = PortSettings(), SparkSettings()
        listens = ("--port", str(ports.spark_worker), "--webui-port", str(ports.spark_worker_http))
        offers = ("--cores", str(settings.worker_cores), "--memory", f"{settings.worker_memory_mb}m")
        return self.java(*listens, *offers, "--work-dir", str(data_folder(self.name)), SparkMaster().address())

    def environment(self) -> dict[str, str]:
        # Executors inherit it. What they spill is for a disk: in a container /tmp is memory.
        inherited = {"HADOOP_USER_NAME": HdfsSettings().user, "SPARK_LOCAL_DIRS": str(scratch_folder())}
        return super().environment() | inherited

    def prepare(self) -> None:
        self.configure()
        data_folder(self.name).mkdir(parents=True, exist_ok=True)

    def ready(self) -> bool:
        """Whether the master counts on it."""
        workers = SparkMaster().state(PortSettings().spark_master_http)["workers"]
        return any(worker["host"] == self.host() and worker["state"] == "ALIVE" for worker in workers)


def _scala_version() -> str:
    """Of the Scala that Spark was built with, as its jars are named."""
    (core,) = (spark.spark_home() / "jars").glob("spark-core_*.jar")
    return core.name.removeprefix("spark-core_").partition("-")[0]
