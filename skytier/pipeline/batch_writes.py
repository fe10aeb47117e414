"""The writes of a batch, each of which replaces what an earlier try of the same batch left."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from skytier import faults, hot_tier, kafka_clients
from skytier.pipeline import record_outputs
from skytier.pipeline.batch_frames import Batch, Frames
from skytier.pipeline.batch_steps import Steps
from skytier.pipeline.hot_writer import write_documents
from skytier.pipeline.record_outputs import DEAD_LETTERS
from skytier.pipeline.spec import Pipeline, Tables
from skytier.settings.kafka import KafkaUser

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

HOT_TIER = "hot_tier"
"""the step that writes its documents"""
Write = Callable[[Frames], None]


class BatchWrites:
    """The writes of one batch, by the names of their steps."""

    def __init__(self, batch: Batch, steps: Steps) -> None:
        self._batch, self._steps = batch, steps
        self._pipeline, self._tables = batch.run.pipeline, batch.run.pipeline.tables

    def all(self, built: Frames, raw_path: str) -> None:
        """Every write but that of the metadata, in the order that makes a crash harmless."""
        with self._steps.step("raw"):
            self._write_raw(built, raw_path)
        tables = [name for name in self._tables.written if built.rejected_count or name != self._tables.rejected]
        # Commits mostly wait for the NameNode and the metastore: the tables of a batch share that time.
        with ThreadPoolExecutor(len(tables)) as pool:
            for done in [pool.submit(self.one, name, built) for name in tables]:
                done.result()
        self.one(HOT_TIER, built)
        if built.rejected_count:
            self.one(DEAD_LETTERS, built)

    def one(self, step: str, built: Frames) -> None:
        """The write of a step that a record's content may make fail; nothing for another step."""
        if (write := self._writes().get(step)) is not None:
            with self._steps.step(step):
                write(built)

    def overwrite(self, table: str, rows: DataFrame) -> None:
        """Replace the batch's rows of a table, in one commit."""
        rows.writeTo(Tables.full(table)).overwrite(F.col("batch_id") == self._batch.batch_id)

    def _writes(self) -> dict[str, Write]:
        tables = {name: self._write_table(name) for name in self._tables.written}
        return tables | {HOT_TIER: self._write_hot, DEAD_LETTERS: self._send_dead_letters}

    def _write_table(self, name: str) -> Write:
        def rows(built: Frames) -> DataFrame:
            if name == self._tables.rejected:
                return record_outputs.rejected(built.rejected, name)
            events = built.stored if name == self._tables.staging else _scored(built)
            return self._batch.run.transforms.outputs[name](events)

        return lambda built: self.overwrite(name, faults.spoil(rows(built), name, "event_id"))

    def _write_raw(self, built: Frames, path: str) -> None:
        files = self._batch.run.files
        if files.exists(path):  # complete, and what this try reads
            return
        folder = f"{self._pipeline.raw_folder}/_inprogress"
        for left in files.list(folder):
            files.delete(f"{folder}/{left}")
        # Whoever lost the lease may still write aside: so no two holders write at one place.
        aside = f"{folder}/batch_{self._batch.batch_id}.{files.fence.token if files.fence else 0}"
        record_outputs.raw(built.all).write.mode("overwrite").parquet(aside)
        files.rename(aside, path)

    def _write_hot(self, built: Frames) -> None:
        documents = self._batch.run.transforms.hot(_scored(built))
        fences = [fence] if (fence := self._batch.run.files.fence) else []
        write_documents(faults.spoil(documents, HOT_TIER, "_id"), self._pipeline.collection, fences)

    def _send_dead_letters(self, built: Frames) -> None:
        (
            record_outputs.dead_letters(faults.spoil(built.rejected, DEAD_LETTERS, "value"))
            .write.format("kafka")
            .options(**kafka_clients.spark_options(KafkaUser.JOB, self._batch.run.kafka))
            .option("topic", self._pipeline.dead_letter_topic)
            .option("kafka.enable.idempotence", "true")
            .option("kafka.compression.type", "lz4")
            .option("includeHeaders", "true")
            .save()
        )


def forget_batches_after(spark: SparkSession, pipeline: Pipeline, last_mark: int, before: int) -> None:
    """Remove from both tiers what a batch of the pipeline without a mark left, when its checkpoint is gone and nothing
    repeats it.

    Its events would otherwise count as stored, and never reach the hot tier. ``before`` is the first batch of the
    checkpoint that begins: a process that has lost its lease on the way deletes nothing of what came after it.
    """
    for table in (*pipeline.tables.written, pipeline.tables.batches):
        spark.sql(f"DELETE FROM {Tables.full(table)} WHERE batch_id > {last_mark} AND batch_id < {before}")
    with hot_tier.answering(), hot_tier.client() as connection:
        hot_tier.collection(connection, pipeline.collection).delete_many(
            {"batch_id": {"$gt": last_mark, "$lt": before}}
        )


def _scored(built: Frames) -> DataFrame:
    assert built.scored is not None
    return built.scored
