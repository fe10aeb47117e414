"""Tallies of documents by key range, as rows that Spark's workers return, and what they prove together."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise

import pyarrow as pa
from pyspark.sql import Row

from skytier.archive.checksum import checksum, total
from skytier.archive.manifest import Tally
from skytier.archive.ports import Evidence
from skytier.hot_tier import Document

SCHEMA = pa.schema(
    [
        ("key_range", pa.int32()),
        ("documents", pa.int64()),
        ("checksum", pa.string()),
        ("ids_ascend", pa.bool_()),
        ("first_id", pa.string()),
        ("last_id", pa.string()),
        ("first_time", pa.timestamp("us", "UTC")),
        ("last_time", pa.timestamp("us", "UTC")),
    ]
)


def tally(key_range: int, documents: list[Document]) -> pa.RecordBatch:
    """One row of ``SCHEMA`` for some documents of a key range, in the order in which they were read."""
    ids = [document["_id"] for document in documents]
    times = [document["event_time"] for document in documents]
    row = {
        "key_range": key_range,
        "documents": len(documents),
        "checksum": checksum(documents),
        "ids_ascend": all(a < b for a, b in pairwise(ids)),
        "first_id": ids[0],
        "last_id": ids[-1],
        "first_time": min(times),
        "last_time": max(times),
    }
    return pa.RecordBatch.from_pylist([row], schema=SCHEMA)


def tally_by_range(documents: list[Document], starts: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """A row for each key range that some of the documents are in. ``starts``: the lowest id of each but the first."""
    by_range: dict[int, list[Document]] = {}
    for document in documents:
        by_range.setdefault(bisect.bisect_right(starts, document["_id"]), []).append(document)
    for key_range, found in by_range.items():
        yield tally(key_range, found)


def evidence(rows: Sequence[Row], ranges: int) -> Evidence:
    """What all rows prove together, for so many key ranges."""
    ordered = sorted(rows, key=lambda row: str(row.first_id))
    tallies: dict[int, list[Tally]] = {}
    for row in ordered:
        tallies.setdefault(row.key_range, []).append(Tally(documents=row.documents, checksum=row.checksum))
    # The ids of each row ascend, and end before those of the next begin: so no _id occurs twice.
    distinct = all(row.ids_ascend for row in ordered) and all(a.last_id < b.first_id for a, b in pairwise(ordered))
    return Evidence(
        ranges=tuple(total(tallies.get(number, [])) for number in range(ranges)),
        all_distinct=distinct,
        first_id=ordered[0].first_id if ordered else "",
        last_id=ordered[-1].last_id if ordered else "",
        event_time_min=_utc(min((row.first_time for row in ordered), default=None)),
        event_time_max=_utc(max((row.last_time for row in ordered), default=None)),
    )


def _utc(moment: datetime | None) -> datetime | None:
    """Spark returns times in the time zone of this machine."""
    return moment.astimezone(UTC) if moment else None
