"""Settings of Spark jobs."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from skytier.settings.base import HOST, Settings


class SparkSettings(Settings):
    """Spark jobs: master, resources, driver and executors."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_SPARK_")

    master: str = Field("local[2]", description="master URL to which jobs are submitted")
    driver_memory_mb: int = Field(1536, ge=512, description="heap size of a job's driver")
    shuffle_partitions: int = Field(2, ge=1, description="number of shuffle partitions")
    worker_threads: int = Field(2, ge=1, description="number of threads of the worker that predicts delays")
    submit: str = Field("", description="command line that submits jobs; empty: `spark-submit` of pyspark")
    driver_host: str = Field(HOST, description="host name or address by which executors reach a job's driver")
    driver_bind_address: str = Field(HOST, description="address that a job's driver listens on")
    executor_python: str = Field("python3", description="Python executable of executors on a cluster")
    executor_python_path: str = Field(
        "", description="path of this project's modules on executors of a cluster; empty: jobs ship the modules"
    )
    executor_class_path: str = Field(
        "", description="class path of Spark's extra jars on executors of a cluster; empty: jobs ship the jars"
    )
    executor_home: str = Field(
        "/tmp/skytier",
        description="SKYTIER_HOME of executors on a cluster: the folder in which they cache models",
    )
    archives: str = Field(
        "",
        description="comma-separated archives that executors of a cluster unpack, as `env.tar.gz#env`, "
        "for example a packed Python",
    )

    @property
    def is_local(self) -> bool:
        """Whether jobs run inside their driver, on the machine that submits them."""
        return self.master.startswith("local")
