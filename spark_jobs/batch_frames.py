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
from skytier.settings.processing import ProcessingSettings
from spark_jobs.batch_steps import Steps
from spark_jobs.intake import Intake, count_intake
from spark_jobs.quarantine import Quarantine
from spark_jobs.transforms import outputs
from spark_jobs.transforms.clean import clean
from spark_jobs.transforms.duplicates import find_duplicates, flown_on
from spark_jobs.transforms.enrich import enrich
from spark_jobs.transforms.parse import parse
from spark_jobs.transforms.quality import score_quality
from spark_jobs.transforms.records import within
from spark_jobs.transforms.reference import join_reference
from spark_jobs.transforms.validate import UNPROCESSABLE, validate

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

DATABASE = "flight_dw"
_PLACE = ["kafka_partition", "kafka_offset"]
_BUILT_BY = ("prepare", "duplicates", "predict")
"""the steps that build the frames, in their order"""


@dataclass(frozen=True)
class Frames:
    """What the stores are written from. ``scored`` is missing where the model was not asked yet."""

    intake: Intake
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

    batch_id: int
    planned_at: datetime
    started_at: datetime
    model_version: str | None
    is_reread: bool


def prepare(spark: SparkSession, records: DataFrame) -> DataFrame:
    """The chain from records to validated, enriched and scored events; a record keeps its row whatever it is."""
    settings = ProcessingSettings()
    airlines, airports, aircraft = (
        spark.table(f"{DATABASE}.dim_{name}") for name in ("airline", "airport", "aircraft")
    )
    cleaned = clean(parse(faults.spoil(records, "prepare", "value")))
    known = join_reference(cleaned, airlines, airports, aircraft)
    validated = validate(known, settings.clock_tolerance_minutes)
    return score_quality(enrich(validated))


@contextmanager
def frames(
    batch: Batch, records: DataFrame, quarantine: Quarantine, steps: Steps, up_to: str = _BUILT_BY[-1]
) -> Iterator[Frames]:
    """The frames, for as long as the block lasts. ``up_to`` is the last step that builds them."""
    spark, last = records.sparkSession, _BUILT_BY.index(up_to)
    with ExitStack() as cached:
        with steps.step("prepare"):
            prepared = _with_set_aside(spark, records, quarantine).persist(StorageLevel.MEMORY_AND_DISK_DESER)
            cached.callback(prepared.unpersist)
            intake = count_intake(prepared)
        stamped = prepared.withColumns(
            {
                # To the millisecond, as all times: MongoDB keeps no more.
                "processing_timestamp": F.date_trunc("MILLISECOND", F.lit(batch.started_at)),
                "batch_id": F.lit(batch.batch_id).cast("bigint"),
                "processing_date": F.lit(intake.processing_date(batch.planned_at)),
            }
        )
        stored, rejected = stamped.where(F.size("reasons") == 0), stamped.where(F.size("reasons") > 0)
        repeated, rejected_again = 0, 0
        if last >= _BUILT_BY.index("duplicates"):
            with steps.step("duplicates"):
                stored, repeated = _without(stored, find_repeated(batch, stored, intake))
                if batch.is_reread and intake.rejected:
                    rejected, rejected_again = _without(rejected, _rejected_before(spark, batch, rejected))
        scored = None
        if last >= _BUILT_BY.index("predict"):
            with steps.step("predict"):
                scored = score(batch, stored, quarantine)
        rejected_count = intake.rejected - rejected_again
        yield Frames(intake, stamped, stored, rejected, scored, repeated + rejected_again, rejected_count)


def _with_set_aside(spark: SparkSession, records: DataFrame, quarantine: Quarantine) -> DataFrame:
    """The prepared records; those set aside are rejected, and no step but the writing of rejected ones sees them."""
    none = {"error": F.lit(None).cast("string"), "withheld_from": F.lit(None).cast("string")}
    if not quarantine.records:
        return prepare(spark, records).withColumns(none)
    is_aside = within(quarantine.spans)
    error, withheld_from = none["error"], none["withheld_from"]
    for aside in quarantine.records:
        here = within([(aside.partition, aside.offset, aside.offset + 1)])
        error = F.when(here, F.lit(f"{aside.step}: {aside.error}")).otherwise(error)
        withheld_from = F.when(here, F.lit(aside.step)).otherwise(withheld_from)
    unprocessable = records.where(is_aside).withColumns(
        {"reasons": F.array(F.lit(UNPROCESSABLE)), "error": error, "withheld_from": withheld_from}
    )
    others = prepare(spark, records.where(~is_aside)).withColumns(none)
    return others.unionByName(unprocessable, allowMissingColumns=True)


def _without(rows: DataFrame, places: DataFrame) -> tuple[DataFrame, int]:
    """The rows but for those at some places, and how many these are."""
    # Not persist(): Spark would compute it anew as soon as this batch is written to the table it looks at.
    kept = places.localCheckpoint()
    count = kept.count()
    return (rows.join(F.broadcast(kept), _PLACE, how="left_anti") if count else rows), count


def find_repeated(batch: Batch, valid: DataFrame, intake: Intake) -> DataFrame:
    """The places of valid records that repeat an event of this batch or of another one."""
    staged = valid.sparkSession.table(f"{DATABASE}.staging_flight_events")
    # An earlier try of this very batch does not make its events duplicates.
    others = staged.where(flown_on(intake.flight_dates) & (F.col("batch_id") != batch.batch_id))
    return find_duplicates(valid, others.select("event_id"))


def _rejected_before(spark: SparkSession, batch: Batch, rejected: DataFrame) -> DataFrame:
    """The places of records that an earlier batch rejected: the same offset of the same time."""
    table = spark.table(f"{DATABASE}.rejected_flight_events").where(F.col("batch_id") != batch.batch_id)
    known = table.select(
        "kafka_topic", *_PLACE, F.coalesce("kafka_timestamp", "ingestion_timestamp").alias("kafka_timestamp")
    )
    ours = rejected.select("kafka_topic", *_PLACE, "kafka_timestamp")
    return ours.join(known, ours.columns, how="left_semi").select(*_PLACE)


def score(batch: Batch, stored: DataFrame, quarantine: Quarantine) -> DataFrame:
    """The stored events with the model's predictions, all of them asked for; null where there is no model."""
    if batch.model_version is None or quarantine.unscored:
        return outputs.unscored(stored)
    from spark_jobs.delay_scorer import predict  # an empty minute does not pay for importing XGBoost

    asked = faults.spoil(stored, "predict", "event_id")
    scores = predict(asked, batch.model_version, batch.batch_id).localCheckpoint()
    return stored.join(F.broadcast(scores), "event_id", how="left")
