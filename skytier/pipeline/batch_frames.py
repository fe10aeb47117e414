"""A batch's records as the frames that its stores are written from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from skytier import faults
from skytier.pipeline import batch_stats
from skytier.pipeline.batch_stats import BatchStats
from skytier.pipeline.batch_steps import Steps
from skytier.pipeline.duplicates import find_duplicates
from skytier.pipeline.quarantine import UNPROCESSABLE, Quarantine
from skytier.pipeline.records import within
from skytier.pipeline.run import Run
from skytier.pipeline.spec import Tables

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_PLACE = ["kafka_partition", "kafka_offset"]
_BUILT_BY = ("prepare", "duplicates", "predict")
"""the steps that build the frames, in their order"""


@dataclass(frozen=True)
class Frames:
    """What the stores are written from. ``scored`` is missing before the step that predicts."""

    stats: BatchStats
    all: DataFrame
    stored: DataFrame
    rejected: DataFrame
    scored: DataFrame | None
    duplicates: int
    """records that repeat an event that is stored, or a record that was rejected before"""
    rejected_count: int


@dataclass(frozen=True)
class Batch:
    """What decides a batch's frames beside its records. ``is_reread``: an earlier generation may have read them."""

    run: Run
    batch_id: int
    planned_at: datetime
    started_at: datetime
    is_reread: bool


@contextmanager
def frames(
    batch: Batch, records: DataFrame, quarantine: Quarantine, steps: Steps, up_to: str = _BUILT_BY[-1]
) -> Iterator[Frames]:
    """The frames, for as long as the block lasts. ``up_to`` is the last step that builds them."""
    spark, last = records.sparkSession, _BUILT_BY.index(up_to)
    with ExitStack() as cached:
        with steps.step("prepare"):
            prepared = _with_set_aside(batch, records, quarantine).persist(StorageLevel.MEMORY_AND_DISK_DESER)
            cached.callback(prepared.unpersist)
            stats = batch_stats.count(prepared, batch.run.transforms.lookup_column)
        stamped = prepared.withColumns(
            {
                # To the millisecond, as all times: MongoDB keeps no more.
                "processing_timestamp": F.date_trunc("MILLISECOND", F.lit(batch.started_at)),
                "batch_id": F.lit(batch.batch_id).cast("bigint"),
                "processing_date": F.lit(stats.processing_date(batch.planned_at)),
            }
        )
        stored, rejected = stamped.where(F.size("reasons") == 0), stamped.where(F.size("reasons") > 0)
        repeated, rejected_again = 0, 0
        if last >= _BUILT_BY.index("duplicates"):
            with steps.step("duplicates"):
                stored, repeated = _without(stored, find_repeated(batch, stored, stats))
                if batch.is_reread and stats.rejected:
                    rejected, rejected_again = _without(rejected, _rejected_before(spark, batch, rejected))
        scored = None
        if last >= _BUILT_BY.index("predict"):
            with steps.step("predict"):
                scored = score(batch, stored, quarantine)
        rejected_count = stats.rejected - rejected_again
        yield Frames(stats, stamped, stored, rejected, scored, repeated + rejected_again, rejected_count)


def prepare(batch: Batch, records: DataFrame) -> DataFrame:
    """The prepared events, a row for each record."""
    return batch.run.transforms.prepare(records.sparkSession, faults.spoil(records, "prepare", "value"))


def _with_set_aside(batch: Batch, records: DataFrame, quarantine: Quarantine) -> DataFrame:
    """The prepared records; those set aside are rejected, and no step but the writing of rejected ones sees them."""
    none = {"error": F.lit(None).cast("string"), "withheld_from": F.lit(None).cast("string")}
    if not quarantine.records:
        return prepare(batch, records).withColumns(none)
    is_aside = within(quarantine.spans)
    error, withheld_from = none["error"], none["withheld_from"]
    for aside in quarantine.records:
        here = within([(aside.partition, aside.offset, aside.offset + 1)])
        error = F.when(here, F.lit(f"{aside.step}: {aside.error}")).otherwise(error)
        withheld_from = F.when(here, F.lit(aside.step)).otherwise(withheld_from)
    unprocessable = records.where(is_aside).withColumns(
        {"reasons": F.array(F.lit(UNPROCESSABLE)), "error": error, "withheld_from": withheld_from}
    )
    others = prepare(batch, records.where(~is_aside)).withColumns(none)
    return others.unionByName(unprocessable, allowMissingColumns=True)


def _without(rows: DataFrame, places: DataFrame) -> tuple[DataFrame, int]:
    """The rows but for those at some places, and how many these are."""
    # Not persist(): Spark would compute it anew as soon as this batch is written to the table it looks at.
    kept = places.localCheckpoint()
    count = kept.count()
    return (rows.join(F.broadcast(kept), _PLACE, how="left_anti") if count else rows), count


def find_repeated(batch: Batch, valid: DataFrame, stats: BatchStats) -> DataFrame:
    """The places of valid records that repeat an event of this batch or of another one."""
    staged = valid.sparkSession.table(Tables.full(batch.run.pipeline.tables.staging))
    # An earlier try of this very batch does not make its events duplicates.
    others = staged.where(F.col("batch_id") != batch.batch_id)
    if batch.run.transforms.lookup is not None:
        others = others.where(batch.run.transforms.lookup(stats.lookup_values))
    return find_duplicates(valid, others.select("event_id"))


def _rejected_before(spark: SparkSession, batch: Batch, rejected: DataFrame) -> DataFrame:
    """The places of records that an earlier batch rejected: the same offset of the same time."""
    table = spark.table(Tables.full(batch.run.pipeline.tables.rejected)).where(F.col("batch_id") != batch.batch_id)
    known = table.select(
        "kafka_topic", *_PLACE, F.coalesce("kafka_timestamp", "ingestion_timestamp").alias("kafka_timestamp")
    )
    ours = rejected.select("kafka_topic", *_PLACE, "kafka_timestamp")
    return ours.join(known, ours.columns, how="left_semi").select(*_PLACE)


def score(batch: Batch, stored: DataFrame, quarantine: Quarantine) -> DataFrame:
    """The stored events with what the model says of them; null where there is no model to ask."""
    scoring = batch.run.transforms.scoring
    if scoring is None:
        return stored
    if batch.run.model_version is None or quarantine.unscored:
        return scoring.unscored(stored)
    asked = faults.spoil(stored, "predict", "event_id")
    scores = scoring.score(asked, batch.run.model_version, batch.batch_id).localCheckpoint()
    return stored.join(F.broadcast(scores), "event_id", how="left")
