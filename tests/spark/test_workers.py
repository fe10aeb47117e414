"""What a job's Python workers find in their environment."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from skytier.settings.spark import SparkSettings

pytestmark = pytest.mark.spark


def test_a_worker_has_the_threads_of_the_settings(spark: SparkSession) -> None:
    """Spark alone would give it one, and predictions take twice as long."""

    def threads(parts: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for _ in parts:
            yield pd.DataFrame({"threads": [os.environ["OMP_NUM_THREADS"]]})

    (row,) = spark.range(1).coalesce(1).mapInPandas(threads, "threads string").collect()
    assert int(row["threads"]) == SparkSettings().worker_threads == 2
