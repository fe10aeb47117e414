"""What the archive needs of a collection of the hot tier: its size, its oldest events, and deletes by id.

Every function that queries MongoDB raises TransientError when the server does not answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bson.codec_options import CodecOptions, DatetimeConversion
from pymongo import ASCENDING
from pymongo.collection import Collection
from pymongo.errors import OperationFailure

from skytier import hot_tier
from skytier.archive.manifest import Selection
from skytier.hot_tier import Document

Events = Collection[Document]

# BSON's times are of whole milliseconds.
_RESOLUTION = timedelta(milliseconds=1)
_NAMESPACE_NOT_FOUND = 26
EXACT: CodecOptions[Document] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_AUTO)


@dataclass(frozen=True)
class HotSize:
    """The size of a collection: its documents and its indexes.

    Space that deletes freed in the files is not counted: the server keeps the files and reuses that space.
    """

    data_bytes: int
    index_bytes: int
    documents: int

    @property
    def total_bytes(self) -> int:
        """What is compared with the limit."""
        return self.data_bytes + self.index_bytes


@hot_tier.answering()
def size(events: Events) -> HotSize:
    """The size of the collection now, by ``$collStats``; zero where there is no collection.

    The same quantity as ``dataSize + indexSize - indexFreeStorageSize`` of ``dbStats``, of this collection alone. On a
    sharded cluster it is the sum over the shards.
    """
    try:
        shards = [found["storageStats"] for found in events.aggregate([{"$collStats": {"storageStats": {}}}])]
    except OperationFailure as error:
        if error.code != _NAMESPACE_NOT_FOUND:
            raise
        shards = []
    return HotSize(
        data_bytes=sum(int(stats["size"]) for stats in shards),
        index_bytes=sum(int(stats["totalIndexSize"]) - _free_index_bytes(stats) for stats in shards),
        documents=sum(int(stats["count"]) for stats in shards),
    )


def _free_index_bytes(stats: Document) -> int:
    """The free space in the files of a collection's indexes."""
    details = stats.get("indexDetails", {}).values()
    return sum(int(index.get("block-manager", {}).get("file bytes available for reuse", 0)) for index in details)


def exact(events: Events) -> Events:
    """The collection, read so that every value keeps its BSON type; times are naive UTC."""
    return events.with_options(codec_options=EXACT)


def matching(selection: Selection, excluded: Sequence[Selection] = ()) -> Document:
    """The filter of the events of a selection that are in none of the excluded ones."""
    return {"_id": {"$type": "string"}, **_of(selection)} | ({"$nor": [_of(e) for e in excluded]} if excluded else {})


def _of(selection: Selection) -> Document:
    spans = [{"batch_id": {"$gte": span.first, "$lte": span.last}} for span in selection.batches]
    # Without a complete batch nothing matches.
    return {"event_time": {"$lt": selection.event_time_before}, "$or": spans or [{"batch_id": {"$in": []}}]}


@hot_tier.answering()
def count(events: Events, which: Document) -> int:
    """The number of events that match a filter."""
    return events.count_documents(which)


@hot_tier.answering()
def just_after_oldest(events: Events, which: Document, number: int) -> datetime | None:
    """The time right after the ``number``-th oldest event that matches a filter; None if there are fewer."""
    found = events.find(which, {"event_time": 1}).sort("event_time", ASCENDING)
    last = next(iter(found.skip(number - 1).limit(1)), None)
    return last["event_time"].astimezone(UTC) + _RESOLUTION if last else None


@hot_tier.answering()
def range_starts(events: Events, which: Document, ranges: int) -> tuple[str, ...]:
    """The lowest ``_id`` of each of about ``ranges`` key ranges of similar size but the first, ascending."""
    pipeline: list[dict[str, Any]] = [
        {"$match": which},
        {"$bucketAuto": {"groupBy": "$_id", "buckets": max(1, ranges)}},
    ]
    buckets = events.aggregate(pipeline, allowDiskUse=True)
    return tuple(bucket["_id"]["min"] for bucket in buckets)[1:]


def in_range(which: Document, starts: Sequence[str], number: int) -> Document:
    """A filter narrowed to one key range."""
    lower = {"$gte": starts[number - 1]} if number else {}
    upper = {"$lt": starts[number]} if number < len(starts) else {}
    return which | {"_id": which["_id"] | lower | upper}


@hot_tier.answering()
def delete(events: Events, ids: Sequence[str]) -> None:
    """Delete the events with these ids; an id that does not exist is no error."""
    events.delete_many({"_id": {"$in": list(ids)}})


@hot_tier.answering()
def find(events: Events, ids: Sequence[str]) -> list[Document]:
    """The events with these ids, every value of its BSON type."""
    return list(exact(events).find({"_id": {"$in": list(ids)}}))
