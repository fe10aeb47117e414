"""What Spark reads in the literals that statements are made of."""

from __future__ import annotations

import random
import string
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from skytier.warehouse import literal, parquet

pytestmark = pytest.mark.spark

SIGNS = [
    *"'\"\\`;-/*${}%_ \n\tab0u",
    "\\u0041",
    "\\'",
    "'' ",
    "${env:PATH}",
    "${spark.app.name}",
    "--",
    "/*",
    "é",
    "北",
]
WORDS = [*SIGNS, *string.punctuation, "' OR '1'='1", "x'); DROP TABLE t; --", "\\", "a\\", "\\\\'"]


def test_spark_reads_in_every_literal_what_was_written(spark: SparkSession) -> None:
    choose = random.Random(7)
    texts = [*WORDS, *("".join(choose.choices(SIGNS, k=choose.randint(1, 12))) for _ in range(300))]
    rows = spark.sql(f"SELECT explode(array({', '.join(map(literal, texts))})) AS text").collect()
    assert [row["text"] for row in rows] == texts


def test_a_folder_of_any_name_is_one_table(spark: SparkSession, tmp_path: Path) -> None:
    for name in ("a`b", "`; DROP TABLE t", "it's"):
        folder = str(tmp_path / name)
        spark.range(3).write.parquet(folder)
        assert spark.sql(f"SELECT count(*) FROM {parquet(folder)}").collect()[0][0] == 3
