"""Where and how big Spark jobs run."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from skytier.settings.base import Settings


class SparkSettings(Settings):
    """Where and how big Spark jobs run."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_SPARK_")

    master: str = Field("local[2]", description="Spark master of the jobs")
    driver_memory_mb: int = Field(1536, ge=512, description="heap of a job's driver")
    shuffle_partitions: int = Field(2, ge=1, description="partitions of a shuffle in the jobs")
    worker_threads: int = Field(2, ge=1, description="threads of the worker that predicts a batch's delays")
    submit: str = Field("", description="command line that submits jobs, in place of pyspark's own `spark-submit`")
