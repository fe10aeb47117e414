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

from pydantic import BaseModel, TypeAdapter

from skytier import stored_document
from skytier.files import Files
from skytier.kafka_log import Position

BATCHES_PER_GENERATION = 1_000_000_000
METADATA = "/metadata"
RAW = "/raw/flight_events"
_MARK = re.compile(r"batch_(\d+)\.json")
_NEWEST_DATES = 3
_REPAIR = f"It marks a batch as complete: write it again without a position, as {stored_document.REPAIRS} says."


class _Mark(BaseModel):
    """What is read of a mark."""

    position: Position | None = None


_MARK_DOCUMENT = TypeAdapter(_Mark)


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


def position(files: Files, batch: int) -> Position | None:
    """How far Kafka was read when the batch was marked; None where it has no mark, or one of code that kept none."""
    if not is_marked(files, batch):
        return None
    return stored_document.read(files, mark_path(batch), _MARK_DOCUMENT, "the minute job", _REPAIR).position


def newest_mark(files: Files) -> int:
    """The newest batch that was ever marked, 0 without any. It lists all marks: not for every run."""
    return max((int(m[1]) for name in files.list(METADATA) if (m := _MARK.fullmatch(name))), default=0)


@dataclass(frozen=True)
class BatchSpan:
    """Batches of one checkpoint, both ends included."""

    first: int
    last: int


def raw_folders(files: Files, after: int) -> dict[int, str]:
    """The folders of raw records of batches after one, by batch; of the newest dates only, for these are the newest."""
    found: dict[int, str] = {}
    for date_name in sorted((name for name in files.list(RAW) if name.startswith("processing_date=")), reverse=True)[
        :_NEWEST_DATES
    ]:
        for name in files.list(f"{RAW}/{date_name}"):
            number = name.removeprefix("batch_")
            if number.isdigit() and int(number) > after:
                found[int(number)] = f"{RAW}/{date_name}/{name}"
    return found
