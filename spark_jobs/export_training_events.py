"""The events of the fact table as Parquet files on HDFS, for a training to read.

A training holds all flights in one process, and this job none: executors write what the trainer reads.
"""

from __future__ import annotations

import time

from pyspark.sql import functions as F

from models.delay import features
from models.delay.training_data import EXPORT
from skytier import logs, spark_failures
from skytier.settings.training import TrainingSettings
from spark_jobs.session import session

log = logs.logger("export_training_events")


def main() -> None:
    """Replace the export by what the fact table holds now of the newest days."""
    start = time.monotonic()
    spark = session("export_training_events")
    # Spark's own default for times is a format that nobody else writes any more.
    spark.conf.set("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
    facts, days = spark.table("flight_dw.fact_flight_events"), TrainingSettings().days
    newest = facts.agg(F.max("flight_date").alias("newest"))
    is_recent = F.col("flight_date") > F.date_sub(F.col("newest"), days)
    events = facts.join(F.broadcast(newest)).where(is_recent).select(*features.EVENT_COLUMNS, *features.WEATHER)
    events.write.mode("overwrite").parquet(EXPORT)
    log.info("exported", path=EXPORT, days=days, seconds=round(time.monotonic() - start, 3))


if __name__ == "__main__":
    spark_failures.run("export_training_events", main)
