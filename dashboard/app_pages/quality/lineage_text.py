"""The texts of the data lineage."""

from __future__ import annotations

from typing import NamedTuple


class Node(NamedTuple):
    """A node of the lineage: its texts, and its description."""

    name: str
    kind: str
    unit: str
    meaning: str


NODES = {
    "topic": Node("flight_events", "Kafka topic", "records consumed", "Records that the sources publish."),
    "minute_job": Node(
        "Minute job",
        "Spark, by Airflow",
        "batches",
        "Parses, cleans, validates, enriches, scores quality, deduplicates, predicts delays.",
    ),
    "raw": Node(
        "/raw/flight_events", "HDFS, Parquet", "records", "Every record unchanged: a batch can be replayed from here."
    ),
    "staging_flight_events": Node(
        "staging_flight_events", "Iceberg table", "events", "Valid events with the columns of the contract."
    ),
    "fact_flight_events": Node(
        "fact_flight_events", "Iceberg table", "events", "Valid events, flattened and enriched."
    ),
    "predictions": Node("predictions", "Iceberg table", "predictions", "The predicted delay of each event."),
    "hot": Node("flight_events", "MongoDB, hot tier", "events", "Events of the last days, one document per event."),
    "rejected_flight_events": Node(
        "rejected_flight_events", "Iceberg table", "records", "Records that are not valid events, with all reasons."
    ),
    "dead_letters": Node(
        "flight_events_rejected", "Kafka topic", "records sent", "Dead-letter topic: rejected records, to be corrected."
    ),
    "duplicates": Node(
        "Duplicates", "not stored", "records", "Records of an event that is already stored: counted only."
    ),
    "batch_metadata": Node(
        "batch_metadata", "Iceberg table", "batches", "Row counts and metadata of each batch; written last."
    ),
    "archived_flight_events": Node(
        "archived_flight_events", "Parquet on HDFS", "events", "Copies of the events that left the hot tier."
    ),
    "view": Node("tiers.flight_events", "SQL view", "each event once", "Union of hot tier and archive, for SQL."),
}
LINEAGE_SAYS = (
    "The minute job consumed {consumed} records of the Kafka topic: {stored} are in the staging and fact tables, {hot} "
    "of them also in the hot tier and {archived} in archives; {duplicates} were duplicates; {rejected} were rejected "
    "and are in a table and the dead-letter topic. SQL reads hot tier and archives as one view."
)
