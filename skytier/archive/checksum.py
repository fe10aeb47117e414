"""The archive's checksum: a digest of each document's content, and their sum, which does not depend on order.

The sum of digests modulo 2**128 is a multiset hash (Clarke et al., 2003): the sums of parts, computed in parallel
and in any order, add up to the sum of all. Equal sums and counts on both sides prove that a copy holds the
same documents.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import bson

from skytier.archive.manifest import Tally
from skytier.hot_tier import Document

MODULUS = 2**128


def digest(document: Document) -> int:
    """128 bits of BLAKE2b of the document's BSON, its fields in the order of their names: equal for equal content."""
    return int.from_bytes(hashlib.blake2b(bson.encode(_sorted(document)), digest_size=16).digest(), "big")


def checksum(documents: Iterable[Document]) -> str:
    """The sum of the documents' digests, as 32 hexadecimal digits."""
    return as_text(sum(map(digest, documents)))


def as_text(total_of_digests: int) -> str:
    """A sum of digests as manifests and tables store it: modulo 2**128, 32 hexadecimal digits."""
    return f"{total_of_digests % MODULUS:032x}"


def total(tallies: Sequence[Tally]) -> Tally:
    """The count and checksum of all parts together."""
    digests = sum(int(tally.checksum, 16) for tally in tallies)
    return Tally(documents=sum(tally.documents for tally in tallies), checksum=as_text(digests))


def _sorted(value: Document) -> Document:
    return {name: _ordered(value[name]) for name in sorted(value)}


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return _sorted(value)
    return [_ordered(item) for item in value] if isinstance(value, list) else value
