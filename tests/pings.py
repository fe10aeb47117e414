"""A second, tiny pipeline, as a sibling of flights: its contract, where its events lie, and its job.

``spark-submit tests/pings.py`` drains its topic.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from pydantic import BaseModel, ConfigDict
from pyspark.sql import functions as F

from local_stack import kafka_users
from skytier import hot_tier, kafka_clients, spark_failures
from skytier.contract import Contract
from skytier.pipeline.batch_metadata import time_text
from skytier.pipeline.record_outputs import PROCESSING
from skytier.pipeline.records import KAFKA_COLUMNS
from skytier.pipeline.spec import Pipeline, Tables, Transforms
from skytier.settings.kafka import KafkaSettings, KafkaUser
from skytier.sql import query
from skytier.times import Moment

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class Ping(BaseModel):
    """That somebody was there."""

    model_config = ConfigDict(extra="ignore")

    event_id: str
    event_time: Moment
    strength: int


PINGS = Pipeline(
    name="pings",
    job="process_pings",
    contract=Contract("ping", 1, Ping),
    topic="pings",
    dead_letter_topic="pings_rejected",
    collection="pings",
    hot_indexes=(("event_time", -1),),
    tables=Tables(
        events=("ping_events",), derived=("ping_strengths",), rejected="ping_rejected", batches="ping_batches"
    ),
    view="flight_dw.ping_events",
    raw_folder="/raw/pings",
    metadata_folder="/metadata/pings",
    checkpoint_folder="/checkpoints/process_pings",
    qualifier="pings",
)


def prepare(_: SparkSession, records: DataFrame) -> DataFrame:
    """The fields of the JSON object; a record without an id is rejected."""
    schema = "event_id string, event_time timestamp, strength int"
    fields = F.from_json(F.col("value").cast("string"), schema)
    read = records.select(*KAFKA_COLUMNS, fields.alias("fields")).select(*KAFKA_COLUMNS, "fields.*")
    is_bad = F.col("event_id").isNull() | F.col("event_time").isNull()
    no_reason = F.array().cast("array<string>")
    return read.withColumn("reasons", F.when(is_bad, F.array(F.lit("malformed"))).otherwise(no_reason))


def events(stored: DataFrame) -> DataFrame:
    """The rows of the staging table."""
    return stored.select("event_id", "event_time", "strength", *PROCESSING)


def strengths(stored: DataFrame) -> DataFrame:
    """The rows of a table that is made of them: strong ones only."""
    return stored.where("strength > 50").select("event_id", "strength", "batch_id", "processing_date")


def hot(stored: DataFrame) -> DataFrame:
    """The documents."""
    return events(stored).withColumns(
        {"_id": F.col("event_id"), "processing_date": F.col("processing_date").cast("string")}
    )


def summarize(stored: DataFrame) -> dict[str, Any]:
    """How many, and their times."""
    row = stored.agg(
        F.count("*").alias("stored"), F.min("event_time").alias("first"), F.max("event_time").alias("last")
    )
    (found,) = row.collect()
    return {
        "stored": found.stored,
        "event_time_min": time_text(found.first),
        "event_time_max": time_text(found.last),
    }


TRANSFORMS = Transforms(
    prepare=prepare, outputs={"ping_events": events, "ping_strengths": strengths}, hot=hot, summarize=summarize
)


def set_up() -> None:
    """Its topics, tables and indexes, on a stack that has the flights' already."""
    kafka = KafkaSettings().model_copy(update={"topic": PINGS.topic, "dead_letter_topic": PINGS.dead_letter_topic})
    admin = AdminClient(kafka_clients.config(KafkaUser.ADMIN))
    kafka_users.ensure(admin, kafka)
    topics = [
        NewTopic(PINGS.topic, 2, 1, config={"message.timestamp.type": "LogAppendTime"}),
        NewTopic(PINGS.dead_letter_topic, 1, 1),
    ]
    for made in admin.create_topics(topics).values():
        made.result()
    event = "event_id string, event_time timestamp, strength int, ingestion_timestamp timestamp, "
    batch = "batch_id bigint, processing_date date"
    columns = {
        "ping_events": f"({event}processing_timestamp timestamp, {batch})",
        "ping_strengths": f"(event_id string, strength int, {batch})",
    }
    for table, of in columns.items():
        query(f"CREATE TABLE flight_dw.{table} {of} USING iceberg PARTITIONED BY (processing_date)")
    like = {"ping_rejected": "rejected_flight_events", "ping_batches": "batch_metadata"}
    for table, known in like.items():
        partition = "PARTITIONED BY (processing_date)"
        query(
            f"CREATE TABLE flight_dw.{table} USING iceberg {partition} AS SELECT * FROM flight_dw.{known} WHERE false"
        )
    with hot_tier.client() as connection:
        hot_tier.ensure_indexes(hot_tier.collection(connection, PINGS.collection), PINGS.hot_indexes)


def publish(numbers: Iterable[int], rubbish: int = 0) -> None:
    """A ping for each number, the same each time, and some records that are none."""
    producer = Producer(kafka_clients.config(KafkaUser.PRODUCER))
    for number in numbers:
        time = f"2013-01-01T00:{number // 60 % 60:02}:{number % 60:02}Z"
        ping = {"event_id": f"ping-{number}", "event_time": time, "strength": number % 100}
        producer.produce(PINGS.topic, json.dumps(ping).encode(), str(number).encode())
    for number in range(rubbish):
        producer.produce(PINGS.topic, f"rubbish {number}".encode())
    assert producer.flush(30) == 0


def main() -> None:
    """Drain the topic of pings."""
    from spark_jobs import runner  # needs Spark's session, which tests that publish have none of

    runner.run(PINGS, TRANSFORMS)


if __name__ == "__main__":
    spark_failures.run(PINGS.job, main)
