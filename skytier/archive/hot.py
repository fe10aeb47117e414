"""What the archive asks of the hot tier: how large it is, which events are oldest, and to delete those that moved.

Every function that asks raises TransientError when the server does not answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bson.codec_options import CodecOptions, DatetimeConversion
from pymongo import ASCENDING, MongoClient
from pymongo.collection import Collection

from skytier import hot_tier
from skytier.archive.manifest import Selection
from skytier.hot_tier import Document
from skytier.settings.mongodb import MongoSettings

# BSON's times are of whole milliseconds.
_RESOLUTION = timedelta(milliseconds=1)
EXACT: CodecOptions[Document] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_AUTO)


@dataclass(frozen=True)
class HotSize:
    """The size of the hot tier: what its documents and indexes take.

    What a delete frees on disk is not given back, to documents as to indexes, but filled again: it is not counted.
    """

    data_bytes: int
    index_bytes: int
    documents: int

    @property
    def total_bytes(self) -> int:
        """What is compared with the limit."""
        return self.data_bytes + self.index_bytes


@hot_tier.answering()
def size(connection: MongoClient[Document]) -> HotSize:
    """The size now: of all that the database holds, by dbStats; ``documents`` are the events alone."""
    found = connection[MongoSettings().database].command("dbStats", freeStorage=1)
    index_bytes = int(found["indexSize"]) - int(found["indexFreeStorageSize"])
    documents = hot_tier.events(connection).estimated_document_count()
    return HotSize(int(found["dataSize"]), index_bytes, documents)


def exact_events(connection: MongoClient[Document]) -> Collection[Document]:
    """The collection of the flight events, read so that every value keeps its BSON type; times are naive UTC."""
    return hot_tier.events(connection).with_options(codec_options=EXACT)


def chosen(selection: Selection, excluded: Sequence[Selection] = ()) -> Document:
    """The filter of the events of a selection, but for those of the excluded ones."""
    return {"_id": {"$type": "string"}, **_of(selection)} | ({"$nor": [_of(e) for e in excluded]} if excluded else {})


def _of(selection: Selection) -> Document:
    spans = [{"batch_id": {"$gte": span.first, "$lte": span.last}} for span in selection.batches]
    # Without a complete batch nothing is chosen.
    return {"event_time": {"$lt": selection.event_time_before}, "$or": spans or [{"batch_id": {"$in": []}}]}


@hot_tier.answering()
def count(connection: MongoClient[Document], which: Document) -> int:
    """The events that a filter finds."""
    return hot_tier.events(connection).count_documents(which)


@hot_tier.answering()
def just_after_oldest(connection: MongoClient[Document], which: Document, number: int) -> datetime | None:
    """The time right after the ``number``-th oldest event that a filter finds; None where there are fewer."""
    found = hot_tier.events(connection).find(which, {"event_time": 1}).sort("event_time", ASCENDING)
    last = next(iter(found.skip(number - 1).limit(1)), None)
    return last["event_time"].astimezone(UTC) + _RESOLUTION if last else None


@hot_tier.answering()
def range_starts(connection: MongoClient[Document], which: Document, ranges: int) -> tuple[str, ...]:
    """The lowest ``_id`` of each of about ``ranges`` key ranges of like size but the first, ascending."""
    pipeline: list[dict[str, Any]] = [
        {"$match": which},
        {"$bucketAuto": {"groupBy": "$_id", "buckets": max(1, ranges)}},
    ]
    buckets = hot_tier.events(connection).aggregate(pipeline, allowDiskUse=True)
    return tuple(bucket["_id"]["min"] for bucket in buckets)[1:]


def in_range(which: Document, starts: Sequence[str], number: int) -> Document:
    """A filter narrowed to one key range."""
    lower = {"$gte": starts[number - 1]} if number else {}
    upper = {"$lt": starts[number]} if number < len(starts) else {}
    return which | {"_id": which["_id"] | lower | upper}


@hot_tier.answering()
def delete(connection: MongoClient[Document], ids: Sequence[str]) -> None:
    """Delete the events of these ids; one that is not there is no error."""
    hot_tier.events(connection).delete_many({"_id": {"$in": list(ids)}})
