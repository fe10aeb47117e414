"""The minute job: everything new in Kafka through both tiers, in batches of bounded size, then end.

Run by Airflow every minute and by ``skytier process``. A run that dies anywhere is repaired by the next one.
"""

from __future__ import annotations

import time

from pyspark.sql import DataFrame, SparkSession

from skytier import batches, logs
from skytier.files import Files
from skytier.settings import KafkaSettings, ProcessingSettings
from spark_jobs.flight_batch import FlightBatch


def main() -> None:
    """Drain the topic."""
    logs.configure()
    start = time.monotonic()
    kafka, processing = KafkaSettings(), ProcessingSettings()
    files = Files()
    spark = SparkSession.builder.appName("process_flight_events").getOrCreate()
    generation, checkpoint = batches.checkpoint(files)

    def process(events: DataFrame, number: int) -> None:
        FlightBatch(events.sparkSession, files, batches.batch_id(generation, number)).process(events)

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
        .option("checkpointLocation", checkpoint)
        .trigger(availableNow=True)
        .start()
    )
    query.awaitTermination()
    logs.logger("process_flight_events").info("run done", seconds=round(time.monotonic() - start, 3))


if __name__ == "__main__":
    main()
