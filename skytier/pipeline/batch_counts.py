"""What a batch says it took and stored, and whether the stores agree: comparisons without any server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from skytier.pipeline.batch_ids import BATCHES_PER_GENERATION
from skytier.pipeline.spec import Tables

RAW, HOT_TIER = "raw", "hot tier"
Offsets = dict[str, tuple[int, int]]


@dataclass(frozen=True)
class BatchCounts:
    """What a batch says of itself. ``offsets`` maps a partition to [from, to); times are missing where it took nothing.

    Of the offsets ``lost`` were deleted by Kafka before they were read; others may be markers of transactions, or
    records that compaction removed.
    """

    batch_id: int
    consumed: int
    stored: int
    duplicates: int
    rejected: int
    lost: int
    offsets: Offsets
    ingestion_time_min: datetime | None
    ingestion_time_max: datetime | None
    storage_location: str


@dataclass(frozen=True)
class Difference:
    """Two numbers of a batch that must be equal and are not."""

    batch_id: int
    what: str
    expected: int
    found: int

    def __str__(self) -> str:
        return f"batch {self.batch_id}: {self.what}: expected {self.expected}, found {self.found}"


@dataclass(frozen=True)
class Progress:
    """How far batches were reconciled: the last one, and where it left each partition."""

    batch_id: int
    ends: dict[str, int]


def compare(tables: Tables, batches: list[BatchCounts], counts: dict[str, dict[int, int]]) -> list[Difference]:
    """The batches whose own numbers, or whose numbers in a store, do not agree.

    ``counts`` has rows by store and batch; the stores are ``RAW``, ``HOT_TIER`` and the tables of events and of
    rejected records.
    """
    found = []
    for batch in batches:
        expected = {RAW: batch.consumed, HOT_TIER: batch.stored, tables.rejected: batch.rejected}
        expected |= dict.fromkeys(tables.events, batch.stored)
        found += [
            Difference(batch.batch_id, f"rows in {store}", number, counts[store].get(batch.batch_id, 0))
            for store, number in expected.items()
        ]
        taken = sum(end - start for start, end in batch.offsets.values())
        read = batch.consumed + batch.lost
        accounted = batch.stored + batch.duplicates + batch.rejected
        found.append(Difference(batch.batch_id, "consumed + lost within Kafka's positions", min(read, taken), read))
        found.append(Difference(batch.batch_id, "stored + duplicates + rejected", batch.consumed, accounted))
    return [difference for difference in found if difference.expected != difference.found]


def gaps(batches: list[BatchCounts], last: Progress) -> list[Difference]:
    """Places where a batch does not begin where the one before it ended; a new checkpoint may begin elsewhere."""
    found = []
    for batch in batches:
        known = _known_ends(batch, last)
        found += [
            Difference(batch.batch_id, f"first position in partition {partition}", known[partition], start)
            for partition, (start, _) in batch.offsets.items()
            if known.get(partition, start) != start
        ]
        last = after(batch, last)
    return found


def after(batch: BatchCounts, last: Progress) -> Progress:
    """How far batches were reconciled once this one is. A new checkpoint keeps nothing of the ends of others."""
    ends = {partition: end for partition, (_, end) in batch.offsets.items()}
    return Progress(batch.batch_id, _known_ends(batch, last) | ends)


def _known_ends(batch: BatchCounts, last: Progress) -> dict[str, int]:
    generations = {batch_id // BATCHES_PER_GENERATION for batch_id in (batch.batch_id, last.batch_id)}
    return last.ends if len(generations) == 1 else {}
