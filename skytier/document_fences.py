"""Writes to MongoDB that a process which has lost its lease cannot commit, however late its statement arrives.

Each lease has some fence documents, which hold the token of the newest holder that writes. A write is a transaction
that changes one of them, if it holds the writer's own token. Whoever takes over raises them first: that waits for
transactions under way, and those that come later find another token.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from pymongo import MongoClient, ReplaceOne, UpdateOne
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from skytier.errors import LeaseLostError
from skytier.fence import Fence
from skytier.files import Files
from skytier.hot_tier import DUPLICATE_KEY, Document

COLLECTION = "lease_fences"
_SLOTS = 16  # workers that write at once change documents of their own


class FencedCollection:
    """A collection that a holder of the lease of ``files`` changes."""

    def __init__(self, connection: MongoClient[Document], into: Collection[Document], files: Files) -> None:
        self._connection, self._into, self._files = connection, into, files
        self._raised: Fence | None = None

    def require(self) -> None:
        """Raises LeaseLostError when the lease is lost; from now on no earlier holder inserts."""
        self._files.require()
        fence = self._files.fence
        if fence is not None and fence != self._raised:
            raise_to(self._into.database[COLLECTION], fence)
            self._raised = fence

    def insert_missing(self, documents: Sequence[Document]) -> None:
        """Insert those documents that are not there. Raises LeaseLostError, and inserts none, if the lease is lost."""
        self.require()
        fences = [fence] if (fence := self._files.fence) is not None else []
        if documents:
            write(self._connection, self._into, documents, fences, writer=0, replace=False)


def raise_to(fences: Collection[Document], fence: Fence) -> None:
    """Let the holder of a lease write, and none before it. Raises LeaseLostError when a later holder has done that."""
    raised = [
        UpdateOne({"_id": _key(fence, slot), "token": {"$lte": fence.token}}, {"$set": {"token": fence.token}}, True)
        for slot in range(_SLOTS)
    ]
    try:
        fences.bulk_write(raised, ordered=False)
    except BulkWriteError as error:
        if any(fault["code"] != DUPLICATE_KEY for fault in error.details["writeErrors"]):
            raise
        raise _lost(fence) from error


def write(
    connection: MongoClient[Document],
    into: Collection[Document],
    documents: Sequence[Document],
    fences: Sequence[Fence],
    writer: int,
    *,
    replace: bool = True,
) -> None:
    """Insert documents, replace those that are there unless they are to stay, in one transaction of a holder of leases.

    ``writer`` is the number of who writes, so that those who write at once do not wait for each other. Raises
    LeaseLostError, and writes nothing, when another process holds one of the leases.
    """
    slot = writer % _SLOTS
    wanted = {document["_id"]: document for document in documents}
    with connection.start_session() as session:

        def transaction(change: Callable[[ClientSession], None]) -> None:
            session.with_transaction(partial(_fenced, fences=fences, slot=slot, into=into, change=change))

        try:  # mostly none is there, and to look for each would cost as much as to insert it
            transaction(partial(_insert, into=into, wanted=wanted))
        except BulkWriteError as error:
            if any(fault["code"] != DUPLICATE_KEY for fault in error.details["writeErrors"]):
                raise
            transaction(partial(_merge, into=into, wanted=wanted, replace=replace))


def _fenced(
    session: ClientSession,
    fences: Sequence[Fence],
    slot: int,
    into: Collection[Document],
    change: Callable[[ClientSession], None],
) -> None:
    for fence in fences:
        own: dict[str, Any] = {"_id": _key(fence, slot), "token": fence.token}
        if not into.database[COLLECTION].update_one(own, {"$inc": {"writes": 1}}, session=session).matched_count:
            raise _lost(fence)
    change(session)


def _insert(session: ClientSession, into: Collection[Document], wanted: Mapping[Any, Document]) -> None:
    into.insert_many(wanted.values(), session=session)


def _merge(session: ClientSession, into: Collection[Document], wanted: Mapping[Any, Document], replace: bool) -> None:
    known = {found["_id"] for found in into.find({"_id": {"$in": list(wanted)}}, {"_id": 1}, session=session)}
    if new := [document for key, document in wanted.items() if key not in known]:
        into.insert_many(new, session=session)
    if known and replace:
        again = [ReplaceOne({"_id": key}, wanted[key]) for key in known]
        into.bulk_write(again, ordered=False, session=session)


def _key(fence: Fence, slot: int) -> str:
    return f"{fence.lease}/{slot}"


def _lost(fence: Fence) -> LeaseLostError:
    return LeaseLostError(
        f"MongoDB takes no more documents by token {fence.token} of the lease {fence.lease}: another process has taken "
        "over its work. Nothing more is written; the next run does what is left."
    )
