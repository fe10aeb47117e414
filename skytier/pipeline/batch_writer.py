"""One batch of a pipeline through every store, in the order that makes a crash harmless.

raw, cold tables, hot tier, dead letters, table of batches, mark. Before the first write the pipeline's model scores the
events; without a model they are stored unscored. Every write replaces what an earlier try of the same batch left (a
dead letter is sent again under the same key), so a batch that ended anywhere is repeated as it was. A batch that a
record makes fail is stored without it (``quarantine``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from skytier import alerts, hot_tier, kafka_log, logs
from skytier.errors import TransientError
from skytier.kafka_log import Position
from skytier.pipeline import batch_ids, batch_metadata, quarantine, server_checks
from skytier.pipeline.batch_frames import Batch, Frames, frames
from skytier.pipeline.batch_steps import Steps
from skytier.pipeline.batch_writes import BatchWrites
from skytier.pipeline.checkpoints import Generation, Plan
from skytier.pipeline.quarantine import UNPROCESSABLE, NotSeparableError, Quarantine
from skytier.pipeline.records import Span
from skytier.pipeline.run import Run
from skytier.pipeline.spec import Tables
from skytier.pipeline.trials import trials
from skytier.spark_failures import StepError, reason

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

log = logs.logger("batch_writer")


class BatchWriter:
    """The writes of one batch. ``process`` is the whole of it."""

    def __init__(self, run: Run, generation: Generation, plan: Plan) -> None:
        self._run, self._pipeline, self._plan = run, run.pipeline, plan
        self._read_before = generation.read_before
        self._steps = Steps(run.pipeline.name, plan.batch_id, run.files.require)
        self._log = log.bind(pipeline=run.pipeline.name, batch_id=plan.batch_id)

    def process(self, records: DataFrame, position: Position) -> Position:
        """Write the batch to every store and mark it; how far Kafka is read then.

        A batch that is marked already, and one that takes nothing, is left alone. Raises StepError when a step fails.
        """
        if not self._plan.ranges:
            return position
        if self._run.marks.has(self._plan.batch_id):
            self._log.info("batch was complete already")
            return self._run.marks.position(self._plan.batch_id) or position
        is_reread = any(first < self._read_before.get(p, 0) for p, (first, _) in self._plan.ranges.items())
        batch = Batch(self._run, self._plan.batch_id, self._plan.planned_at, datetime.now(UTC), is_reread)
        return self._store_what_can_be(batch, records, position)

    def _store_what_can_be(self, batch: Batch, records: DataFrame, position: Position) -> Position:
        """Store the batch; where a step fails twice in the same way, without the records at which it does."""
        set_aside = quarantine.load(self._run.files, self._pipeline, batch.batch_id)
        failed_before = None
        while True:
            try:
                return self._store(batch, records, set_aside, position)
            except StepError as error:
                if isinstance(error.__cause__, TransientError) or self._run.processing.quarantine_records == 0:
                    raise
                server_checks.require_answers(self._run.files, self._pipeline)
                self._log.warning("step failed", step=error.step, reason=reason(error))
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
                f"{places}: {said}. They are in {self._pipeline.tables.rejected} with the reason {UNPROCESSABLE}; "
                "the others are stored."
            )
        quarantine.save(self._run.files, self._pipeline, batch.batch_id, after)
        self._alert("quarantine", f"batch {batch.batch_id}", message)
        return after

    def _offending(self, batch: Batch, records: DataFrame, known: Quarantine, error: StepError) -> list[Span]:
        """The single records at which the step fails in the same way. Other failures, and one without any record, are
        raised."""
        whole = [(partition, first, end) for partition, (first, end) in self._plan.ranges.items()]
        most = self._run.processing.quarantine_records - len(known.records)
        with trials(batch, records, known, error.step) as trial:

            def fails(spans: Sequence[Span]) -> bool:
                try:
                    trial(spans)
                except StepError as again:
                    if again.signature != error.signature:
                        server_checks.require_answers(self._run.files, self._pipeline)
                        raise
                    return True
                return False

            if fails([]):
                raise error
            return quarantine.offending(whole, fails, most)

    def _store(self, batch: Batch, records: DataFrame, set_aside: Quarantine, position: Position) -> Position:
        with frames(batch, records, set_aside, self._steps) as built:
            processing_date = built.stats.processing_date(batch.planned_at)
            raw_path = batch_ids.raw_path(self._pipeline, batch.batch_id, processing_date)
            writes = BatchWrites(batch, self._steps)
            writes.all(built, raw_path)
            with self._steps.step("summary"):
                metadata = batch_metadata.describe(batch, built) | self._of_stores(built, raw_path)
            # The step has this name in every pipeline, whatever its table is called.
            with self._steps.step("batch_metadata"):
                timed = metadata | {"step_seconds": self._steps.seconds}
                table = self._pipeline.tables.batches
                schema = records.sparkSession.table(Tables.full(table)).schema
                writes.overwrite(table, batch_metadata.row(timed, built, schema))
            after = Position(
                topic_id=position.topic_id,
                ends=position.ends | self._plan.ends,
                last_records=position.last_records | built.stats.last_records,
            )
            with self._steps.step("mark"):
                mark = metadata | {"step_seconds": self._steps.seconds, "position": after.model_dump(mode="json")}
                self._run.marks.write(batch.batch_id, mark)
        shown = {k: v for k, v in metadata.items() if not isinstance(v, dict) and k != "batch_id"}
        self._log.info("batch done", **shown)
        return after

    def _of_stores(self, built: Frames, raw_path: str) -> dict[str, Any]:
        """Where the batch came from and lies; an alert where Kafka had deleted some of it. Sizes in 1,000,000 bytes."""
        ranges, topic = self._plan.ranges, self._pipeline.topic
        lost = kafka_log.lost(ranges, built.stats.first_offsets, self._run.kafka_log.bounds(list(ranges)))
        if lost:
            spans = "; ".join(f"partition {p}: {first} to {end - 1}" for p, (first, end) in lost.items())
            message = (
                f"Kafka deleted records of {topic} before they were read, offsets of {spans}: its retention is shorter "
                f"than the job was away. They are counted in {Tables.full(self._pipeline.tables.batches)} (lost, "
                "lost_offsets)."
            )
            self._alert("kafka", f"records lost before batch {self._plan.batch_id}", message)
        return {
            "kafka_offsets": {topic: {str(p): list(span) for p, span in ranges.items()}},
            "lost": sum(end - first for first, end in lost.values()),
            "lost_offsets": {topic: {str(p): span for p, span in lost.items()}},
            "file_size_mb": self._run.files.size_bytes(raw_path) / 1_000_000,
            "storage_location": raw_path,
        }

    def _alert(self, kind: str, subject: str, message: str) -> None:
        with hot_tier.answering(), hot_tier.client() as connection:
            alerts.alert(connection, kind, alerts.Severity.CRITICAL, self._pipeline.qualified(subject), message)
