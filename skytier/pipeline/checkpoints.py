"""How far a pipeline has read Kafka: generations of Spark's checkpoint, and the batches that one has planned.

Spark keeps the offsets of each batch it planned in its checkpoint. A generation is one checkpoint from its beginning;
each is registered in the pipeline's folder of metadata before it begins, so that its number is never used again even
where the checkpoint is deleted.

The folder of generation 3 is ``3``. Whoever takes over the lease from a process that did not release it moves the
folder to ``3.<token>``, and leaves a file at its old path: Spark in a process that wakes can write nothing there.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, TypeAdapter

from skytier import stored_document
from skytier.errors import TerminalError
from skytier.files import Files
from skytier.pipeline import batch_ids
from skytier.pipeline.spec import Pipeline

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Offsets = dict[int, int]
"""offset by partition"""


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Generation(_Document):
    """One checkpoint from its beginning. ``starting_offsets`` names the partitions that begin elsewhere than at the
    oldest record; records before ``read_before`` have been read by an earlier generation."""

    generation: int
    begun_at: datetime
    reason: str
    last_mark: int = 0
    """the newest complete batch when it began"""
    starting_offsets: Offsets = {}
    read_before: Offsets = {}

    def batch_id(self, number: int) -> int:
        """The id of its ``number``-th batch."""
        return batch_ids.batch_id(self.generation, number)


class Plan(_Document):
    """What Spark planned for a batch before it read a record; the same when the batch is repeated."""

    batch_id: int
    planned_at: datetime
    starts: Offsets
    ends: Offsets

    @property
    def ranges(self) -> dict[int, tuple[int, int]]:
        """[from, to) of each partition of which the batch takes offsets."""
        return {
            partition: (self.starts.get(partition, 0), end)
            for partition, end in sorted(self.ends.items())
            if self.starts.get(partition, 0) < end
        }


_GENERATION = TypeAdapter(Generation)
_FOLDER = re.compile(r"(\d+)(?:\.(\d+))?")


class Checkpoints:
    """The checkpoints of a pipeline."""

    def __init__(self, files: Files, pipeline: Pipeline) -> None:
        self._files, self._folder = files, pipeline.checkpoint_folder
        self._register = f"{pipeline.metadata_folder}/checkpoints"
        self._moved: dict[int, int] = {}

    def path(self, generation: int) -> str:
        """The folder of Spark's checkpoint."""
        moved = self._moved.get(generation, 0)
        return f"{self._folder}/{generation}.{moved}" if moved else f"{self._folder}/{generation}"

    def current(self) -> Generation | None:
        """The generation to resume, None where its checkpoint is gone or there never was one.

        From here on no process that has lost the lease writes to its checkpoint.
        """
        newest = max(self._numbers(), default=0)
        if not newest or not self._fence_off(newest):
            return None
        entry = self._entry(newest)
        if not self._files.exists(entry):  # begun by code that kept no register
            return Generation(generation=newest, begun_at=EPOCH, reason="not registered")
        repair = (
            f"It describes a generation of the checkpoint: delete it and {self.path(newest)}. The next run reads Kafka "
            "from its oldest record; what is stored counts as a duplicate."
        )
        return stored_document.read(self._files, entry, _GENERATION, "the minute job", repair)

    def begin(self, reason: str, last_mark: int, starting_offsets: Offsets, read_before: Offsets) -> Generation:
        """Register a new generation. Its number is above every one that was ever used."""
        generation = Generation(
            generation=self.next_generation(last_mark),
            begun_at=datetime.now(UTC),
            reason=reason,
            last_mark=last_mark,
            starting_offsets=starting_offsets,
            read_before=read_before,
        )
        self._files.write_json_atomically(self._entry(generation.generation), generation.model_dump(mode="json"))
        return generation

    def next_generation(self, last_mark: int) -> int:
        """The number of the generation that begins next."""
        return max([*self._numbers(), last_mark // batch_ids.BATCHES_PER_GENERATION]) + 1

    def planned(self, generation: Generation) -> list[int]:
        """The numbers of the batches that Spark remembers to have planned, oldest first."""
        return self._logged(generation, "offsets")

    def committed(self, generation: Generation) -> list[int]:
        """The numbers of the batches that Spark remembers to have ended, oldest first."""
        return self._logged(generation, "commits")

    def plan(self, generation: Generation, number: int) -> Plan:
        """What Spark planned for a batch."""
        folder = self.path(generation.generation)
        lines = self._files.read_text(f"{folder}/offsets/{number}").splitlines()
        before = f"offsets/{number - 1}" if number else "sources/0/0"
        return Plan(
            batch_id=generation.batch_id(number),
            planned_at=datetime.fromtimestamp(json.loads(lines[1])["batchTimestampMs"] / 1000, UTC),
            starts=_offsets(self._files.read_text(f"{folder}/{before}").splitlines()[-1]),
            ends=_offsets(lines[-1]),
        )

    def _logged(self, generation: Generation, log: str) -> list[int]:
        names = self._files.list(f"{self.path(generation.generation)}/{log}")
        return sorted(int(name) for name in names if name.isdigit())

    def _numbers(self) -> list[int]:
        registered = [name.removesuffix(".json") for name in self._files.list(self._register)]
        known = [match[1] for name in self._files.list(self._folder) if (match := _FOLDER.fullmatch(name))]
        return [int(name) for name in [*registered, *known] if name.isdigit()]

    def _fence_off(self, generation: int) -> bool:
        """Move the checkpoint where nobody writes who lost the lease; whether there is one."""
        folders = map(_FOLDER.fullmatch, self._files.folders(self._folder))
        moved = [int(match[2] or 0) for match in folders if match and int(match[1]) == generation]
        taken_over = self._files.fence.taken_over if self._files.fence else 0
        self._moved[generation] = max(moved, default=0)
        left = {self.path(generation), f"{self._folder}/{generation}"}
        if self._moved[generation] < taken_over:
            if moved:
                before, self._moved[generation] = self.path(generation), taken_over
                self._files.rename(before, self.path(generation))
            for path in left:
                with suppress(TerminalError):  # there is a file already
                    self._files.create(path, b"")
        return bool(moved)

    def _entry(self, generation: int) -> str:
        return f"{self._register}/{generation}.json"


def _offsets(line: str) -> Offsets:
    (by_partition,) = json.loads(line).values()
    return {int(partition): int(offset) for partition, offset in by_partition.items()}
