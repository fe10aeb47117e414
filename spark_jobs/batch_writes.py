"""The writes of a batch, each of which replaces what an earlier try of the same batch left."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from skytier import batches, faults, hot_tier, kafka_clients
from skytier.files import Files
from skytier.settings.kafka import KafkaSettings, KafkaUser
from spark_jobs.batch_frames import DATABASE, Frames
from spark_jobs.batch_steps import Steps
from spark_jobs.hot_writer import write_documents
from spark_jobs.transforms import outputs

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

TABLES = ("staging_flight_events", "fact_flight_events", "predictions", "rejected_flight_events")
Write = Callable[[Frames], None]


class BatchWrites:
    """The writes of one batch, by the names of their steps."""

    def __init__(self, batch_id: int, steps: Steps) -> None:
        self._batch_id, self._steps = batch_id, steps

    def all(self, built: Frames, files: Files, raw_path: str) -> None:
        """Every write but that of the metadata, in the order that makes a crash harmless."""
        with self._steps.step("raw"):
            self._write_raw(built, files, raw_path)
        tables = [name for name in TABLES if built.rejected_count or name != "rejected_flight_events"]
        # Commits mostly wait for the NameNode and the metastore: the tables of a batch share that time.
        with ThreadPoolExecutor(len(tables)) as pool:
            for done in [pool.submit(self.one, name, built) for name in tables]:
                done.result()
        self.one("hot_tier", built)
        if built.rejected_count:
            self.one("dead_letters", built)

    def one(self, step: str, built: Frames) -> None:
        """The write of a step that a record's content may make fail; nothing for another step."""
        if (write := self._writes().get(step)) is not None:
            with self._steps.step(step):
                write(built)

    def overwrite(self, table: str, rows: DataFrame) -> None:
        """Replace the batch's rows of a table, in one commit."""
        rows.writeTo(f"{DATABASE}.{table}").overwrite(F.col("batch_id") == self._batch_id)

    def _writes(self) -> dict[str, Write]:
        rows: dict[str, Callable[[Frames], DataFrame]] = {
            "staging_flight_events": lambda built: outputs.staging(built.stored),
            "fact_flight_events": lambda built: outputs.fact(_scored(built)),
            "predictions": lambda built: outputs.predictions(_scored(built)),
            "rejected_flight_events": lambda built: outputs.rejected(built.rejected),
        }

        def table(name: str) -> Write:
            return lambda built: self.overwrite(name, faults.spoil(rows[name](built), name, "event_id"))

        return {name: table(name) for name in TABLES} | {"hot_tier": _write_hot, "dead_letters": _send_dead_letters}

    def _write_raw(self, built: Frames, files: Files, path: str) -> None:
        if files.exists(path):  # complete, and what this try reads
            return
        aside = f"{batches.RAW}/_inprogress/batch_{self._batch_id}"
        outputs.raw(built.all).write.mode("overwrite").parquet(aside)
        files.rename(aside, path)


def forget_batches_after(spark: SparkSession, last_mark: int) -> None:
    """Remove from both tiers what a batch without a mark left, when its checkpoint is gone and nothing repeats it.

    Its events would otherwise count as stored, and never reach the hot tier.
    """
    for table in (*TABLES, "batch_metadata"):
        spark.sql(f"DELETE FROM {DATABASE}.{table} WHERE batch_id > {last_mark}")
    with hot_tier.answering(), hot_tier.client() as connection:
        hot_tier.events(connection).delete_many({"batch_id": {"$gt": last_mark}})


def _write_hot(built: Frames) -> None:
    write_documents(faults.spoil(outputs.hot(_scored(built)), "hot_tier", "_id"))


def _send_dead_letters(built: Frames) -> None:
    kafka = KafkaSettings()
    (
        outputs.dead_letters(faults.spoil(built.rejected, "dead_letters", "value"))
        .write.format("kafka")
        .options(**kafka_clients.spark_options(KafkaUser.JOB, kafka))
        .option("topic", kafka.dead_letter_topic)
        .option("kafka.enable.idempotence", "true")
        .option("kafka.compression.type", "lz4")
        .option("includeHeaders", "true")
        .save()
    )


def _scored(built: Frames) -> DataFrame:
    assert built.scored is not None
    return built.scored
