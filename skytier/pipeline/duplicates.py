"""Which valid records repeat an event: within their batch, or one that is stored already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


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
