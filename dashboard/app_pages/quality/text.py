"""The texts of Data Quality & Metadata."""

from __future__ import annotations

from typing import NamedTuple

from dashboard.panels.states import State

QUALITY, REJECTIONS, BATCHES_AND_STORES, CONTRACT = VIEWS = (
    "Quality",
    "Rejected records",
    "Batches and stores",
    "Lineage and contract",
)
STORED, RECORDS = "Stored events", "Consumed records"
SCOPE = (
    "The filters apply to the quality, flags and missing values of stored events. Consumed records, batches, stores "
    "and the contract are shown without filters."
)

MEAN_QUALITY, WITHOUT_FLAGS = "Mean quality", "Without flags"
MEAN_QUALITY_HELP = (
    "The quality score of an event is 1 minus the weights of its quality flags, at least 0. This is the mean."
)
OF_EVENTS = "of {} events"
EVENTS_NOTE = "{} events"
CONSUMED, DUPLICATES, REJECTED = "Consumed", "Duplicates", "Rejected"
CONSUMED_NOTE = "{} stored"
SHARE_NOTE = "{} of the records"
CONSUMED_HELP = (
    "Records that the minute job consumed from Kafka in {} batches. Each record is stored, a duplicate, or rejected."
)
DUPLICATES_HELP = "Records of an event that is already stored. Duplicates are counted and not stored."
REJECTED_HELP = "Records that are not valid events: stored with their reasons, and sent to the dead-letter topic."

SCORES = "Quality over time"
SCORE_AXIS, FLAGGED_AXIS, DAY_AXIS = "Mean quality (0 to 1)", "Flagged (%)", "Flight date (local at the origin)"
SCORE_NAME, FLAGGED_NAME = "Mean quality", "Events with a flag"
SCORES_SAYS = (
    "Flight dates: {days}. Mean quality: {mean}; minimum {low} on {day}. {flagged} of the events have a quality flag."
)
SCORES_HEADLINE = "Mean quality {mean}; lowest on {day}: {low}"
FLAGGED = "Quality flags"
FLAGS_SAYS = (
    "The most frequent flag is '{flag}', on {share} of {events} events. An event can have several flags; its score is "
    "1 minus their weights."
)
NO_FLAGS = "None of the {events} events has a flag."


class Flag(NamedTuple):
    """The description of a quality flag, and its weight in the score."""

    meaning: str
    weight: float


# The same as in spark_jobs/flights/quality.py; a test compares them.
FLAGS = {
    "tail_number_missing": Flag("Aircraft registration missing", 0.10),
    "aircraft_unknown": Flag("Aircraft not in dim_aircraft", 0.05),
    "weather_missing": Flag("Weather missing", 0.20),
    "weather_incomplete": Flag("Weather value other than gusts missing", 0.05),
    "weather_implausible": Flag("Impossible weather value dropped", 0.10),
    "speed_implausible": Flag("Slower than 40 or faster than 700 mph", 0.30),
    "departure_delay_disagrees": Flag("Departure delay contradicts the times", 0.20),
    "arrival_delay_disagrees": Flag("Arrival delay contradicts the times", 0.20),
    "delay_extreme": Flag("Delayed by more than twelve hours", 0.10),
}

MISSING, ALL_EVENTS, MISSING_BAR = "Missing values by field and event type", "All", "Missing<br>(%)"
MISSING_SAYS = (
    "Of the optional fields, {field} is missing most often, in {share} of {events} events. Times and delays are "
    "missing until they are known; passengers and prices come from the synthetic source only, gusts only when there "
    "are any. Blank: events of this type never have the field. The {required} required fields are never missing: a "
    "record without one is rejected."
)
MISSING_HEADLINE = "{field} is missing most often: {share} of events"
MISSING_HOVER = "%{y}, %{x}: %{text} missing<extra></extra>"

REASONS_TITLE, RECORDS_AXIS = "Rejected records by reason", "Records"
RECORDS_HOVER = "%{y}: %{x:,} records<extra></extra>"
REASONS_SAYS = (
    "{records} reasons were recorded, {reasons} distinct; the most frequent is '{most}', in {number} records."
)
REASONS_REST = " The chart shows the {shown} most frequent reasons, the CSV all."
NOTHING_REJECTED = "No record was rejected."
REASONS_HEADLINE = "{most} leads: {number} records"
SAMPLES, REASON, ANY_REASON = "Newest rejected records", "Reason", "any reason"

BATCHES, BATCH_METADATA = "Reconciliation by batch", "Batch metadata"
NUMBER, LOGARITHMIC = "Batches", "Logarithmic scale"
NUMBERS = (60, 240, 1000)
LOGARITHMIC_HELP = "Each tick is a power of ten. On a linear scale the first batch of a replay hides all others."
BATCH_HOVER = "%{x} UTC: %{y:,} records"  # and the name of the count
BATCH_AXIS = "Batch, by commit time (UTC)"
COUNTS = {"consumed": "Consumed", "stored": "Stored", "duplicates": "Duplicates", "rejected": "Rejected"}
BATCHES_SAYS = (
    "The newest {batches} batches consumed {consumed} records: {stored} stored, {duplicates} duplicates, {rejected} "
    "rejected. {reconciliation}"
)
RECONCILED = "Row counts match in every batch."
COUNTS_MATCH = {True: State.GOOD.called("match"), False: State.BAD.called("differ")}
NOT_RECONCILED = "Row counts do NOT match in {} of them: run 'skytier reconcile' for details."
NO_BATCHES = "No batch yet. Airflow runs the minute job every minute."

STORES, STORE = "Freshness by store", "Store"
NEVER = "never"


class Store(NamedTuple):
    """A store: its name, its kind, and when it is written."""

    name: str
    kind: str
    written: str


_EACH_BATCH = "by each batch"
_AT_MIGRATION = "by migrations"
_BY_ARCHIVING = "by archive runs"
STORE_KINDS = {
    "kafka": Store("flight_events", "Kafka topic", "by the sources"),
    "raw": Store("/raw/flight_events", "Parquet on HDFS", _EACH_BATCH),
    "staging_flight_events": Store("staging_flight_events", "Iceberg table", _EACH_BATCH),
    "fact_flight_events": Store("fact_flight_events", "Iceberg table", _EACH_BATCH),
    "predictions": Store("predictions", "Iceberg table", _EACH_BATCH),
    "rejected_flight_events": Store("rejected_flight_events", "Iceberg table", "when a record is rejected"),
    "hot": Store("flight_events", "MongoDB collection", _EACH_BATCH),
    "batch_metadata": Store("batch_metadata", "Iceberg table", _EACH_BATCH),
    "archived_flight_events": Store("archived_flight_events", "Parquet table", _BY_ARCHIVING),
    "archive_metadata": Store("archive_metadata", "Iceberg table", _BY_ARCHIVING),
    "archive_state": Store("archive_state", "Iceberg table", _BY_ARCHIVING),
    "archive_audit": Store("archive_audit", "Iceberg table", "by every action on an archive"),
    "model_versions": Store("model_versions", "Iceberg table", "by each training"),
    "model_drift": Store("model_drift", "Iceberg table", "daily, by the drift DAG"),
    "dim_airline": Store("dim_airline", "Iceberg table", _AT_MIGRATION),
    "dim_airport": Store("dim_airport", "Iceberg table", _AT_MIGRATION),
    "dim_aircraft": Store("dim_aircraft", "Iceberg table", _AT_MIGRATION),
    "schema_metadata": Store("schema_metadata", "Iceberg table", _AT_MIGRATION),
    "schema_migrations": Store("schema_migrations", "Iceberg table", _AT_MIGRATION),
}
ARCHIVES = "Archives"
NO_ARCHIVES = "No archive yet. Events are archived when the hot tier exceeds its limit."

LINEAGE = "Data lineage"

FIELDS, VERSIONS = "Event contract", "Schema versions"
STATES = {
    "planned": State.ACTIVE.called("planned"),
    "exported": State.ACTIVE.called("exported"),
    "verified": State.ACTIVE.called("verified"),
    "published": State.ACTIVE.called("published"),
    "purged": State.ACTIVE.called("purged from the hot tier"),
    "done": State.GOOD.called("done"),
    "failed": State.BAD.called("failed, nothing was deleted"),
    "merged": State.UNKNOWN.called("merged by compaction"),
    "expired": State.UNKNOWN.called("deleted by retention"),
}
VISIBLE = {
    "published": "read here, still in the hot tier",
    "purged": "read here",
    "restored": "partly restored to the hot tier",
    "merged": "read in another archive",
    "expired": "deleted",
    "abandoned": "read in the hot tier",
}
