"""What a batch says of itself: its row in the pipeline's table of batches and its mark."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from skytier.pipeline.batch_frames import Batch, Frames

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

_JSON_COLUMNS = ("kafka_offsets", "lost_offsets")


def describe(batch: Batch, frames: Frames) -> dict[str, Any]:
    """Counts and times of what the batch stored and rejected. Times are ISO 8601 in UTC."""
    stats, contract = frames.stats, batch.run.pipeline.contract
    summary = batch.run.transforms.summarize(frames.stored)
    reasons = []
    if frames.rejected_count:
        reasons = frames.rejected.select(F.explode("reasons").alias("reason")).groupBy("reason").count().collect()
    return {
        "batch_id": batch.batch_id,
        "processing_date": stats.processing_date(batch.planned_at).isoformat(),
        "started_at": batch.started_at.isoformat(),
        "committed_at": datetime.now(UTC).isoformat(),
        "consumed": stats.consumed,
        "duplicates": frames.duplicates,
        "rejected": frames.rejected_count,
        "record_count": summary["stored"],
        "rejected_by_reason": {r.reason: r["count"] for r in reasons},
        **summary,
        "ingestion_time_min": time_text(stats.ingestion_time_min),
        "ingestion_time_max": time_text(stats.ingestion_time_max),
        "schema_name": contract.name,
        "schema_version": contract.version,
        "application_id": frames.all.sparkSession.sparkContext.applicationId,
    }


def row(metadata: dict[str, Any], frames: Frames, schema: StructType) -> DataFrame:
    """The metadata as the one row of its table."""
    text = json.dumps(metadata | {name: json.dumps(metadata[name]) for name in _JSON_COLUMNS})
    parsed = F.from_json(F.lit(text), schema)
    return frames.all.sparkSession.range(1).select(parsed.alias("row")).select("row.*")


def time_text(moment: datetime | None) -> str | None:
    """A time as metadata has it: ISO 8601 in UTC."""
    return moment.astimezone(UTC).isoformat() if moment else None
