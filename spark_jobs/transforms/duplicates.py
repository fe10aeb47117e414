"""Which valid records repeat an event: within their batch, or one that is stored already."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


def date_ranges(dates: Iterable[date]) -> list[tuple[date, date]]:
    """The dates as ranges of consecutive days, each from its first day up to but without its last."""
    ranges: list[tuple[date, date]] = []
    for day in sorted(set(dates)):
        if ranges and ranges[-1][1] == day:
            ranges[-1] = (ranges[-1][0], day + timedelta(days=1))
        else:
            ranges.append((day, day + timedelta(days=1)))
    return ranges


def flown_on(dates: Iterable[date]) -> Column:
    """Whether an event_id begins with one of the dates, as comparisons that file statistics can answer."""
    conditions = [
        (F.col("event_id") >= first.isoformat()) & (F.col("event_id") < end.isoformat())
        for first, end in date_ranges(dates)
    ]
    return reduce(or_, conditions, F.lit(False))


def find_duplicates(valid: DataFrame, stored_ids: DataFrame) -> DataFrame:
    """The Kafka coordinates (``kafka_partition``, ``kafka_offset``) of every record that repeats an event.

    Of several records of one event in the batch the first by ingestion counts, unless ``stored_ids`` (one column,
    ``event_id``) has the event already.
    """
    ids = valid.select("event_id", "kafka_partition", "kafka_offset", "ingestion_timestamp")
    # The batch is bounded and what is stored is not: so the batch is what travels.
    stored = stored_ids.join(F.broadcast(ids.select("event_id")), "event_id", how="left_semi").distinct()
    order = Window.partitionBy("event_id").orderBy("ingestion_timestamp", "kafka_partition", "kafka_offset")
    numbered = ids.withColumn("occurrence", F.row_number().over(order))
    known = numbered.join(stored.withColumn("is_stored", F.lit(True)), "event_id", how="left")
    is_repeated = (F.col("occurrence") > 1) | F.col("is_stored").isNotNull()
    return known.where(is_repeated).select("kafka_partition", "kafka_offset")
