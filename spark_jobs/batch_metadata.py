"""What a batch says of itself: its row in ``flight_dw.batch_metadata`` and its mark."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from skytier.event import SCHEMA_NAME, SCHEMA_VERSION
from spark_jobs.batch_frames import Batch, Frames

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

_JSON_COLUMNS = ("kafka_offsets", "lost_offsets")


def describe(batch: Batch, frames: Frames) -> dict[str, Any]:
    """Counts and times of what the batch stored and rejected. Times are ISO 8601 in UTC."""
    intake = frames.intake
    by_type = (
        frames.stored.groupBy("event_type")
        .agg(
            F.count("*").alias("events"),
            F.sum("quality_score").alias("quality"),
            F.min("event_time").alias("first"),
            F.max("event_time").alias("last"),
        )
        .collect()
    )
    reasons = []
    if frames.rejected_count:
        reasons = frames.rejected.select(F.explode("reasons").alias("reason")).groupBy("reason").count().collect()
    stored = sum(r.events for r in by_type)
    return {
        "batch_id": batch.batch_id,
        "processing_date": intake.processing_date(batch.planned_at).isoformat(),
        "started_at": batch.started_at.isoformat(),
        "committed_at": datetime.now(UTC).isoformat(),
        "consumed": intake.consumed,
        "stored": stored,
        "duplicates": frames.duplicates,
        "rejected": frames.rejected_count,
        "record_count": stored,
        "rejected_by_reason": {r.reason: r["count"] for r in reasons},
        "events_by_type": {r.event_type: r.events for r in by_type},
        "event_time_min": _text(min((r.first for r in by_type), default=None)),
        "event_time_max": _text(max((r.last for r in by_type), default=None)),
        "ingestion_time_min": _text(intake.ingestion_time_min),
        "ingestion_time_max": _text(intake.ingestion_time_max),
        "mean_quality_score": sum(r.quality for r in by_type) / stored if stored else None,
        "schema_name": SCHEMA_NAME,
        "schema_version": SCHEMA_VERSION,
        "application_id": frames.all.sparkSession.sparkContext.applicationId,
    }


def row(metadata: dict[str, Any], frames: Frames, schema: StructType) -> DataFrame:
    """The metadata as the one row of its table."""
    text = json.dumps(metadata | {name: json.dumps(metadata[name]) for name in _JSON_COLUMNS})
    parsed = F.from_json(F.lit(text), schema)
    return frames.all.sparkSession.range(1).select(parsed.alias("row")).select("row.*")


def _text(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment else None
