"""The texts of Operations & Monitoring."""

from __future__ import annotations

from dashboard.panels.states import State

NOW, WORK, DATA = VIEWS = "Now", "Jobs", "Storage and archives"
SCORE, SERVERS, ALERTS = "Health", "Servers", "Alerts"
RUNS, DURATIONS = "Airflow: DAGs", "Airflow: run durations by DAG"
RUN_GRID, LAG_BY_PARTITION, DEAD_LETTERS = "Airflow: recent runs", "Kafka: lag by partition", "Kafka: dead-letter topic"
JOBS, LAG = "Spark: newest batches", "Kafka: consumer lag"
TIMELINE, AUDIT = "Archives: duration of steps", "Archives: audit log"
STORAGE, TABLES = "Storage by tier", "Cold tables on HDFS"
MACHINE, CACHE = "This machine", "Cache"

HEALTH_SCORE = "Health score"
SCORE_NOTES = ((99.5, "healthy"), (75, "degraded"), (0, "unhealthy"))
SCORE_STATES = {"healthy": State.GOOD, "degraded": State.WARNING, "unhealthy": State.BAD}
SCORE_HELP = """The sum of five parts.

- Servers, 50: the weighted share of healthy servers (weight 3: Kafka, MongoDB, both HDFS servers, scheduler;
  2: metastore, SQL endpoint, PostgreSQL, Airflow API; 1: DAG processor, Redis). A slow server counts half.
- Minute job, 20: no record waits in Kafka, or the newest batch is at most 3 min old; 10 up to 15 min; else 0.
- DAGs, 10: the share whose newest finished run succeeded.
- Hot tier, 10: up to its limit; falling to 0 at 120% of it.
- Alerts, 10: minus 5 for each open critical alert and 1 for each open warning.

A part whose servers do not answer gives no points."""
PART_TITLES = {
    "servers": "Servers up",
    "minute runs": "Since last batch",
    "dags": "DAGs successful",
    "hot tier": "Hot tier",
    "alerts": "Open alerts",
}
OF, POINTS = "{} of {}", "{}/{} points"
POINTS_NOT_KNOWN = "no answer"
NO_BATCH, NOT_KNOWN = "no batch", "?"

SERVER_NAMES = {
    "kafka": "Kafka",
    "mongodb": "MongoDB",
    "namenode": "HDFS NameNode",
    "datanode": "HDFS DataNode",
    "metastore": "Hive metastore",
    "sql": "SQL endpoint",
    "redis": "Redis",
    "postgres": "PostgreSQL",
    "airflow-api": "Airflow API",
    "airflow-scheduler": "Airflow scheduler",
    "airflow-dags": "Airflow DAG processor",
}
CHECKS = {
    "kafka": "topics and their leaders",
    "mongodb": "is primary; reads one event",
    "namenode": "is writable (no safe mode)",
    "datanode": "state of its volumes",
    "metastore": "getStatus",
    "sql": "SELECT 1 in a new session",
    "redis": "ping",
    "postgres": "SELECT 1 in a new session",
    "airflow-api": "health, with its database",
    "airflow-scheduler": "heartbeat, from the API",
    "airflow-dags": "heartbeat, from the API",
}
STATES = {
    "ok": State.GOOD.called("Healthy"),
    "slow": State.WARNING.called("Slow"),
    "down": State.BAD.called("Down"),
    "unknown": State.UNKNOWN.called("Unknown"),
}

DAG_NAMES = {
    "flight_processing_dag": "Minute job",
    "mongodb_archiving_dag": "Archiving",
    "warehouse_maintenance_dag": "Maintenance",
    "delay_model_training_dag": "Model training",
    "delay_model_drift_dag": "Model drift",
    "alerts_dag": "Alerts",
}
RUN_STATES = {
    "success": State.GOOD.called("Success"),
    "failed": State.BAD.called("Failed"),
    "running": State.ACTIVE.called("Running"),
    "queued": State.ACTIVE.called("Queued"),
}
PAUSED, NEVER_RUN = State.WARNING.called("Paused"), State.UNKNOWN.called("No run yet")
RUNS_SUCCESSFUL = "{} of {}"
DURATION_AXIS, MEDIAN, NO_RUN_ENDED = "Duration (s)", "Median", "No run has finished yet."
DURATIONS_SAYS = (
    "{runs} finished runs, {failed} of them failed. Median duration of the minute job: {median}. Longest run: "
    "{longest} ({dag})."
)
DURATIONS_HEADLINE = "{failed} of {runs} runs failed"
MEDIAN_HOVER = "{}: median {}"
RUN_HOVER = "{dag}: {state}, {seconds}, started {began:%m-%d %H:%M:%S} UTC"
STARTED = "{} triggered. Airflow starts it within seconds."
START_NOTE = "Triggered on the dashboard by {}"
FAILED_ACTION = "The action failed. {reason}"
START, ARCHIVE_NOW, TRAIN_NOW = "Start", "Start an archive run", "Start a training"
ARCHIVE_RUN, RETRAINING = "Archive run", "Training"
ARCHIVE_MEANS = "Measure the hot tier, and archive its oldest events if it exceeds its limit."
TRAIN_MEANS = (
    "Train a new delay model from the warehouse. It replaces the champion only if its metrics are better. The training "
    "takes several minutes and one core."
)

STEPS = {
    "prepare": "Prepare",
    "duplicates": "Find duplicates",
    "predict": "Predict delays",
    "raw": "Write raw files",
    "staging_flight_events": "Write staging",
    "fact_flight_events": "Write facts",
    "predictions": "Write predictions",
    "hot_tier": "Write hot tier",
    "rejected_flight_events": "Write rejected",
    "dead_letters": "Write dead letters",
    "summary": "Summarize",
}
JOBS_AXIS, STEP_AXIS = "Batch committed (UTC)", "Seconds in steps"
JOBS_SAYS = "The newest batch took {last} for {records} records; median of {batches} batches: {median}."
JOBS_HEADLINE = "Newest batch: {last}, median {median}"
LONGEST_STEP = "Longest step: '{step}', {seconds} on average."
JOB_HOVER = "{step}: {seconds:.1f} s<br>batch {batch}, {records} records, {duration} in total"

WAITING, WAITING_NOTE = "Lag", "of {} records"
WAITING_HELP = (
    "Records of the topic {topic} that no batch has consumed yet. Kafka retains {kept} records in {partitions} "
    "partitions."
)
LONGEST, LONGEST_NOTE = "Maximum lag", "partition {}"

LAG_SAYS = "Lag: records that no batch has consumed yet. No value: no batch has consumed from this partition."
DEAD_LETTERS_SAY = (
    "{records} reasons of rejected records, {reasons} distinct. The topic {topic} has each rejected record with its "
    "reasons as headers; the view 'Rejected records' of Data Quality & Metadata has samples."
)
NOTHING_REJECTED = "No record was rejected: the dead-letter topic has none."

NO_ARCHIVES = "No archive yet. Events are archived when the hot tier exceeds its limit."
NO_AUDIT = "The audit log is empty: no archive yet."
ARCHIVE_STEPS = {
    "planned": "Plan",
    "exported": "Export",
    "verified": "Verify",
    "published": "Publish",
    "purged": "Grace time and purge",
    "done": "Record",
    "failed": "Failed",
    "merged": "Merged",
    "expired": "Expired",
}
ARCHIVE_STATES = {
    "planned": "planned",
    "exported": "exported",
    "verified": "verified",
    "published": "published",
    "purged": "purged",
    "done": "done",
    "failed": "failed",
    "merged": "merged by compaction",
    "expired": "expired",
}
TIMELINE_AXIS = "Seconds since planned"
TIMELINE_HEADLINE = "Newest archive: {state}, {size}"
TIMELINE_SAYS = (
    "The newest {archives} archives: {states}. The published ones contain {events} events, {size} on HDFS. The newest "
    "was planned on {planned:%Y-%m-%d at %H:%M} UTC; its steps took {took}."
)
ARCHIVE_HOVER = "{archive}: {step}, {seconds}<br>until {until:%Y-%m-%d %H:%M:%S} UTC<br>{events} events, {size}"

STORAGE_PARTS = {
    "documents": "Documents (MongoDB)",
    "indexes": "Indexes (MongoDB)",
    "archive": "Archives",
    "checkpoints": "Checkpoints",
    "metadata": "Metadata",
    "models": "Models",
    "raw": "Raw batches",
    "reference": "Reference data",
    "tmp": "Temporary files",
    "warehouse": "Tables",
}
HOT_TIER, COLD_TIER = "Hot tier (MongoDB)", "HDFS"
SIZE_AXIS = "Size (MB)"
HOT_SAYS = "The hot tier has {hot}, {share} of its limit of {limit}."
HOT_HEADLINE = "Hot tier at {share} of its limit"
COLD_SAYS = "HDFS has {cold}; the largest part is {largest}."
HOT_NOT_KNOWN = "The size of the hot tier is unknown: MongoDB does not answer."
COLD_NOT_KNOWN = "The size of HDFS is unknown: the NameNode does not answer."

CPU, CPU_NOTE, CPU_HELP = "CPU", "{} cores", "Mean of the last minute. Load average (1 min): {}."
MEMORY, DISK, USED_OF, USED_HELP = "Memory", "Disk", "of {}", "{used} of {total} in use."
DISK_HELP = "File system of SKYTIER_HOME: "
LOGS, LOGS_NOTE = "Logs", "retention {} days"
LOGS_HELP = (
    "Size of the logs of servers and Airflow tasks and of Airflow's metadata after the last cleanup, on "
    "{:%Y-%m-%d at %H:%M} UTC. The maintenance DAG deletes older ones hourly (SKYTIER_MAINTENANCE_LOG_DAYS)."
)
LOGS_NOT_CLEANED = "Unknown before the first cleanup: by the hourly maintenance DAG or 'skytier stack clean'."
HIT_RATIO, HIT_NOTE = "Hit ratio", "of {} results"
HIT_HELP = (
    "Share of results that came from the cache, fresh or stale, since Redis started. Queries while Redis is down are "
    "not counted."
)
CACHE_DOWN = "Redis does not answer: queries run without the cache, which makes pages slower."
STALE_RATIO, STALE_HELP = "Stale", "Share of results that were returned after their time to live, while the query ran."
