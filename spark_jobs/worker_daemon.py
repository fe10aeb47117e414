"""The process that Spark forks a job's Python workers from, once it has imported what they need.

Left to themselves, each worker of a batch imports pandas, PyArrow, PyMongo and XGBoost, and so does the next one where
Spark has ended one that was idle.
"""

from __future__ import annotations

from pyspark.daemon import manager

from skytier.pipeline import hot_writer
from spark_jobs.flights import scoring

FORKED_WITH = (scoring, hot_writer)

if __name__ == "__main__":
    manager()  # type: ignore[no-untyped-call]
