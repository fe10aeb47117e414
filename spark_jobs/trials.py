"""A step of a batch tried on some of its records alone, to find those at which it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from spark_jobs.batch_frames import Batch, Frames, find_repeated, frames, prepare, score
from spark_jobs.batch_steps import Steps
from spark_jobs.batch_writes import BatchWrites
from spark_jobs.intake import count_intake
from spark_jobs.quarantine import Quarantine
from spark_jobs.transforms.records import Span, within

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Trial = Callable[[Sequence[Span]], None]
# The last step that builds the frames which a step works on.
_BUILT_BY = {
    "duplicates": "prepare",
    "predict": "duplicates",
    "staging_flight_events": "duplicates",
    "rejected_flight_events": "duplicates",
    "dead_letters": "duplicates",
}


@contextmanager
def trials(batch: Batch, records: DataFrame, known: Quarantine, step: str) -> Iterator[Trial]:
    """How to try a step on the records of some spans, for as long as the block lasts; it raises StepError.

    Whatever comes before the step is done once, for all records. What a trial writes the batch replaces at its end.
    """
    steps = Steps(batch.batch_id, is_trial=True)
    if step == "prepare":
        others = records.where(~within(known.spans))

        def prepare_some(spans: Sequence[Span]) -> None:
            with steps.step(step):
                count_intake(prepare(records.sparkSession, others.where(within(spans))))

        yield prepare_some
        return
    with frames(batch, records, known, steps, _BUILT_BY.get(step, "predict")) as built:
        writes = BatchWrites(batch.batch_id, steps)

        def try_some(spans: Sequence[Span]) -> None:
            some = _narrowed(built, spans)
            if step == "duplicates":
                with steps.step(step):
                    find_repeated(batch, some.stored, some.intake).count()
            elif step == "predict":
                with steps.step(step):
                    score(batch, some.stored, known)
            else:
                writes.one(step, some)

        yield try_some


def _narrowed(built: Frames, spans: Sequence[Span]) -> Frames:
    here = within(spans)
    scored = None if built.scored is None else built.scored.where(here)
    return replace(
        built,
        all=built.all.where(here),
        stored=built.stored.where(here),
        rejected=built.rejected.where(here),
        scored=scored,
    )
