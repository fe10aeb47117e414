"""How far the minute job has read Kafka: generations of Spark's checkpoint, and the batches that one has planned.

Spark keeps the offsets of each batch it planned in its checkpoint. A generation is one checkpoint from its beginning;
each is registered under ``/metadata/checkpoints`` before it begins, so that its number is never used again even where
the checkpoint is deleted.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, TypeAdapter

from skytier import batches, stored_document
from skytier.files import Files

CHECKPOINTS = "/checkpoints/process_flight_events"
REGISTER = f"{batches.METADATA}/checkpoints"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Offsets = dict[int, int]
"""offset by partition"""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Generation(_Part):
    """One checkpoint from its beginning. ``starting_offsets`` names the partitions that begin elsewhere than at the
    oldest record; records before ``read_before`` have been read by an earlier generation."""

    generation: int
    begun_at: datetime
    reason: str
    last_mark: int = 0
    """the newest complete batch when it began"""
    starting_offsets: Offsets = {}
    read_before: Offsets = {}

    @property
    def path(self) -> str:
        """The folder of Spark's checkpoint."""
        return f"{CHECKPOINTS}/{self.generation}"

    def batch_id(self, number: int) -> int:
        """The id of its ``number``-th batch."""
        return batches.batch_id(self.generation, number)


class Plan(_Part):
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


def current(files: Files) -> Generation | None:
    """The generation to resume, None where its checkpoint is gone or there never was one."""
    newest = max(_numbers(files), default=0)
    if not newest or not files.exists(f"{CHECKPOINTS}/{newest}"):
        return None
    path = _entry(newest)
    if not files.exists(path):  # begun by code that kept no register
        return Generation(generation=newest, begun_at=EPOCH, reason="not registered")
    repair = (
        f"It describes a generation of the checkpoint: delete it and {CHECKPOINTS}/{newest}. The next run reads Kafka "
        "from its oldest record; what is stored counts as a duplicate."
    )
    return stored_document.read(files, path, _GENERATION, "the minute job", repair)


def begin(files: Files, reason: str, last_mark: int, starting_offsets: Offsets, read_before: Offsets) -> Generation:
    """Register a new generation. Its number is above every one that was ever used."""
    used = [*_numbers(files), last_mark // batches.BATCHES_PER_GENERATION]
    generation = Generation(
        generation=max(used) + 1,
        begun_at=datetime.now(UTC),
        reason=reason,
        last_mark=last_mark,
        starting_offsets=starting_offsets,
        read_before=read_before,
    )
    files.write_json_atomically(_entry(generation.generation), generation.model_dump(mode="json"))
    return generation


def planned(files: Files, generation: Generation) -> list[int]:
    """The numbers of the batches that Spark remembers to have planned, oldest first."""
    return sorted(int(name) for name in files.list(f"{generation.path}/offsets") if name.isdigit())


def committed(files: Files, generation: Generation) -> list[int]:
    """The numbers of the batches that Spark remembers to have ended, oldest first."""
    return sorted(int(name) for name in files.list(f"{generation.path}/commits") if name.isdigit())


def plan(files: Files, generation: Generation, number: int) -> Plan:
    """What Spark planned for a batch."""
    lines = files.read_text(f"{generation.path}/offsets/{number}").splitlines()
    before = f"offsets/{number - 1}" if number else "sources/0/0"
    return Plan(
        batch_id=generation.batch_id(number),
        planned_at=datetime.fromtimestamp(json.loads(lines[1])["batchTimestampMs"] / 1000, UTC),
        starts=_offsets(files.read_text(f"{generation.path}/{before}").splitlines()[-1]),
        ends=_offsets(lines[-1]),
    )


def _offsets(line: str) -> Offsets:
    (by_partition,) = json.loads(line).values()
    return {int(partition): int(offset) for partition, offset in by_partition.items()}


def _numbers(files: Files) -> list[int]:
    registered = [name.removesuffix(".json") for name in files.list(REGISTER)]
    return [int(name) for name in [*registered, *files.list(CHECKPOINTS)] if name.isdigit()]


def _entry(generation: int) -> str:
    return f"{REGISTER}/{generation}.json"
