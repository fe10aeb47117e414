"""The process that Spark forks a job's Python workers from, once it has imported what they need.

Left to themselves, each worker of a batch imports pandas, PyArrow, PyMongo and XGBoost, and so does the next one where
Spark has ended one that was idle.
"""

from __future__ import annotations

from pyspark.daemon import manager

from spark_jobs import delay_scorer, hot_writer

FORKED_WITH = (delay_scorer, hot_writer)

if __name__ == "__main__":
    manager()  # type: ignore[no-untyped-call]
