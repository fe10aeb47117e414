"""What a batch took from Kafka, counted in one pass over it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class Intake:
    """What a batch took from Kafka. ``offsets`` maps partition to [from, to), ``flight_dates`` are of valid events."""

    consumed: int
    valid: int
    rejected: int
    offsets: dict[int, tuple[int, int]]
    ingestion_time_min: datetime
    ingestion_time_max: datetime
    flight_dates: tuple[date, ...]

    @property
    def processing_date(self) -> date:
        """The partition of the batch: from its data, so that a batch repeated after midnight keeps it."""
        return self.ingestion_time_max.date()


def take_in(prepared: DataFrame) -> Intake | None:
    """Read the batch once and say what is in it; None when it is empty."""
    is_valid = F.size("reasons") == 0
    rows = (
        prepared.groupBy("kafka_partition")
        .agg(
            F.count("*").alias("consumed"),
            F.count_if(is_valid).alias("valid"),
            F.min("kafka_offset").alias("first"),
            F.max("kafka_offset").alias("last"),
            F.min("ingestion_timestamp").alias("ingestion_min"),
            F.max("ingestion_timestamp").alias("ingestion_max"),
            F.collect_set(F.when(is_valid, F.col("flight_date"))).alias("flight_dates"),
        )
        .collect()
    )
    if not rows:
        return None
    consumed, valid = sum(r.consumed for r in rows), sum(r.valid for r in rows)
    return Intake(
        consumed=consumed,
        valid=valid,
        rejected=consumed - valid,
        offsets={r.kafka_partition: (r.first, r.last + 1) for r in rows},
        ingestion_time_min=min(r.ingestion_min for r in rows).astimezone(UTC),
        ingestion_time_max=max(r.ingestion_max for r in rows).astimezone(UTC),
        flight_dates=tuple({day for r in rows for day in r.flight_dates}),
    )
