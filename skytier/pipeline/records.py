"""Kafka's records under the names that the warehouse gives their columns, and what was set aside among them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

KAFKA_COLUMNS = (
    "kafka_topic",
    "kafka_partition",
    "kafka_offset",
    "kafka_key",
    "kafka_headers",
    "kafka_timestamp",
    "value",
    "ingestion_timestamp",
)
Span = tuple[int, int, int]
"""partition, first offset, offset after the last"""
_STAMPED_BY_BROKER = 1  # Kafka's LogAppendTime


def records(kafka: DataFrame, planned_at: datetime) -> DataFrame:
    """Name the columns of a Kafka source as the warehouse does; key, value and headers stay the exact bytes.

    ``ingestion_timestamp`` is the broker's. Where the topic lets producers set the time it is ``planned_at``, when the
    batch was planned: what a producer says may be any time.
    """
    is_brokers = F.col("timestampType") == _STAMPED_BY_BROKER
    return kafka.select(
        F.col("topic").alias("kafka_topic"),
        F.col("partition").alias("kafka_partition"),
        F.col("offset").alias("kafka_offset"),
        F.col("key").alias("kafka_key"),
        F.col("headers").alias("kafka_headers"),
        F.col("timestamp").alias("kafka_timestamp"),
        "value",
        F.when(is_brokers, F.col("timestamp")).otherwise(F.lit(planned_at)).alias("ingestion_timestamp"),
    )


def within(spans: Sequence[Span]) -> Column:
    """Whether a record lies in one of some spans of offsets."""
    conditions = [
        (F.col("kafka_partition") == partition) & (F.col("kafka_offset") >= first) & (F.col("kafka_offset") < end)
        for partition, first, end in spans
    ]
    return reduce(or_, conditions, F.lit(False))
