"""A step of a batch tried on some of its records alone, to find those at which it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from skytier.pipeline import batch_stats
from skytier.pipeline.batch_frames import Batch, Frames, find_repeated, frames, prepare, score
from skytier.pipeline.batch_steps import Steps
from skytier.pipeline.batch_writes import BatchWrites
from skytier.pipeline.quarantine import Quarantine
from skytier.pipeline.record_outputs import DEAD_LETTERS
from skytier.pipeline.records import Span, within

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Trial = Callable[[Sequence[Span]], None]


@contextmanager
def trials(batch: Batch, records: DataFrame, known: Quarantine, step: str) -> Iterator[Trial]:
    """How to try a step on the records of some spans, for as long as the block lasts; it raises StepError.

    Whatever comes before the step is done once, for all records. What a trial writes the batch replaces at its end.
    """
    steps = Steps(batch.run.pipeline.name, batch.batch_id, batch.run.files.require, is_trial=True)
    if step == "prepare":
        others = records.where(~within(known.spans))

        def prepare_some(spans: Sequence[Span]) -> None:
            with steps.step(step):
                batch_stats.count(prepare(batch, others.where(within(spans))), batch.run.transforms.lookup_column)

        yield prepare_some
        return
    with frames(batch, records, known, steps, _built_by(batch, step)) as built:
        writes = BatchWrites(batch, steps)

        def try_some(spans: Sequence[Span]) -> None:
            some = _narrowed(built, spans)
            if step == "duplicates":
                with steps.step(step):
                    find_repeated(batch, some.stored, some.stats).count()
            elif step == "predict":
                with steps.step(step):
                    score(batch, some.stored, known)
            else:
                writes.one(step, some)

        yield try_some


def _built_by(batch: Batch, step: str) -> str:
    """The last step that builds the frames which a step works on."""
    if step == "duplicates":
        return "prepare"
    tables = batch.run.pipeline.tables
    return "duplicates" if step in ("predict", tables.staging, tables.rejected, DEAD_LETTERS) else "predict"


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
