"""A run of a pipeline's job: everything new in its topic through both tiers, in batches of bounded size, then end.

Where it resumes in Kafka, and its batches one after the other. A run that dies anywhere is repaired by the next one.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from skytier import alerts, cache, hot_tier, kafka_clients, kafka_log, locks, logs, spark_failures, topics
from skytier.errors import SkytierError
from skytier.files import Files
from skytier.kafka_log import KafkaLog, Position
from skytier.pipeline import batch_ids, checkpoints, server_checks
from skytier.pipeline.batch_writer import BatchWriter
from skytier.pipeline.batch_writes import forget_batches_after
from skytier.pipeline.checkpoints import Generation, Offsets, Plan
from skytier.pipeline.records import KAFKA_COLUMNS, records
from skytier.pipeline.run import Run
from skytier.pipeline.spec import Pipeline, Transforms
from skytier.settings.kafka import KafkaSettings, KafkaUser
from skytier.settings.processing import ProcessingSettings
from spark_jobs.session import session

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_OLDEST = -2  # Spark's word for it
log = logs.logger("runner")


def run(pipeline: Pipeline, transforms: Transforms) -> None:
    """Drain the pipeline's topic, once no other run is at it: two would do the same work twice, and one of them fail.

    Raises StepError when a batch fails, TransientError when a server does not answer, TerminalError when the topic is
    not there.
    """
    with locks.lease(locks.PROCESS, pipeline=pipeline.name) as lease:
        _drain(pipeline, transforms, lease.files)


def _drain(pipeline: Pipeline, transforms: Transforms, files: Files) -> None:
    start = time.monotonic()
    kafka = KafkaSettings()
    topics.require(kafka, pipeline.topic)
    spark = session(pipeline.job)
    spark_failures.quieten(spark)
    try:
        with KafkaLog(kafka, pipeline.topic) as log_of_kafka:
            model = transforms.scoring.champion(files) if transforms.scoring else None
            Runner(spark, Run(pipeline, transforms, files, log_of_kafka, kafka, ProcessingSettings(), model)).drain()
    except Exception as error:
        if not isinstance(error, SkytierError) or isinstance(error, spark_failures.StepError):
            server_checks.require_answers(files, pipeline)  # a server that is down says more than what failed for it
        raise
    log.info("run done", pipeline=pipeline.name, seconds=round(time.monotonic() - start, 3))


class Runner:
    """Takes a topic's records through both tiers. ``drain`` is the whole of it."""

    def __init__(self, spark: SparkSession, run: Run) -> None:
        self._spark, self._run, self._pipeline = spark, run, run.pipeline
        self._marks, self._checkpoints, self._kafka_log = run.marks, run.checkpoints, run.kafka_log
        self._topic_id = run.kafka_log.topic_id()
        self._position = Position(topic_id=self._topic_id, ends={}, last_records={})

    def drain(self) -> None:
        """Take everything that is in the topic now through both tiers.

        Raises StepError when a batch fails, and what Spark raises when Kafka cannot be read.
        """
        generation = self._generation()
        failed: list[Exception] = []

        def process(kafka: DataFrame, number: int) -> None:
            plan = self._checkpoints.plan(generation, number)
            try:
                self._process(generation, plan, records(kafka, plan.planned_at))
            except Exception as error:
                failed.append(error)  # what Spark makes of it is a page long
                raise

        try:
            self._stream(generation).writeStream.foreachBatch(process).option(
                "checkpointLocation", self._checkpoints.path(generation.generation)
            ).trigger(availableNow=True).start().awaitTermination()
        except Exception:
            if failed:
                raise failed[0] from None
            raise

    def _stream(self, generation: Generation) -> DataFrame:
        return (
            self._spark.readStream.format("kafka")
            .options(**kafka_clients.spark_options(KafkaUser.JOB, self._run.kafka))
            .option("groupIdPrefix", "skytier-job")  # which its user may use
            # What a producer aborted was never published.
            .option("kafka.isolation.level", "read_committed")
            .option("subscribe", self._pipeline.topic)
            .option("startingOffsets", self._starting_offsets(generation))
            .option("includeHeaders", "true")
            # What Kafka deleted is counted by the batch that misses it; failing would stop all that is behind it.
            .option("failOnDataLoss", "false")
            .option("maxOffsetsPerTrigger", self._run.processing.max_events_per_batch)
            .load()
        )

    def _starting_offsets(self, generation: Generation) -> str:
        if not generation.starting_offsets:
            return "earliest"
        offsets = {str(p): generation.starting_offsets.get(p, _OLDEST) for p in self._kafka_log.partitions()}
        return json.dumps({self._pipeline.topic: offsets})

    def _process(self, generation: Generation, plan: Plan, batch: DataFrame) -> None:
        self._position = BatchWriter(self._run, generation, plan).process(batch, self._position)
        cache.invalidate(cache.CacheTag.batches(self._pipeline.name))

    def _generation(self) -> Generation:
        """The generation to go on with: a new one where there is no checkpoint, or Kafka's log is not the one read."""
        found = self._checkpoints.current()
        if found is None:
            return self._begin("there is no checkpoint", {}, last_mark=self._marks.newest())
        planned = self._checkpoints.planned(found)
        self._finish_from_raw(found, planned)
        unfinished = self._unfinished(found, planned)
        if self._position.topic_id != self._topic_id:
            self._alert_parted("it is another topic of the same name, and is read from its oldest record")
            return self._begin("the topic was created again", {}, last_mark=self._marks.newest())
        if parted := self._parted(found, unfinished):
            marks = [found.batch_id(number) for number in reversed(planned)] + [found.last_mark]
            starts = self._position.ends | self._resumption(parted, marks)
            places = ", ".join(f"partition {p} from offset {starts[p]}" for p in parted)
            self._alert_parted(f"its end was lost, and it is read again where it parts: {places}")
            return self._begin("the end of the log was lost", starts, last_mark=self._marks.newest())
        return found

    def _unfinished(self, generation: Generation, planned: list[int]) -> list[int]:
        """The batches after the newest complete one, which also says how far Kafka was read."""
        unfinished: list[int] = []
        for number in reversed(planned):
            if self._marks.has(generation.batch_id(number)):
                self._know(generation.batch_id(number))
                return unfinished
            unfinished.append(number)
        self._know(generation.last_mark)
        return unfinished

    def _know(self, marked: int) -> None:
        """How far Kafka was read, by the mark of a batch; marks of earlier code do not tell."""
        self._position = self._marks.position(marked) or self._position

    def _finish_from_raw(self, generation: Generation, planned: list[int]) -> None:
        """Finish a batch that was cut off from its raw records: Kafka may have deleted or lost some since."""
        if not planned or planned[-1] in self._checkpoints.committed(generation):
            return
        if planned[-1] not in self._unfinished(generation, planned):
            return
        batch_id = generation.batch_id(planned[-1])
        if (path := batch_ids.raw_folders(self._run.files, self._pipeline, batch_id - 1).get(batch_id)) is not None:
            self._process_raw(generation, self._checkpoints.plan(generation, planned[-1]), path)

    def _process_raw(self, generation: Generation, plan: Plan | None, path: str, batch_id: int = 0) -> None:
        raw = self._spark.read.parquet(path)
        if not set(KAFKA_COLUMNS) <= set(raw.columns):
            log.warning("raw records of earlier code are read from Kafka again", path=path)
            return
        plan = plan or _plan_of(raw, batch_id)
        log.info("batch is finished from its raw records", batch_id=plan.batch_id, path=path)
        self._process(generation, plan, raw.select(*KAFKA_COLUMNS))

    def _begin(self, why: str, starting_offsets: Offsets, last_mark: int) -> Generation:
        """Begin a new generation, once what an earlier one left half-written is finished or gone."""
        self._know(last_mark)
        before = Generation(generation=0, begun_at=checkpoints.EPOCH, reason="")
        for batch_id, path in sorted(batch_ids.raw_folders(self._run.files, self._pipeline, last_mark).items()):
            self._process_raw(before, None, path, batch_id)
            if self._marks.has(batch_id):
                last_mark = batch_id
        self._run.files.require()
        first = batch_ids.batch_id(self._checkpoints.next_generation(last_mark), 0)
        forget_batches_after(self._spark, self._pipeline, last_mark, before=first)
        if self._position.topic_id != self._topic_id:  # what was read of another topic says nothing about this one
            self._position = Position(topic_id=self._topic_id, ends={}, last_records={})
        generation = self._checkpoints.begin(why, last_mark, starting_offsets, self._position.ends)
        log.info("a new checkpoint begins", reason=why, generation=generation.generation, last_mark=last_mark)
        return generation

    def _parted(self, generation: Generation, unfinished: list[int]) -> list[int]:
        """The partitions whose log is not the one that was read, or that batches were planned on."""
        last = self._position.last_records
        bounds = self._kafka_log.bounds(self._kafka_log.partitions())
        found = self._kafka_log.records(kafka_log.comparable(last, bounds))
        ends = [self._checkpoints.plan(generation, number).ends for number in unfinished]
        cut = {p for end in ends for p, offset in end.items() if offset > bounds.get(p, (0, 0))[1]}
        return sorted(cut | set(kafka_log.parted(last, bounds, found)))

    def _resumption(self, parted: list[int], marks: list[int]) -> Offsets:
        """Where partitions are as they were read: after the newest record of a mark that is still there."""
        bounds = self._kafka_log.bounds(parted)
        starts = {partition: bounds[partition][0] for partition in parted if partition in bounds}
        looking = set(starts)
        for mark in marks:
            position = self._marks.position(mark) if looking and mark else None
            if position is None:
                continue
            last = {p: record for p, record in position.last_records.items() if p in looking}
            found = self._kafka_log.records(kafka_log.comparable(last, bounds))
            still_there = {p for p, record in found.items() if record == last[p]}
            starts |= {p: last[p].offset + 1 for p in still_there}
            looking -= still_there
        return starts

    def _alert_parted(self, what: str) -> None:
        topic = self._pipeline.topic
        message = (
            f"Kafka's log of {topic} is not the one that was read: {what}. Events that are stored count as duplicates. "
            "Records that Kafka lost before they were read have to be published again by their source."
        )
        with hot_tier.answering(), hot_tier.client() as connection:
            alerts.alert(connection, "kafka", alerts.Severity.CRITICAL, f"log of {topic}", message)


def _plan_of(raw: DataFrame, batch_id: int) -> Plan:
    """The plan of a batch whose checkpoint is gone, from its raw records."""
    rows = raw.groupBy("kafka_partition").agg(
        F.min("kafka_offset").alias("first"),
        F.max("kafka_offset").alias("last"),
        F.max("ingestion_timestamp").alias("newest"),
    )
    found = rows.collect()
    return Plan(
        batch_id=batch_id,
        planned_at=max((row.newest for row in found), default=checkpoints.EPOCH),
        starts={row.kafka_partition: row.first for row in found},
        ends={row.kafka_partition: row.last + 1 for row in found},
    )
