"""Data Quality & Metadata."""

from __future__ import annotations

from typing import NamedTuple

from dashboard.panels.text import column

GOOD, TURNED_AWAY, RUNS, CONTRACT = VIEWS = "Quality", "Turned away", "Runs and stores", "Lineage and contract"
STORED, RECORDS = "Events stored", "Records taken in"
SCOPE = (
    "The filters hold for the quality, flags and missing values of the stored events. Records, runs, stores and the "
    "contract are always shown whole."
)

MEAN_QUALITY, WITHOUT_DOUBT = "Mean quality", "Without a doubt"
MEAN_QUALITY_HELP = (
    "The score of an event is 1 minus the costs of its quality flags, never below 0; this is the mean of all."
)
OF_EVENTS = "of {} events"
EVENTS_NOTE = "{} events"
CONSUMED, DUPLICATES, REJECTED = "Taken in", "Duplicates", "Rejected"
CONSUMED_NOTE = "{} stored"
SHARE_NOTE = "{} of the records"
CONSUMED_HELP = (
    "Records that the minute job took from Kafka, in {} runs. Each is stored, a duplicate or rejected: nothing is lost."
)
DUPLICATES_HELP = "Records that repeat an event that is stored already; they are stored nowhere twice."
REJECTED_HELP = "Records that are no valid events: kept with their reasons, and sent to the dead-letter topic."

SCORES = "Quality over time"
SCORE_AXIS, FLAGGED_AXIS, DAY_AXIS = "Mean quality (0 to 1)", "Flagged (%)", "Flight date (local at the origin)"
SCORE_NAME, FLAGGED_NAME = "Mean quality", "Events with a flag"
SCORES_SAYS = (
    "The mean quality of {days} days of flights is {mean}; the lowest is {low}, on {day}. "
    "{flagged} of the events have a quality flag."
)
FLAGGED = "Quality flags"
FLAGS_SAYS = (
    "The most frequent flag is '{flag}', on {share} of {events} events. An event may have several; its score is 1 "
    "minus their costs."
)
NO_FLAGS = "None of the {events} events has a flag."


class Flag(NamedTuple):
    """A quality flag in words, and what it takes from the score."""

    meaning: str
    cost: float


# As spark_jobs/transforms/quality.py raises them; a test holds the two together.
FLAGS = {
    "tail_number_missing": Flag("No registration of the aircraft", 0.10),
    "aircraft_unknown": Flag("Aircraft not in the register", 0.05),
    "weather_missing": Flag("No weather at all", 0.20),
    "weather_incomplete": Flag("Weather value other than gusts absent", 0.05),
    "weather_implausible": Flag("Impossible weather value dropped", 0.10),
    "speed_implausible": Flag("Slower than 40 or faster than 700 mph", 0.30),
    "departure_delay_disagrees": Flag("Departure delay does not fit its times", 0.20),
    "arrival_delay_disagrees": Flag("Arrival delay does not fit its times", 0.20),
    "delay_extreme": Flag("Delayed by more than twelve hours", 0.10),
}

MISSING, ALL_EVENTS, MISSING_BAR = "Missing values by field and event", "All", "Missing<br>(%)"
MISSING_SAYS = (
    "Of the fields that an event may lack, {field} is missing most, in {share} of {events} events. What has not "
    "happened yet has no time or delay; passengers and prices come from the synthetic source only, gusts only when "
    "there are any. The {required} required fields are never missing: a record without one is rejected."
)
MISSING_HOVER = "%{y}, %{x}: %{z:.1f}% missing<extra></extra>"

REASONS_TITLE, RECORDS_AXIS = "Rejected records by reason", "Records"
# By what stands before the colon of a reason; what stands after it is the field. A test holds them together with
# spark_jobs/transforms/validate.py.
REASONS = {
    "malformed_json": "Not exactly one JSON object",
    "unprocessable": "A step failed at it",
    "missing": "Missing: {}",
    "wrong_type": "Wrong type: {}",
    "too_long": "Too long: {}",
    "wrong_format": "Wrong format: {}",
    "out_of_range": "Out of range: {}",
    "unsupported_schema_version": "Newer version of the contract",
    "unknown_event_type": "Unknown event type",
    "unknown_airline": "Unknown airline",
    "unknown_origin": "Unknown origin",
    "unknown_destination": "Unknown destination",
    "origin_is_destination": "Origin is the destination",
    "flight_id_mismatch": "Flight identity does not fit its parts",
    "event_id_mismatch": "Event identity does not fit flight and type",
    "scheduled_times_out_of_order": "Scheduled to arrive before departing",
    "actual_times_out_of_order": "Arrived before departing",
    "event_in_the_future": "Later than its arrival in Kafka",
}
REASONS_SAYS = "{records} findings, {reasons} kinds; the most frequent is '{most}', in {number} records."
REASONS_REST = " The chart shows the {shown} most frequent, the file all."
NOTHING_REJECTED = "No record was rejected."
SAMPLES, REASON, ANY_REASON = "Newest rejected records", "Reason", "any reason"


_FIELDS = {
    "event_type": "Event type",
    "flight_id": "Flight identity",
    "schema_version": "Version of the contract",
    "weather": "Weather",
}


def field(name: str) -> str:
    """A field of the event in words, without its unit."""
    return _FIELDS.get(name) or column(name.replace(".", "_")).partition(" (")[0]


def reason(code: str) -> str:
    """A reason to reject a record, in words."""
    kind, _, name = code.partition(":")
    return REASONS.get(kind, kind).format(field(name))


BATCHES, BATCH_METADATA = "Records by run", "Books of the runs"
NUMBER, LOGARITHMIC = "Runs", "Logarithmic"
NUMBERS = (60, 240, 1000)
LOGARITHMIC_HELP = "Each step up is ten times as many: the first run of a replay dwarfs all others otherwise."
RUN_AXIS = "Run, by its commit (UTC)"
COUNTS = {"consumed": "Taken in", "stored": "Stored", "duplicates": "Duplicates", "rejected": "Rejected"}
BATCHES_SAYS = (
    "The last {runs} runs took in {consumed} records: {stored} stored, {duplicates} duplicates, {rejected} rejected. "
    "{balance}"
)
BALANCED = "The books of every run balance."
UNBALANCED = "The books of {} of them do NOT balance: 'skytier books check' says more."
NO_BATCHES = "No run had records yet: Airflow starts one every minute."

STORES, STORE = "Freshness of every store", "Store"
NEVER = "never"


class Store(NamedTuple):
    """A store: what it is called, what it is, and when it is written."""

    name: str
    kind: str
    written: str


_EACH_RUN = "by each run with records"
_AT_MIGRATION = "by migrations"
_BY_ARCHIVING = "when events are archived"
STORE_KINDS = {
    "topic": Store("flight_events", "Kafka topic", "by the sources"),
    "raw": Store("/raw/flight_events", "Parquet on HDFS", _EACH_RUN),
    "staging_flight_events": Store("staging_flight_events", "Iceberg table", _EACH_RUN),
    "fact_flight_events": Store("fact_flight_events", "Iceberg table", _EACH_RUN),
    "predictions": Store("predictions", "Iceberg table", _EACH_RUN),
    "rejected_flight_events": Store("rejected_flight_events", "Iceberg table", "when a record is rejected"),
    "hot": Store("flight_events", "MongoDB collection", _EACH_RUN),
    "batch_metadata": Store("batch_metadata", "Iceberg table", _EACH_RUN),
    "archived_flight_events": Store("archived_flight_events", "Parquet table", _BY_ARCHIVING),
    "archive_metadata": Store("archive_metadata", "Iceberg table", _BY_ARCHIVING),
    "archive_state": Store("archive_state", "Iceberg table", _BY_ARCHIVING),
    "archive_audit": Store("archive_audit", "Iceberg table", "when archives are worked on"),
    "model_versions": Store("model_versions", "Iceberg table", "when a model is trained"),
    "model_drift": Store("model_drift", "Iceberg table", "each day, with the drift"),
    "dim_airline": Store("dim_airline", "Iceberg table", _AT_MIGRATION),
    "dim_airport": Store("dim_airport", "Iceberg table", _AT_MIGRATION),
    "dim_aircraft": Store("dim_aircraft", "Iceberg table", _AT_MIGRATION),
    "schema_metadata": Store("schema_metadata", "Iceberg table", _AT_MIGRATION),
    "schema_migrations": Store("schema_migrations", "Iceberg table", _AT_MIGRATION),
}
ARCHIVES = "Archives"
NO_ARCHIVES = "There is no archive yet: events move to one when the hot tier grows over its limit."

LINEAGE = "From topic to table"


class Node(NamedTuple):
    """A box of the lineage: what stands in it, and what it does."""

    name: str
    kind: str
    unit: str
    meaning: str


NODES = {
    "topic": Node("flight_events", "Kafka topic", "records taken in", "What the sources publish, kept by Kafka."),
    "runs": Node(
        "Minute job",
        "Spark, by Airflow",
        "runs with records",
        "Parses, cleans, validates, joins reference data, scores quality, finds duplicates, predicts delays.",
    ),
    "raw": Node("/raw/flight_events", "HDFS, Parquet", "records", "Every record as it came: a batch can be replayed."),
    "staging_flight_events": Node(
        "staging_flight_events", "Iceberg table", "events", "Valid events, as the contract has them."
    ),
    "fact_flight_events": Node("fact_flight_events", "Iceberg table", "events", "Valid events, enriched and flat."),
    "predictions": Node("predictions", "Iceberg table", "predictions", "The delay predicted on each event."),
    "hot": Node("flight_events", "MongoDB, hot tier", "events", "The events of the last days, one document each."),
    "rejected_flight_events": Node(
        "rejected_flight_events", "Iceberg table", "records", "What is no valid event, with every reason."
    ),
    "dead_letters": Node(
        "flight_events_rejected", "Kafka topic", "records sent", "The dead letters: rejected records, to be mended."
    ),
    "duplicates": Node("left out", "duplicates", "records", "Records that repeat a stored event: counted only."),
    "batch_metadata": Node("batch_metadata", "Iceberg table", "runs", "The books of each run; written last."),
    "archived_flight_events": Node(
        "archived_flight_events", "Parquet on HDFS", "events", "What left the hot tier when it grew over its limit."
    ),
    "view": Node("tiers.flight_events", "SQL view", "each event once", "Both tiers as one, read by SQL."),
}
LINEAGE_SAYS = (
    "{consumed} records of the Kafka topic went through the minute job: {stored} are in the staging and fact tables, "
    "{hot} of them in the hot tier and {archived} in archives, {duplicates} were duplicates, and {rejected} were "
    "rejected, which a table and the dead-letter topic hold. SQL sees hot tier and archives as one view."
)

FIELDS, VERSIONS = "Fields of an event", "Versions"
STATES = {
    "planned": "planned",
    "exported": "exported",
    "verified": "verified",
    "published": "published",
    "purged": "purged from the hot tier",
    "done": "done",
    "failed": "failed: nothing was deleted",
    "merged": "merged into another",
    "expired": "deleted after its time",
}
VISIBLE = {
    "published": "in both tiers, counted here",
    "purged": "here only",
    "restored": "some are back in the hot tier",
    "merged": "in another archive",
    "expired": "deleted",
    "abandoned": "in the hot tier only",
}
