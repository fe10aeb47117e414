"""Where and how big Spark jobs run."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from skytier.settings.base import HOST, Settings


class SparkSettings(Settings):
    """Where and how big Spark jobs run."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_SPARK_")

    master: str = Field("local[2]", description="Spark master of the jobs")
    driver_memory_mb: int = Field(1536, ge=512, description="heap of a job's driver")
    shuffle_partitions: int = Field(2, ge=1, description="partitions of a shuffle in the jobs")
    worker_threads: int = Field(2, ge=1, description="threads of the worker that predicts a batch's delays")
    submit: str = Field("", description="command line that submits jobs, in place of pyspark's own `spark-submit`")
    driver_host: str = Field(HOST, description="name or address by which executors reach a job's driver")
    driver_bind_address: str = Field(HOST, description="address that a job's driver listens on")
    executor_python: str = Field("python3", description="Python of the executors of a cluster")
    executor_python_path: str = Field(
        "", description="where executors of a cluster have this project's modules; empty: jobs send them along"
    )
    executor_class_path: str = Field(
        "", description="class path of Spark's extra jars on executors of a cluster; empty: jobs send them along"
    )
    executor_home: str = Field(
        "/tmp/skytier",
        description="SKYTIER_HOME of the executors of a cluster: where they keep models that they have fetched",
    )
    archives: str = Field(
        "", description="archives that executors of a cluster unpack, with commas, as `env.tar.gz#env`: a packed Python"
    )

    @property
    def is_local(self) -> bool:
        """Whether jobs run in their driver, on the machine that submits them."""
        return self.master.startswith("local")
