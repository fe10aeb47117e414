"""Documents in the collection of events that are none, as somebody may write them by hand: found, named, set aside.

They move, byte for byte, into a collection of their own, ``<collection>_set_aside``: nothing is lost, and the archive
goes on without them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import bson
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient
from pymongo.collection import Collection

from skytier import hot_tier
from skytier.archive.hot import EXACT
from skytier.documents import digest
from skytier.hot_tier import Document
from skytier.settings.mongodb import MongoSettings

EARLIEST, LATEST = datetime(1678, 1, 1, tzinfo=UTC), datetime(2262, 1, 1, tzinfo=UTC)
"""event_time is from the one to before the other: what 64 bits of nanoseconds hold, as many readers of Parquet do"""
WHERE = "What was set aside is kept, as it was, in the collection <collection of the events>_set_aside of MongoDB."
_MOST_NAMED = 20
_RAW: CodecOptions[RawBSONDocument] = CodecOptions(
    document_class=RawBSONDocument,
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
    unicode_decode_error_handler="replace",
)
_NO_EVENT: dict[str, Document] = {
    "its _id is no text": {"_id": {"$not": {"$type": "string"}}},
    "its event_time is no date": {"event_time": {"$not": {"$type": "date"}}},
    f"its event_time is before {EARLIEST:%Y} or after {LATEST:%Y}": {
        "event_time": {"$type": "date"},
        "$or": [{"event_time": {"$lt": EARLIEST}}, {"event_time": {"$gte": LATEST}}],
    },
    "its batch_id is no whole number": {"batch_id": {"$not": {"$type": ["int", "long"]}}},
}
Misfit = tuple[RawBSONDocument, str]
"""a document as it is stored, and why it is no event"""


def collection(connection: MongoClient[Document]) -> Collection[Document]:
    """Where they are kept. Fields: reason, set_aside_at, document."""
    settings = MongoSettings()
    return connection[settings.database][f"{settings.collection}_set_aside"]


def no_events(connection: MongoClient[Document]) -> Iterator[Misfit]:
    """The documents that no selection can have, or that would be chosen first of all, by the server's own filters."""
    for reason, which in _NO_EVENT.items():
        for document in _raw(connection).find(which):
            yield document, reason


def unreadable(connection: MongoClient[Document], which: Document) -> Iterator[Misfit]:
    """The documents that a filter finds and whose content cannot be read, or not be written as it was read."""
    for document in _raw(connection).find(which):
        try:
            digest(bson.decode(document.raw, EXACT))
        except (BSONError, ValueError, TypeError, OverflowError, RecursionError) as error:
            yield document, f"it cannot be read ({error})"


@hot_tier.answering()
def set_aside(connection: MongoClient[Document], found: Iterable[Misfit]) -> list[str]:
    """Move documents; what was moved and why, in sentences. Doing it again after it was cut off doubles nothing."""
    said: list[str] = []
    number = 0
    for document, reason in found:
        kept = {"reason": reason, "set_aside_at": datetime.now(UTC), "document": document}
        name = hashlib.blake2b(document.raw, digest_size=16).hexdigest()
        collection(connection).replace_one({"_id": name}, kept, upsert=True)
        _raw(connection).delete_one({"_id": document["_id"]})
        number += 1
        if number <= _MOST_NAMED:
            said.append(f"The document with _id {document['_id']!r} is no event: {reason}.")
    if number > _MOST_NAMED:
        said.append(f"So are {number - _MOST_NAMED} more.")
    return said


def _raw(connection: MongoClient[Document]) -> Collection[Any]:
    return hot_tier.events(connection).with_options(codec_options=_RAW)
