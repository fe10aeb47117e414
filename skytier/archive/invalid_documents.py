"""Documents of the hot tier that are no events, such as documents inserted by hand: found, reported, set aside.

They are moved unchanged, byte for byte, to the collection ``<collection>_set_aside``, and the archive continues without
them.
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
from pymongo.collection import Collection

from skytier import hot_tier
from skytier.archive.checksum import digest
from skytier.archive.hot import EXACT, Events
from skytier.hot_tier import Document

EARLIEST, LATEST = datetime(1678, 1, 1, tzinfo=UTC), datetime(2262, 1, 1, tzinfo=UTC)
"""the range of a valid event_time: what 64 bits of nanoseconds hold, as many readers of Parquet use them"""
_EXAMPLES = 20
_RAW: CodecOptions[RawBSONDocument] = CodecOptions(
    document_class=RawBSONDocument,
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
    unicode_decode_error_handler="replace",
)
_RULES: dict[str, Document] = {
    "its _id is not a string": {"_id": {"$not": {"$type": "string"}}},
    "its event_time is not a date": {"event_time": {"$not": {"$type": "date"}}},
    f"its event_time is before {EARLIEST:%Y} or after {LATEST.year - 1}": {
        "event_time": {"$type": "date"},
        "$or": [{"event_time": {"$lt": EARLIEST}}, {"event_time": {"$gte": LATEST}}],
    },
    "its batch_id is not an integer": {"batch_id": {"$not": {"$type": ["int", "long"]}}},
}
InvalidDocument = tuple[RawBSONDocument, str]
"""a document as it is stored, and why it is no event"""


def set_aside_collection(events: Events) -> Collection[Document]:
    """Where invalid documents are kept. Fields: reason, set_aside_at, document."""
    return events.database[f"{events.name}_set_aside"]


def where(events: Events) -> str:
    """A sentence for users: where the documents are now."""
    return f"They are kept unchanged in the collection {set_aside_collection(events).full_name} of MongoDB."


def violating_rules(events: Events) -> Iterator[InvalidDocument]:
    """The documents that no selection matches, or that every selection would match first, by filters of the server."""
    for reason, which in _RULES.items():
        for document in _raw(events).find(which):
            yield document, reason


def unreadable(events: Events, which: Document) -> Iterator[InvalidDocument]:
    """The documents that match a filter and cannot be decoded, or not be encoded again as they were."""
    for document in _raw(events).find(which):
        try:
            digest(bson.decode(document.raw, EXACT))
        except (BSONError, ValueError, TypeError, OverflowError, RecursionError) as error:
            yield document, f"it cannot be read ({error})"


@hot_tier.answering()
def set_aside(events: Events, found: Iterable[InvalidDocument]) -> list[str]:
    """Move documents; returns a sentence for each, with the reason. Idempotent."""
    messages: list[str] = []
    number = 0
    for document, reason in found:
        kept = {"reason": reason, "set_aside_at": datetime.now(UTC), "document": document}
        name = hashlib.blake2b(document.raw, digest_size=16).hexdigest()
        set_aside_collection(events).replace_one({"_id": name}, kept, upsert=True)
        _raw(events).delete_one({"_id": document["_id"]})
        number += 1
        if number <= _EXAMPLES:
            messages.append(f"The document with _id {document['_id']!r} is no event: {reason}.")
    if number > _EXAMPLES:
        messages.append(f"{number - _EXAMPLES} more documents are no events.")
    return messages


def _raw(events: Events) -> Collection[Any]:
    return events.with_options(codec_options=_RAW)
