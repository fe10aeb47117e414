"""What identifies a batch of a pipeline, and the mark that says it is complete.

A batch id is ``generation * 1_000_000_000 + n``: n counts the batches of one Spark checkpoint from 0, the generation
counts checkpoints. So the ids of a pipeline rise, are unique over all its checkpoints, and are known before the first
write of a batch. Two pipelines use the same ids: whatever is kept by batch id is kept by pipeline as well.
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
from skytier.pipeline.spec import Pipeline

BATCHES_PER_GENERATION = 1_000_000_000
_MARK = re.compile(r"batch_(\d+)\.json")
_NEWEST_DATES = 3
_REPAIR = f"It marks a batch as complete: write it again without a position, as {stored_document.REPAIRS} says."


class _Mark(BaseModel):
    """What is read of a mark."""

    position: Position | None = None


_MARK_DOCUMENT = TypeAdapter(_Mark)


@dataclass(frozen=True)
class BatchSpan:
    """Batches of one checkpoint, both ends included."""

    first: int
    last: int


def batch_id(generation: int, number: int) -> int:
    """The id of the ``number``-th batch of a checkpoint."""
    return generation * BATCHES_PER_GENERATION + number


def raw_path(pipeline: Pipeline, batch: int, processing_date: date) -> str:
    """The folder of the batch's Kafka records as they came."""
    return f"{pipeline.raw_folder}/processing_date={processing_date.isoformat()}/batch_{batch}"


def raw_folders(files: Files, pipeline: Pipeline, after: int) -> dict[int, str]:
    """The folders of raw records of batches after one, by batch; of the newest dates only, for these are the newest."""
    dates = sorted(name for name in files.list(pipeline.raw_folder) if name.startswith("processing_date="))
    found: dict[int, str] = {}
    for date_name in reversed(dates[-_NEWEST_DATES:]):
        for name in files.list(f"{pipeline.raw_folder}/{date_name}"):
            number = name.removeprefix("batch_")
            if number.isdigit() and int(number) > after:
                found[int(number)] = f"{pipeline.raw_folder}/{date_name}/{name}"
    return found


class Marks:
    """The marks of a pipeline's complete batches."""

    def __init__(self, files: Files, pipeline: Pipeline) -> None:
        self._files, self._folder = files, pipeline.metadata_folder

    def path(self, batch: int) -> str:
        """The file whose existence says that every write of the batch is done."""
        return f"{self._folder}/batch_{batch}.json"

    def has(self, batch: int) -> bool:
        """Whether the batch is complete in every store."""
        return self._files.exists(self.path(batch))

    def write(self, batch: int, metadata: dict[str, Any]) -> None:
        """Declare the batch complete: the last write of a batch."""
        self._files.write_json_atomically(self.path(batch), metadata)

    def position(self, batch: int) -> Position | None:
        """How far Kafka was read when the batch was marked; None where it has no mark, or one that does not tell."""
        if not self.has(batch):
            return None
        return stored_document.read(self._files, self.path(batch), _MARK_DOCUMENT, "the minute job", _REPAIR).position

    def newest(self) -> int:
        """The newest batch that was ever marked, 0 without any. It lists all marks: not for every run."""
        return max((int(m[1]) for name in self._files.list(self._folder) if (m := _MARK.fullmatch(name))), default=0)

    def newest_complete(self, newest_first: Sequence[int]) -> int:
        """The first of some batches with a mark, -1 without any. All before it are complete: they run in order."""
        return next((batch for batch in newest_first if self.has(batch)), -1)
