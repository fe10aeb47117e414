"""Operations & Monitoring."""

from __future__ import annotations

from dashboard.panels import model_terms

NOW, WORK, DATA = VIEWS = "Now", "Jobs", "Storage and archives"
SCORE, SERVERS, ALERTS = "Health", "Servers", "Alerts"
RUNS, DURATIONS = "Airflow: DAGs", "Airflow: how long the runs took"
JOBS, LAG = "Spark: the newest batches", "Kafka: records that wait"
TIMELINE, AUDIT = "Archives: steps over time", "Archives: who did what"
STORAGE, TABLES = "Storage by tier", "Cold tables on HDFS"
MACHINE, CACHE = "This machine", "Cache"

HEALTH_SCORE = "Score, of 100"
SCORE_NOTES = ((99.5, "all is well"), (75, "not all is well"), (0, "broken"))
SCORE_HELP = """The sum of five parts.

- Servers, 50: the share of servers that are well, each by its weight (Kafka, MongoDB, both HDFS servers, scheduler 3;
  metastore, SQL endpoint, PostgreSQL, Airflow API 2; DAG processor, Redis 1). A slow one counts half.
- Minute runs, 20: nothing waits in Kafka, or the newest batch is at most 3 min old; 10 up to 15 min; else 0.
- DAGs, 10: the share whose newest ended run succeeded.
- Hot tier, 10: up to its limit; falling to 0 at 120% of it.
- Alerts, 10: less 5 for each open critical alert and 1 for each open warning.

A part whose servers do not answer gives no points."""
PART_TITLES = {
    "servers": "Servers up",
    "minute runs": "Since last batch",
    "dags": "DAGs well",
    "hot tier": "Hot tier",
    "alerts": "Open alerts",
}
OF, POINTS = "{} of {}", "{} of {} points"
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
ASKED = {
    "kafka": "topics and their leaders",
    "mongodb": "is it primary; one event",
    "namenode": "can files be written",
    "datanode": "state of its disks",
    "metastore": "is it alive",
    "sql": "SELECT 1 in a new session",
    "redis": "ping",
    "postgres": "SELECT 1 in a new session",
    "airflow-api": "health, with its database",
    "airflow-scheduler": "its heartbeat, of the API",
    "airflow-dags": "its heartbeat, of the API",
}
STATES = {"ok": "● Well", "slow": "◐ Slow", "down": "✕ Down", "unknown": "? Not known"}

NO_ALERTS = "No alert has ever been raised."
SEVERITIES = {"critical": "▲ Critical", "warning": "△ Warning"}
RESOLVED = "✓ Resolved"
KINDS = {
    "archive": "Archive",
    "model": "Delay model",
    "drift": "Drift",
    "reconciliation": "Reconciliation",
    "server": "Server",
    "dag": "Airflow run",
    "lag": "Kafka lag",
    "quality": "Data quality",
    "kafka": "Kafka's log",
    "quarantine": "Quarantine",
}
ALERT_SUBJECTS = {
    "batches": "Row counts of batches",
    "stored twice": "Events stored twice",
    "records": "Records that wait",
    "minute job": "No new batch",
    "mean score": "Mean quality score",
    "rejected records": "Rejected records",
}
ALERT_OF_DRIFT = "{feature}, predicted {stage}"
OPEN = "nobody yet"
ACKNOWLEDGE_LABEL, ACKNOWLEDGE_HINT = "Open alerts that you have seen", "choose alerts"
ACKNOWLEDGE, ACKNOWLEDGED = "Acknowledge", "Acknowledged: {}."
ALERT = "{severity}: {subject} ({kind}, {when:%m-%d %H:%M} UTC)"

DAG_NAMES = {
    "flight_processing_dag": "Minute run",
    "mongodb_archiving_dag": "Archiving",
    "warehouse_maintenance_dag": "Maintenance",
    "delay_model_training_dag": "Model training",
    "delay_model_drift_dag": "Model drift",
    "alerts_dag": "Alerts",
}
RUN_STATES = {"success": "● Success", "failed": "✕ Failed", "running": "▶ Running", "queued": "… Queued"}
PAUSED, NEVER_RUN = "‖ Paused", "- No run yet"
RUNS_SUCCESSFUL = "{} of {}"
DURATION_AXIS, RUNS_AGO, NO_RUN_ENDED = "Duration (s)", "Runs ago (0: the newest)", "No run has ended yet."
DURATIONS_SAYS = (
    "{runs} runs that ended, {failed} of them failed. Half of the minute runs took less than {median}; the longest of "
    "all runs took {longest} ({dag})."
)
RUN_HOVER = "{dag}: {state}, {seconds}, began {began:%m-%d %H:%M:%S} UTC"
STARTED = "{} started: Airflow takes it up within seconds."
START_NOTE = "Started on the dashboard: {}"
FAILED_ACTION = "This was not done. {reason}"
START, ARCHIVE_NOW, TRAIN_NOW = "Start", "Start an archive run", "Start a retraining"
ARCHIVE_RUN, RETRAINING = "Archive run", "Retraining"
ARCHIVE_MEANS = "Measures the hot tier now, and archives its oldest events if it is over its limit."
TRAIN_MEANS = (
    "Trains a new delay model from the warehouse. It replaces the champion only if it is better. This takes minutes, "
    "and a core of the machine."
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
    "rejected_flight_events": "Write rejects",
    "dead_letters": "Write dead letters",
    "summary": "Sum up",
}
JOBS_AXIS, STEP_AXIS = "Batch committed (UTC)", "Seconds in steps"
JOBS_SAYS = "The newest batch took {last} for {records} records; half of {batches} batches took less than {median}."
LONGEST_STEP = "The longest step is '{step}', {seconds} on average."
JOB_HOVER = "{step}: {seconds:.1f} s<br>batch {batch}, {records} records, {duration} in all"

WAITING, WAITING_NOTE = "Waiting", "of {} records"
WAITING_HELP = (
    "Records of the topic {topic} that no batch has taken yet. Kafka keeps {kept} records in {partitions} partitions."
)
LONGEST, LONGEST_NOTE = "Most in one", "partition {}"

NO_ARCHIVES = "No archive yet: the hot tier has not been over its limit."
NO_AUDIT = "Nothing has been done with archives yet."
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
    "merged": "merged into another",
    "expired": "expired",
}
TIMELINE_AXIS = "Seconds since it was planned"
TIMELINE_SAYS = (
    "The newest archives, {archives}: {states}. Those that are published hold {events} events, {size} on HDFS. The "
    "newest was planned on {planned:%Y-%m-%d at %H:%M} UTC; its steps took {took}."
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
HOT_TIER, COLD_TIER = "Hot tier", "Cold tier (HDFS)"
SIZE_AXIS, KILOBYTES = "Size (MB)", "{} kB"
HOT_SAYS = "The hot tier holds {hot}, {share} of its limit of {limit}."
COLD_SAYS = "HDFS holds {cold}, most of it as {largest}."
HOT_NOT_KNOWN = "The size of the hot tier is not known now."
COLD_NOT_KNOWN = "The size of HDFS is not known now."

CPU, CPU_NOTE, CPU_HELP = "CPU", "{} cores", "Mean of the last minute, as is the load: {} processes want to run."
MEMORY, DISK, USED_OF, USED_HELP = "Memory", "Disk", "of {}", "{used} of {whole} are used."
DISK_HELP = "Of the file system that holds SKYTIER_HOME: "
LOGS, LOGS_NOTE = "Logs", "kept {} days"
LOGS_HELP = (
    "Logs of servers and of Airflow's tasks, and Airflow's records of its runs, as the last cleaning left them, on "
    "{:%Y-%m-%d at %H:%M} UTC. Maintenance deletes what is older every hour (SKYTIER_MAINTENANCE_LOG_DAYS)."
)
LOGS_NOT_CLEANED = "Not known before the first cleaning: maintenance does it every hour, or 'skytier stack clean'."
HIT_RATIO, HIT_NOTE = "Hit ratio", "of {} answers"
HIT_HELP = (
    "Answers that came from the cache, fresh or stale, since Redis started. What is asked while Redis is down is not "
    "counted."
)
CACHE_DOWN = "Redis does not answer: every query is asked anew, so that pages are slower."
STALE_RATIO, STALE_HELP = "Stale", "Answers whose time was over, given out while they were asked anew."

_NAMES = {"server": SERVER_NAMES, "dag": DAG_NAMES} | dict.fromkeys(
    ("reconciliation", "lag", "quality"), ALERT_SUBJECTS
)


def subject(kind: str, name: str) -> str:
    """What an alert is about: one of drift names a stage and a feature, others a server or a DAG."""
    if kind in _NAMES:
        return _NAMES[kind].get(name, name)
    stage, _, feature = name.partition(":")
    if kind != "drift" or stage not in model_terms.STAGE_NAMES:
        return name
    return ALERT_OF_DRIFT.format(feature=model_terms.feature_name(feature), stage=model_terms.STAGE_NAMES[stage])
