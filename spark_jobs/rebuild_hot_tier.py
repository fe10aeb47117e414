"""The hot tier from the cold one: every event of a complete batch that is in no archive, as its document was.

For when MongoDB was lost. The minute job and the archive wait meanwhile.
"""

from __future__ import annotations

import sys
import time
from functools import reduce
from operator import or_

from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from skytier import batches, logs
from skytier.archive import visibility
from skytier.archive.lock import alone
from skytier.errors import SkytierError
from skytier.exclusive import exclusively
from skytier.files import Files
from skytier.settings import home
from spark_jobs.hot_writer import write_documents
from spark_jobs.transforms import outputs

FACT, STAGING = "flight_dw.fact_flight_events", "flight_dw.staging_flight_events"
log = logs.logger("rebuild_hot_tier")


def main() -> None:
    """Write the documents, once neither a minute run nor a step of the archive is under way."""
    logs.configure()
    waits = "a minute run is at work; this one waits"
    lock = home() / "run" / "process_flight_events.lock"
    with exclusively(lock, on_wait=lambda: log.info(waits)), alone():
        rebuild()


def rebuild() -> None:
    """Write the documents of all events that are stored and in no archive."""
    began = time.monotonic()
    spark = SparkSession.builder.appName("rebuild_hot_tier").getOrCreate()
    newest = batches.newest_complete(Files(), [r.batch_id for r in spark.sql(_NEWEST).collect()])
    visible = spark.table(visibility.STATES).where("state IN ('published', 'restored', 'purged')").select("archive_id")
    archived = spark.table(visibility.TABLE).join(visible, "archive_id", how="left_semi").select("event_id")
    # Weather lies flat in the one table and nested, as documents have it, in the other.
    facts = spark.table(FACT).where(f"batch_id <= {newest}").where(~_expired(spark))
    weather = spark.table(STAGING).select("event_id", "weather")
    events = facts.join(weather, "event_id").join(archived, "event_id", how="left_anti")
    documents = write_documents(outputs.hot(events))
    seconds = round(time.monotonic() - began, 3)
    log.info("hot tier rebuilt", documents=documents, newest_complete_batch=newest, seconds=seconds)


def _expired(spark: SparkSession) -> Column:
    """Whether an event was of an archive that is deleted since: it does not come back."""
    rows = (
        spark.table(visibility.STATES).where("state = 'expired'").select(F.explode("selections").alias("s")).collect()
    )
    conditions = [
        (F.col("event_time") < F.lit(row.s.event_time_before))
        & reduce(or_, [F.col("batch_id").between(span.first, span.last) for span in row.s.batches], F.lit(False))
        for row in rows
    ]
    return reduce(or_, conditions, F.lit(False))


_NEWEST = "SELECT batch_id FROM flight_dw.batch_metadata ORDER BY batch_id DESC LIMIT 10"

if __name__ == "__main__":
    try:
        main()
    except SkytierError as error:
        log.error("rebuild failed", reason=str(error))
        sys.exit(1)
