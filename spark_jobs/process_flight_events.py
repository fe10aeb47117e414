"""The minute job: everything new in Kafka through both tiers, in batches of bounded size, then end.

Run by Airflow every minute and by ``skytier process``. A run that dies anywhere is repaired by the next one.
"""

from __future__ import annotations

import time

from pyspark.sql import SparkSession

from models.registry import Registry
from skytier import alerts, hot_tier, logs, topics
from skytier.errors import SkytierError, TerminalError
from skytier.exclusive import MINUTE_JOB, alone_at
from skytier.files import Files
from skytier.kafka_log import KafkaLog
from skytier.settings.kafka import KafkaSettings
from spark_jobs import failures, servers
from spark_jobs.minute_run import MinuteRun

JOB = "process_flight_events"
log = logs.logger(JOB)


def main() -> None:
    """Drain the topic, once no other run is at it: two would do the same work twice, and one of them fail."""
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
            why = f"Events stay unscored: {why}"
            alerts.alert(connection, "model", alerts.Severity.CRITICAL, "champion", why, until_resolved=True)
        return None
    return found.version


def drain() -> None:
    """Take everything that is in the topic now through both tiers."""
    start = time.monotonic()
    kafka, files = KafkaSettings(), Files()
    topics.require(kafka, kafka.topic)
    spark = SparkSession.builder.appName(JOB).getOrCreate()
    failures.quieten(spark)
    try:
        with KafkaLog(kafka, kafka.topic) as kafka_log:
            MinuteRun(spark, files, kafka_log, champion(files)).drain()
    except Exception as error:
        if not isinstance(error, SkytierError) or isinstance(error, failures.StepError):
            servers.require_answers(files)  # a server that is down says more than what failed for it
        raise
    log.info("run done", seconds=round(time.monotonic() - start, 3))


if __name__ == "__main__":
    failures.run(JOB, main)
