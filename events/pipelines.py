"""The pipelines of this warehouse: where the events of each kind come from and lie."""

from __future__ import annotations

from events.flight import CONTRACT
from skytier.pipeline.spec import Pipeline, Tables
from skytier.settings.kafka import KafkaSettings
from skytier.settings.mongodb import MongoSettings


def flights() -> Pipeline:
    """The events of flights: scheduled, departed, arrived, cancelled, diverted."""
    kafka = KafkaSettings()
    return Pipeline(
        name="flights",
        job="process_flight_events",
        contract=CONTRACT,
        topic=kafka.topic,
        dead_letter_topic=kafka.dead_letter_topic,
        collection=MongoSettings().collection,
        hot_indexes=(("event_time", -1), ("flight_id", 1), ("ingestion_timestamp", 1)),
        tables=Tables(
            events=("staging_flight_events", "fact_flight_events"),
            derived=("predictions",),
            rejected="rejected_flight_events",
            batches="batch_metadata",
        ),
        view="tiers.flight_events",
        raw_folder="/raw/flight_events",
        metadata_folder="/metadata",
        checkpoint_folder="/checkpoints/process_flight_events",
    )


def all_pipelines() -> tuple[Pipeline, ...]:
    """Every pipeline, for what looks after all of them: indexes, reconciliation, maintenance."""
    return (flights(),)
