"""What the metadata of a batch says of its flight events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from skytier.pipeline.batch_metadata import time_text

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def summarize(stored: DataFrame) -> dict[str, Any]:
    """Counts by type, first and last time, and the mean quality score of stored events."""
    by_type = (
        stored.groupBy("event_type")
        .agg(
            F.count("*").alias("events"),
            F.sum("quality_score").alias("quality"),
            F.min("event_time").alias("first"),
            F.max("event_time").alias("last"),
        )
        .collect()
    )
    events = sum(r.events for r in by_type)
    return {
        "stored": events,
        "events_by_type": {r.event_type: r.events for r in by_type},
        "event_time_min": time_text(min((r.first for r in by_type), default=None)),
        "event_time_max": time_text(max((r.last for r in by_type), default=None)),
        "mean_quality_score": sum(r.quality for r in by_type) / events if events else None,
    }
