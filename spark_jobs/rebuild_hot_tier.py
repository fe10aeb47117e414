"""The hot tier from the cold one: every event of a complete batch that is in no archive, as its document was.

For when MongoDB was lost. The minute job and the archive wait meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from pyspark.sql import functions as F

from events.archive_targets import flights_target
from events.pipelines import flights
from skytier import locks, logs, spark_failures
from skytier.archive import visibility
from skytier.fence import Fence
from skytier.files import Files
from skytier.pipeline.hot_writer import write_documents
from skytier.pipeline.spec import Pipeline
from skytier.settings.archive import ArchiveSettings
from skytier.settings.mongodb import MongoSettings
from spark_jobs.flights import outputs
from spark_jobs.maintain_warehouse import newest_complete_batch
from spark_jobs.session import session

FACT, STAGING = "flight_dw.fact_flight_events", "flight_dw.staging_flight_events"
log = logs.logger("rebuild_hot_tier")


def main() -> None:
    """Write the documents, once neither a minute run nor a step of the archive is under way."""
    pipeline = flights()
    process_lease = locks.lease(locks.PROCESS, pipeline=pipeline.name)
    with process_lease as process, locks.lease(locks.ARCHIVE, pipeline=pipeline.name) as archive:
        rebuild(pipeline, [process.own, archive.own])


def rebuild(pipeline: Pipeline, fences: Sequence[Fence]) -> None:
    """Write the documents of all events that are stored and in no archive."""
    began = time.monotonic()
    spark = session("rebuild_hot_tier")
    target = flights_target(MongoSettings(), ArchiveSettings())
    newest = newest_complete_batch(spark, Files(), pipeline)
    states = spark.table(target.archive_states)
    counts = states.where(visibility.COUNTS).select(visibility.PARTITION)
    archived = spark.table(target.archive_table).join(counts, visibility.PARTITION, how="left_semi").select("event_id")
    # What was of an archive that is deleted since, or will be unless it is held, does not come back.
    expired = F.broadcast(states.where("state IN ('expired', 'expiring')").select("selections").alias("expired"))
    of_expired = F.expr(visibility.is_selected("event", "expired.selections"))
    # Weather lies flat in the one table and nested, as documents have it, in the other.
    facts = spark.table(FACT).where(f"batch_id <= {newest}").alias("event").join(expired, of_expired, how="left_anti")
    weather = spark.table(STAGING).select("event_id", "weather")
    events = facts.join(weather, "event_id").join(archived, "event_id", how="left_anti")
    documents = write_documents(outputs.hot(events), pipeline.collection, fences)
    seconds = round(time.monotonic() - began, 3)
    log.info("hot tier rebuilt", documents=documents, newest_complete_batch=newest, seconds=seconds)


if __name__ == "__main__":
    spark_failures.run("rebuild_hot_tier", main)
