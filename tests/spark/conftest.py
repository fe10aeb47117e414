"""One local Spark session for the tier ``spark``; no server, no jars beside pyspark's own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from skytier.settings.spark import SparkSettings
from skytier.spark import SESSION_PROPERTIES, worker_properties


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master("local[2]")
    for name, value in (SESSION_PROPERTIES | worker_properties()).items():
        builder = builder.config(name, value)
    session = (
        builder.appName("tests")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        # As a job has: texts of 17 MB, which a test sends, are copied several times on their way.
        .config("spark.driver.memory", f"{SparkSettings().driver_memory_mb}m")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.warehouse.dir", str(tmp_path_factory.mktemp("warehouse")))
        .config("spark.driver.extraJavaOptions", "-Duser.timezone=UTC -XX:TieredStopAtLevel=1")
        .getOrCreate()
    )
    yield session
    session.stop()
