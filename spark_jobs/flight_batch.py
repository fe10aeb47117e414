"""One batch of flight events through every store, in the order that makes a crash harmless.

raw, cold tables, hot tier, dead letters, metadata table, mark. Before the first write the delay model scores the
events; without a model they are stored unscored. Every write replaces what an earlier try of the same batch left (a
dead letter is sent again under the same key), so a batch that was cut off anywhere is simply repeated. A batch that a
record makes fail is stored without it (``quarantine``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from skytier import alerts, batches, hot_tier, kafka_log, logs
from skytier.checkpoints import Generation, Plan
from skytier.errors import TransientError
from skytier.files import Files
from skytier.kafka_log import KafkaLog, Position
from skytier.settings.kafka import KafkaSettings
from skytier.settings.processing import ProcessingSettings
from spark_jobs import batch_metadata, quarantine, servers
from spark_jobs.batch_frames import DATABASE, Batch, Frames, frames
from spark_jobs.batch_steps import Steps
from spark_jobs.batch_writes import BatchWrites
from spark_jobs.failures import StepError, reason
from spark_jobs.quarantine import NotSeparableError, Quarantine
from spark_jobs.transforms.records import Span
from spark_jobs.transforms.validate import UNPROCESSABLE
from spark_jobs.trials import trials

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# What a trial of a step needs to have been built.
_BUILT_FOR = {
    "prepare": "prepare",
    "staging_flight_events": "duplicates",
    "rejected_flight_events": "duplicates",
    "dead_letters": "duplicates",
    "duplicates": "duplicates",
}
log = logs.logger("process_flight_events")


class FlightBatch:
    """The writes of one batch. ``process`` is the whole of it."""

    def __init__(
        self, spark: SparkSession, files: Files, log_of_kafka: KafkaLog, generation: Generation, plan: Plan
    ) -> None:
        self._spark, self._files, self._kafka_log, self._plan = spark, files, log_of_kafka, plan
        self._read_before = generation.read_before
        self._steps = Steps(plan.batch_id)

    def process(self, records: DataFrame, model_version: str | None, position: Position) -> Position:
        """Write the batch to every store and mark it; how far Kafka is read then.

        A batch that is marked already, and one that takes nothing, is left alone. Raises StepError when a step fails.
        """
        if not self._plan.ranges:
            return position
        if batches.is_marked(self._files, self._plan.batch_id):
            log.info("batch was complete already", batch_id=self._plan.batch_id)
            return batches.position(self._files, self._plan.batch_id) or position
        is_reread = any(first < self._read_before.get(p, 0) for p, (first, _) in self._plan.ranges.items())
        batch = Batch(self._plan.batch_id, self._plan.planned_at, datetime.now(UTC), model_version, is_reread)
        return self._store_what_can_be(batch, records, position)

    def _store_what_can_be(self, batch: Batch, records: DataFrame, position: Position) -> Position:
        """Store the batch; where a step fails twice in the same way, without the records at which it does."""
        set_aside = quarantine.load(self._files, batch.batch_id)
        failed_before = None
        while True:
            try:
                return self._store(batch, records, set_aside, position)
            except StepError as error:
                if isinstance(error.__cause__, TransientError) or ProcessingSettings().quarantine_records == 0:
                    raise
                servers.require_answers(self._files)
                log.warning("step failed", batch_id=batch.batch_id, step=error.step, reason=reason(error))
                if error.signature == failed_before:
                    set_aside = self._search(batch, records, set_aside, error)
                failed_before = error.signature

    def _search(self, batch: Batch, records: DataFrame, known: Quarantine, error: StepError) -> Quarantine:
        """Find the records at which the step fails, and set them aside. Raises StepError where that is of no use."""

        said = reason(error.__cause__ or error)
        try:
            found = self._offending(batch, records, known, error)
        except NotSeparableError as not_separable:
            if error.step != "predict":
                raise StepError(batch.batch_id, error.step, not_separable) from error
            after = known.model_copy(update={"unscored": said})
            message = f"Batch {batch.batch_id} is stored without predictions, for the model fails at it: {said}"
        else:
            after = quarantine.merged(known, found, error.step, said)
            places = ", ".join(f"{partition}-{first}" for partition, first, _ in found)
            message = (
                f"Batch {batch.batch_id}: the step {error.step} fails at {len(found)} record(s), partition-offset "
                f"{places}: {said}. They are in rejected_flight_events with the reason {UNPROCESSABLE}; "
                "the others are stored."
            )
        quarantine.save(self._files, batch.batch_id, after)
        self._alert("quarantine", f"batch {batch.batch_id}", message)
        return after

    def _offending(self, batch: Batch, records: DataFrame, known: Quarantine, error: StepError) -> list[Span]:
        """The single records at which the step fails in the same way. Other failures, and one without any record, are
        raised."""
        whole = [(partition, first, end) for partition, (first, end) in self._plan.ranges.items()]
        most = ProcessingSettings().quarantine_records - len(known.records)
        with trials(batch, records, known, error.step) as trial:

            def fails(spans: Sequence[Span]) -> bool:
                try:
                    trial(spans)
                except StepError as again:
                    if again.signature != error.signature:
                        servers.require_answers(self._files)
                        raise
                    return True
                return False

            if fails([]):
                raise error
            return quarantine.offending(whole, fails, most)

    def _store(self, batch: Batch, records: DataFrame, set_aside: Quarantine, position: Position) -> Position:
        with frames(batch, records, set_aside, self._steps) as built:
            raw_path = batches.raw_path(batch.batch_id, built.intake.processing_date(batch.planned_at))
            writes = BatchWrites(batch.batch_id, self._steps)
            writes.all(built, self._files, raw_path)
            with self._steps.step("summary"):
                metadata = batch_metadata.describe(batch, built) | self._of_stores(built, raw_path)
            with self._steps.step("batch_metadata"):
                timed = metadata | {"step_seconds": self._steps.seconds}
                schema = self._spark.table(f"{DATABASE}.batch_metadata").schema
                writes.overwrite("batch_metadata", batch_metadata.row(timed, built, schema))
            after = Position(
                topic_id=position.topic_id,
                ends=position.ends | self._plan.ends,
                last_records=position.last_records | built.intake.last_records,
            )
            with self._steps.step("mark"):
                mark = metadata | {"step_seconds": self._steps.seconds, "position": after.model_dump(mode="json")}
                batches.mark(self._files, batch.batch_id, mark)
        log.info("batch done", **{k: v for k, v in metadata.items() if not isinstance(v, dict)})
        return after

    def _of_stores(self, built: Frames, raw_path: str) -> dict[str, Any]:
        """Where the batch came from and lies; an alert where Kafka had deleted some of it. Sizes in 1,000,000 bytes."""
        ranges, topic = self._plan.ranges, KafkaSettings().topic
        lost = kafka_log.lost(ranges, built.intake.first_offsets, self._kafka_log.bounds(list(ranges)))
        if lost:
            spans = "; ".join(f"partition {p}: {first} to {end - 1}" for p, (first, end) in lost.items())
            message = (
                f"Kafka deleted records of {topic} before they were read, offsets of {spans}: its retention is shorter "
                "than the minute job was away. They are counted in flight_dw.batch_metadata (lost, lost_offsets)."
            )
            self._alert("kafka", f"records lost before batch {self._plan.batch_id}", message)
        return {
            "kafka_offsets": {topic: {str(p): list(span) for p, span in ranges.items()}},
            "lost": sum(end - first for first, end in lost.values()),
            "lost_offsets": {topic: {str(p): span for p, span in lost.items()}},
            "file_size_mb": self._files.size_bytes(raw_path) / 1_000_000,
            "storage_location": raw_path,
        }

    def _alert(self, kind: str, subject: str, message: str) -> None:
        with hot_tier.answering(), hot_tier.client() as connection:
            alerts.alert(connection, kind, alerts.Severity.CRITICAL, subject, message)
