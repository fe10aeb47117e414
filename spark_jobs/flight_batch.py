"""One batch of flight events through every store, in the order that makes a crash harmless.

raw, cold tables, hot tier, dead letters, metadata table, mark. Before the first write the delay model scores the
events; without a model they are stored unscored. Every write replaces what an earlier try of the same batch left (a
dead letter is sent again under the same key), so a batch that was cut off anywhere is simply repeated.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from skytier import batches, faults, logs
from skytier.event import SCHEMA_NAME, SCHEMA_VERSION
from skytier.files import Files
from skytier.settings import KafkaSettings, ProcessingSettings
from spark_jobs.hot_writer import write_documents
from spark_jobs.intake import Intake, take_in
from spark_jobs.transforms import outputs
from spark_jobs.transforms.clean import clean
from spark_jobs.transforms.duplicates import find_duplicates, flown_on
from spark_jobs.transforms.enrich import enrich
from spark_jobs.transforms.parse import parse, records
from spark_jobs.transforms.quality import score_quality
from spark_jobs.transforms.reference import join_reference
from spark_jobs.transforms.validate import validate

DATABASE = "flight_dw"
BATCH_TABLES = (
    "staging_flight_events",
    "fact_flight_events",
    "predictions",
    "rejected_flight_events",
    "batch_metadata",
)
log = logs.logger("process_flight_events")


@dataclass
class Steps:
    """Times the steps of a batch and logs each one."""

    batch_id: int
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """One step; a fault test can end the process right before and right after it."""
        faults.point(f"before:{name}")
        start = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - start, 3)
        log.info("step done", batch_id=self.batch_id, step=name, seconds=self.seconds[name])
        faults.point(f"after:{name}")


def prepare(spark: SparkSession, kafka: DataFrame) -> DataFrame:
    """The chain from Kafka records to validated, enriched and scored events; a record keeps its row whatever it is."""
    settings = ProcessingSettings()
    airlines, airports, aircraft = (
        spark.table(f"{DATABASE}.dim_{name}") for name in ("airline", "airport", "aircraft")
    )
    cleaned = clean(parse(records(kafka)))
    known = join_reference(cleaned, airlines, airports, aircraft)
    validated = validate(known, settings.clock_tolerance_minutes)
    return score_quality(enrich(validated))


def forget_batches_after(spark: SparkSession, last_mark: int) -> None:
    """Remove from the cold tables what a batch without a mark left, when its checkpoint is gone and nothing repeats it.

    Its events would otherwise count as stored, and never reach the hot tier.
    """
    for table in BATCH_TABLES:
        spark.sql(f"DELETE FROM {DATABASE}.{table} WHERE batch_id > {last_mark}")
    log.info("a new checkpoint begins", last_mark=last_mark)


class FlightBatch:
    """The writes of one batch. ``process`` is the whole of it."""

    def __init__(self, spark: SparkSession, files: Files, batch_id: int, model_version: str | None) -> None:
        self.spark = spark
        self.files = files
        self.batch_id = batch_id
        self.model_version = model_version
        self.started_at = datetime.now(UTC)
        self.steps = Steps(batch_id)

    def process(self, kafka: DataFrame) -> None:
        """Write the batch to every store and mark it; a batch that is marked already is left alone."""
        if batches.is_marked(self.files, self.batch_id):
            log.info("batch was complete already", batch_id=self.batch_id)
            return
        prepared = prepare(self.spark, kafka).persist(StorageLevel.MEMORY_AND_DISK_DESER)
        try:
            with self.steps.step("prepare"):
                intake = take_in(prepared)
            if intake is not None:
                self._write(prepared, intake)
        finally:
            prepared.unpersist()

    def _write(self, prepared: DataFrame, intake: Intake) -> None:
        stamped = prepared.withColumns(
            {
                "processing_timestamp": F.lit(self.started_at),
                "batch_id": F.lit(self.batch_id).cast("bigint"),
                "processing_date": F.lit(intake.processing_date),
            }
        )
        valid = stamped.where(F.size("reasons") == 0)
        rejected = stamped.where(F.size("reasons") > 0)
        with self.steps.step("duplicates"):
            # Not persist(): Spark would compute it anew as soon as this batch is written to the table it looks at.
            duplicates = self._find_duplicates(valid, intake).localCheckpoint()
            duplicate_count = duplicates.count()
        stored = valid
        if duplicate_count:
            stored = valid.join(F.broadcast(duplicates), ["kafka_partition", "kafka_offset"], how="left_anti")

        with self.steps.step("predict"):
            scored = self._score(stored)

        raw_path = batches.raw_path(self.batch_id, intake.processing_date)
        with self.steps.step("raw"):
            self._write_raw(stamped, raw_path)
        self._in_parallel(
            lambda: self._overwrite("staging_flight_events", outputs.staging(stored)),
            lambda: self._overwrite("fact_flight_events", outputs.fact(scored)),
            lambda: self._overwrite("predictions", outputs.predictions(scored)),
            lambda: self._overwrite("rejected_flight_events", outputs.rejected(rejected)) if intake.rejected else None,
        )
        with self.steps.step("hot_tier"):
            write_documents(outputs.hot(scored))
        if intake.rejected:
            with self.steps.step("dead_letters"):
                self._send_dead_letters(rejected)
        with self.steps.step("summary"):
            metadata = self._metadata(stored, rejected, intake, duplicate_count, raw_path)
        with self.steps.step("batch_metadata"):
            self._overwrite_metadata(metadata)
        with self.steps.step("mark"):
            batches.mark(self.files, self.batch_id, metadata | {"step_seconds": self.steps.seconds})
        log.info("batch done", **{k: v for k, v in metadata.items() if not isinstance(v, dict)})

    def _score(self, stored: DataFrame) -> DataFrame:
        if self.model_version is None:
            return outputs.unscored(stored)
        from spark_jobs.delay_scorer import predict  # an empty minute does not pay for importing XGBoost

        scores = predict(stored, self.model_version, self.batch_id).localCheckpoint()
        return stored.join(F.broadcast(scores), "event_id", how="left")

    def _find_duplicates(self, valid: DataFrame, intake: Intake) -> DataFrame:
        staged = self.spark.table(f"{DATABASE}.staging_flight_events")
        # An earlier try of this very batch does not make its events duplicates.
        others = staged.where(flown_on(intake.flight_dates) & (F.col("batch_id") != self.batch_id))
        return find_duplicates(valid, others.select("event_id"))

    def _in_parallel(self, *writes: Callable[[], None]) -> None:
        """Commits mostly wait for the NameNode and the metastore: the tables of a batch share that time."""
        with ThreadPoolExecutor(max_workers=len(writes)) as pool:
            for done in [pool.submit(write) for write in writes]:
                done.result()

    def _write_raw(self, stamped: DataFrame, path: str) -> None:
        aside = f"{batches.RAW}/_inprogress/batch_{self.batch_id}"
        outputs.raw(stamped).write.mode("overwrite").parquet(aside)
        self.files.delete(path)
        self.files.rename(aside, path)

    def _overwrite(self, table: str, rows: DataFrame) -> None:
        with self.steps.step(table):
            rows.writeTo(f"{DATABASE}.{table}").overwrite(F.col("batch_id") == self.batch_id)

    def _send_dead_letters(self, rejected: DataFrame) -> None:
        kafka = KafkaSettings()
        (
            outputs.dead_letters(rejected)
            .write.format("kafka")
            .option("kafka.bootstrap.servers", kafka.bootstrap_servers)
            .option("topic", kafka.dead_letter_topic)
            .option("kafka.enable.idempotence", "true")
            .option("kafka.compression.type", "lz4")
            .option("includeHeaders", "true")
            .save()
        )

    def _overwrite_metadata(self, metadata: dict[str, Any]) -> None:
        table = f"{DATABASE}.batch_metadata"
        text = json.dumps(
            metadata | {"kafka_offsets": json.dumps(metadata["kafka_offsets"]), "step_seconds": self.steps.seconds}
        )
        row = F.from_json(F.lit(text), self.spark.table(table).schema)
        rows = self.spark.range(1).select(row.alias("row")).select("row.*")
        rows.writeTo(table).overwrite(F.col("batch_id") == self.batch_id)

    def _metadata(
        self, stored: DataFrame, rejected: DataFrame, intake: Intake, duplicates: int, raw_path: str
    ) -> dict[str, Any]:
        """The books of the batch. Times are ISO 8601 in UTC, sizes in MB (1,000,000 bytes)."""
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
        reasons = []
        if intake.rejected:
            reasons = rejected.select(F.explode("reasons").alias("reason")).groupBy("reason").count().collect()
        stored_count = sum(r.events for r in by_type)
        topic = KafkaSettings().topic
        return {
            "batch_id": self.batch_id,
            "processing_date": intake.processing_date.isoformat(),
            "started_at": self.started_at.isoformat(),
            "committed_at": datetime.now(UTC).isoformat(),
            "consumed": intake.consumed,
            "stored": stored_count,
            "duplicates": duplicates,
            "rejected": intake.rejected,
            "record_count": stored_count,
            "rejected_by_reason": {r.reason: r["count"] for r in reasons},
            "events_by_type": {r.event_type: r.events for r in by_type},
            "kafka_offsets": {topic: {str(p): list(span) for p, span in sorted(intake.offsets.items())}},
            "event_time_min": min((r.first.astimezone(UTC).isoformat() for r in by_type), default=None),
            "event_time_max": max((r.last.astimezone(UTC).isoformat() for r in by_type), default=None),
            "ingestion_time_min": intake.ingestion_time_min.isoformat(),
            "ingestion_time_max": intake.ingestion_time_max.isoformat(),
            "mean_quality_score": sum(r.quality for r in by_type) / stored_count if stored_count else None,
            "file_size_mb": self.files.size_bytes(raw_path) / 1_000_000,
            "schema_name": SCHEMA_NAME,
            "schema_version": SCHEMA_VERSION,
            "storage_location": raw_path,
            "application_id": self.spark.sparkContext.applicationId,
        }
