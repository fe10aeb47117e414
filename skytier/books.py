"""The books: every batch counted again in every store, by other means than the job that wrote it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from pymongo import MongoClient

from skytier import batches, hot_tier, stored_document
from skytier.batches import BatchSpan
from skytier.files import Files
from skytier.sql import Connection
from skytier.warehouse import parquet

BALANCE = f"{batches.METADATA}/books.json"
Offsets = dict[str, tuple[int, int]]
_FOLDERS_AT_ONCE = 100


@dataclass(frozen=True)
class Entry:
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
    """Two numbers of a batch that ought to be equal."""

    batch_id: int
    what: str
    expected: int
    found: int

    def __str__(self) -> str:
        return f"batch {self.batch_id}: {self.what}: expected {self.expected}, found {self.found}"


@dataclass(frozen=True)
class Balance:
    """How far the books were checked: the last batch, and where each partition was left."""

    batch_id: int
    ends: dict[str, int]


@dataclass(frozen=True)
class Report:
    """Which batches were checked and what did not agree."""

    checked: list[Entry]
    differences: list[Difference]


_BALANCE = TypeAdapter(Balance)
_REPAIR = (
    "It says how far the batches were reconciled. Delete it: the next check counts every batch again, which takes "
    f"longer and loses nothing ({stored_document.REPAIRS})."
)


def check(connection: Connection, hot: MongoClient[hot_tier.Document], files: Files) -> Report:
    """Check every batch since the last successful check; remember how far, if all agree.

    Raises TransientError when a store does not answer.
    """
    last = _last_balance(files)
    entries = _entries(connection, files, last.batch_id)
    if not entries:
        return Report([], [])
    counts = _cold_counts(connection, entries)
    counts["raw"] = _raw_counts(connection, entries)
    times = [t for e in entries for t in (e.ingestion_time_min, e.ingestion_time_max) if t is not None]
    counts["hot tier"] = hot_tier.count_by_batch(hot, min(times), max(times)) if times else {}
    if compare(entries, counts):
        # Batches that are checked once more may have left the hot tier in part.
        counts["hot tier"] = _counts_in_both_tiers(connection, entries)
    differences = compare(entries, counts) + gaps(entries, last)
    if not differences:
        _remember(files, entries, last)
    return Report(entries, differences)


def balanced(connection: Connection, files: Files) -> tuple[BatchSpan, ...]:
    """The batches whose books are known to balance, a span for each checkpoint: what is in them is in every store.

    A batch that was cut off and whose checkpoint was lost is in no span.
    """
    last = _last_balance(files).batch_id
    rows = connection.query(
        f"SELECT min(batch_id), max(batch_id) FROM flight_dw.batch_metadata WHERE batch_id <= {last} "
        f"GROUP BY batch_id DIV {batches.BATCHES_PER_GENERATION} ORDER BY 1"
    ).rows
    return tuple(BatchSpan(first=first, last=end) for first, end in rows)


def compare(entries: list[Entry], counts: dict[str, dict[int, int]]) -> list[Difference]:
    """The batches whose own numbers, or whose numbers in a store, do not agree. ``counts``: store, batch, rows."""
    found = []
    for entry in entries:
        expected = {
            "raw": entry.consumed,
            "staging": entry.stored,
            "fact": entry.stored,
            "rejected": entry.rejected,
            "hot tier": entry.stored,
        }
        taken = sum(end - start for start, end in entry.offsets.values())
        accounted = entry.stored + entry.duplicates + entry.rejected
        found += [
            Difference(entry.batch_id, f"rows in {store}", number, counts[store].get(entry.batch_id, 0))
            for store, number in expected.items()
        ]
        read = entry.consumed + entry.lost
        found.append(Difference(entry.batch_id, "consumed + lost within Kafka's positions", min(read, taken), read))
        found.append(Difference(entry.batch_id, "stored + duplicates + rejected", entry.consumed, accounted))
    return [difference for difference in found if difference.expected != difference.found]


def gaps(entries: list[Entry], last: Balance) -> list[Difference]:
    """Places where a batch does not begin where the one before it ended; a new checkpoint may begin anew."""
    found = []
    for entry in entries:
        known = _known_ends(entry, last)
        found += [
            Difference(entry.batch_id, f"first position in partition {partition}", known[partition], start)
            for partition, (start, _) in entry.offsets.items()
            if known.get(partition, start) != start
        ]
        last = after(entry, last)
    return found


def after(entry: Entry, last: Balance) -> Balance:
    """How far the books were checked once a batch is. Where its checkpoint begins anew, nothing of others is kept."""
    ends = {partition: end for partition, (_, end) in entry.offsets.items()}
    return Balance(entry.batch_id, _known_ends(entry, last) | ends)


def _known_ends(entry: Entry, last: Balance) -> dict[str, int]:
    generations = {batch // batches.BATCHES_PER_GENERATION for batch in (entry.batch_id, last.batch_id)}
    return last.ends if len(generations) == 1 else {}


def _last_balance(files: Files) -> Balance:
    if not files.exists(BALANCE):
        return Balance(0, {})
    return stored_document.read(files, BALANCE, _BALANCE, "the check", _REPAIR)


def _remember(files: Files, entries: list[Entry], last: Balance) -> None:
    for entry in entries:
        last = after(entry, last)
    files.write_json_atomically(BALANCE, {"batch_id": last.batch_id, "ends": last.ends})


def _entries(connection: Connection, files: Files, after: int) -> list[Entry]:
    """The complete batches after one, oldest first."""
    rows = connection.query(
        "SELECT batch_id, consumed, stored, duplicates, rejected, coalesce(lost, 0) AS lost, kafka_offsets, "
        "ingestion_time_min, ingestion_time_max, storage_location "
        f"FROM flight_dw.batch_metadata WHERE batch_id > {after} ORDER BY batch_id"
    ).dicts()
    # Only the newest can lack its mark: then it is still under way, or will be repeated.
    if rows and not batches.is_marked(files, rows[-1]["batch_id"]):
        rows.pop()
    return [Entry(**(_without_offsets(row)), offsets=_offsets(row["kafka_offsets"])) for row in rows]


def _without_offsets(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "kafka_offsets"}


def _offsets(text: str) -> Offsets:
    (topic,) = json.loads(text).values()
    return {partition: (start, end) for partition, (start, end) in topic.items()}


def _counts_in_both_tiers(connection: Connection, entries: list[Entry]) -> dict[int, int]:
    """Events of each batch that are in the hot tier or in an archive, each once."""
    first, last = entries[0].batch_id, entries[-1].batch_id
    rows = connection.query(
        "SELECT batch_id, count(*) FROM tiers.flight_events "
        f"WHERE batch_id BETWEEN {first} AND {last} GROUP BY batch_id"
    ).rows
    return dict(rows)


def _raw_counts(connection: Connection, entries: list[Entry]) -> dict[int, int]:
    """Records in the raw folder of each batch."""
    counts: dict[int, int] = {}
    for start in range(0, len(entries), _FOLDERS_AT_ONCE):
        query = " UNION ALL ".join(
            f"SELECT {entry.batch_id}L, count(*) FROM {parquet(entry.storage_location)}"
            for entry in entries[start : start + _FOLDERS_AT_ONCE]
        )
        counts |= dict(connection.query(query).rows)
    return counts


def _cold_counts(connection: Connection, entries: list[Entry]) -> dict[str, dict[int, int]]:
    """Rows of each batch by table."""
    first, last = entries[0].batch_id, entries[-1].batch_id
    stores = ("staging", "fact", "rejected")
    query = " UNION ALL ".join(
        f"SELECT '{store}' AS store, batch_id, count(*) AS found FROM flight_dw.{store}_flight_events "
        f"WHERE batch_id BETWEEN {first} AND {last} GROUP BY batch_id"
        for store in stores
    )
    counts: dict[str, dict[int, int]] = {store: {} for store in stores}
    for store, batch, found in connection.query(query).rows:
        counts[store][batch] = found
    return counts
