"""The minute job: everything new in Kafka through both tiers, in batches of bounded size, then end.

Run by Airflow every minute and by ``skytier process``. A run that dies anywhere is repaired by the next one.
"""

from __future__ import annotations

import sys
import time

from pyspark.sql import DataFrame, SparkSession

from models.registry import Registry
from skytier import alerts, batches, cache, hot_tier, logs, topics
from skytier.errors import SkytierError, TerminalError
from skytier.exclusive import MINUTE_JOB, alone_at
from skytier.files import Files
from skytier.settings import KafkaSettings, ProcessingSettings
from spark_jobs.flight_batch import FlightBatch, forget_batches_after

log = logs.logger("process_flight_events")


def main() -> None:
    """Drain the topic, once no other run is at it: two would do the same work twice, and one of them fail."""
    logs.configure()
    with alone_at(MINUTE_JOB):
        drain()


def champion(files: Files) -> str | None:
    """The version of the model that predicts in this run; None, and an alert, where there is none."""
    try:
        found = Registry(files).champion()
    except TerminalError as error:
        found, why = None, str(error)
    else:
        why = "No model has been trained yet: run 'skytier train'."
    if found is None:
        with hot_tier.client() as connection:
            alerts.alert(connection, "model", alerts.Severity.CRITICAL, "champion", f"Events stay unscored: {why}")
        return None
    return found.version


def drain() -> None:
    """Take everything that is in the topic now through both tiers."""
    start = time.monotonic()
    kafka, processing = KafkaSettings(), ProcessingSettings()
    topics.require(kafka, kafka.topic)
    files = Files()
    spark = SparkSession.builder.appName("process_flight_events").getOrCreate()
    checkpoint = batches.checkpoint(files)
    if checkpoint.last_mark is not None:
        forget_batches_after(spark, checkpoint.last_mark)

    model_version = champion(files)

    def process(events: DataFrame, number: int) -> None:
        batch_id = batches.batch_id(checkpoint.generation, number)
        FlightBatch(events.sparkSession, files, batch_id, model_version).process(events)
        cache.changed(cache.Basis.BATCHES)

    source = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", kafka.bootstrap_servers)
        .option("subscribe", kafka.topic)
        .option("startingOffsets", "earliest")
        .option("maxOffsetsPerTrigger", processing.max_events_per_batch)
        .load()
    )
    query = (
        source.writeStream.foreachBatch(process)
        .option("checkpointLocation", checkpoint.path)
        .trigger(availableNow=True)
        .start()
    )
    query.awaitTermination()
    log.info("run done", seconds=round(time.monotonic() - start, 3))


if __name__ == "__main__":
    try:
        main()
    except SkytierError as error:
        log.error("run failed", reason=str(error))
        sys.exit(1)
