"""What a batch took from Kafka, counted in one pass over it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from skytier.kafka_log import Record

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class BatchStats:
    """What a batch took from Kafka. Times are UTC, and None where it took nothing."""

    consumed: int
    valid: int
    rejected: int
    first_offsets: dict[int, int]
    last_records: dict[int, Record]
    ingestion_time_min: datetime | None
    ingestion_time_max: datetime | None
    lookup_values: tuple[Any, ...]
    """of valid events, those of the column that tells where a stored event of the same id may be"""

    def processing_date(self, planned_at: datetime) -> date:
        """The partition of the batch: from its data, so that a batch repeated after midnight keeps it."""
        return (self.ingestion_time_max or planned_at).date()


def count(prepared: DataFrame, lookup_column: str | None) -> BatchStats:
    """Read the batch once and say what is in it."""
    is_valid = F.size("reasons") == 0
    lookup = F.col(lookup_column) if lookup_column else F.lit(None)
    rows = (
        prepared.groupBy("kafka_partition")
        .agg(
            F.count("*").alias("consumed"),
            F.count_if(is_valid).alias("valid"),
            F.min("kafka_offset").alias("first"),
            F.max("kafka_offset").alias("last"),
            F.unix_millis(F.max_by("kafka_timestamp", "kafka_offset")).alias("last_timestamp"),
            F.min("ingestion_timestamp").alias("ingestion_min"),
            F.max("ingestion_timestamp").alias("ingestion_max"),
            F.collect_set(F.when(is_valid, lookup)).alias("lookup_values"),
        )
        .collect()
    )
    consumed, valid = sum(r.consumed for r in rows), sum(r.valid for r in rows)
    return BatchStats(
        consumed=consumed,
        valid=valid,
        rejected=consumed - valid,
        first_offsets={r.kafka_partition: r.first for r in rows},
        last_records={r.kafka_partition: Record(offset=r.last, timestamp_ms=r.last_timestamp) for r in rows},
        ingestion_time_min=_utc(min((r.ingestion_min for r in rows), default=None)),
        ingestion_time_max=_utc(max((r.ingestion_max for r in rows), default=None)),
        lookup_values=tuple({value for r in rows for value in r.lookup_values}),
    )


def _utc(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if moment else None
