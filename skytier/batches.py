"""What identifies a batch of the minute job, and the mark that says it is complete.

A batch id is ``generation * 1_000_000_000 + n``: n counts the batches of one Spark checkpoint from 0, the generation
counts checkpoints. So ids rise, are unique over all checkpoints, and are known before the first write of a batch.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from skytier.files import Files

BATCHES_PER_GENERATION = 1_000_000_000
CHECKPOINTS = "/checkpoints/process_flight_events"
METADATA = "/metadata"
RAW = "/raw/flight_events"
_MARK = re.compile(r"batch_(\d+)\.json")


def batch_id(generation: int, number: int) -> int:
    """The id of the ``number``-th batch of a checkpoint."""
    return generation * BATCHES_PER_GENERATION + number


def mark_path(batch: int) -> str:
    """The file whose existence says that every write of the batch is done."""
    return f"{METADATA}/batch_{batch}.json"


def raw_path(batch: int, processing_date: date) -> str:
    """The folder of the batch's Kafka records as they came."""
    return f"{RAW}/processing_date={processing_date.isoformat()}/batch_{batch}"


def is_marked(files: Files, batch: int) -> bool:
    """Whether the batch is complete in every store."""
    return files.exists(mark_path(batch))


def newest_complete(files: Files, newest_first: Sequence[int]) -> int:
    """The first of some batches with a mark, -1 without any. All before it are complete: they run one after another."""
    return next((batch for batch in newest_first if is_marked(files, batch)), -1)


def mark(files: Files, batch: int, metadata: dict[str, Any]) -> None:
    """Declare the batch complete: the last write of a batch."""
    files.write_json_atomically(mark_path(batch), metadata)


@dataclass(frozen=True)
class BatchSpan:
    """Batches of one checkpoint, both ends included."""

    first: int
    last: int


@dataclass(frozen=True)
class Checkpoint:
    """Where Spark remembers how far it read. ``last_mark`` is set where it begins anew: the newest complete batch."""

    generation: int
    path: str
    last_mark: int | None


def checkpoint(files: Files) -> Checkpoint:
    """The checkpoint to go on with.

    Where none is left, a new generation begins after every batch that was ever marked: Kafka is then read again from
    its oldest record, and what is stored already counts as a duplicate.
    """
    last_mark = None
    if generations := [int(name) for name in files.list(CHECKPOINTS) if name.isdigit()]:
        generation = max(generations)
    else:
        last_mark = max((int(m[1]) for name in files.list(METADATA) if (m := _MARK.fullmatch(name))), default=0)
        generation = last_mark // BATCHES_PER_GENERATION + 1
    return Checkpoint(generation, f"{CHECKPOINTS}/{generation}", last_mark)
