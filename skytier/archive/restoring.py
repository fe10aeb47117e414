"""Restoring archived events to the hot tier, where they are pinned; and deleting them there again once unpinned.

The archive keeps its events, and queries over hot tier and archive still read those: restored documents are a second
copy, for clients that read MongoDB. A restore has two parts with a wait between them. The second decides by the state
stored at that time, for other commands may have run during the wait.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from skytier.alerts import Severity
from skytier.archive.checksum import as_text, digest
from skytier.archive.manifest import Manifest, Restored, State, Visibility
from skytier.archive.ports import LifecycleStores
from skytier.archive.protocol import NEXT, Archiver
from skytier.errors import TerminalError
from skytier.hot_tier import Document

Span = tuple[datetime | None, datetime | None]
"""``[since, until)`` of event_time; None is no bound"""


def of_range(stores: LifecycleStores, since: datetime, until: datetime) -> list[str]:
    """The archives that hold events of ``[since, until)``, oldest first."""
    return [
        known.archive_id
        for known in stores.all()
        if known.state is State.DONE
        and known.event_time_min is not None
        and known.event_time_max is not None
        and known.event_time_min < until
        and known.event_time_max >= since
    ]


def restore(
    stores: LifecycleStores, archive_ids: Sequence[str], since: datetime | None, until: datetime | None
) -> list[Manifest]:
    """Restore the events of archives to the hot tier, or only those of ``[since, until)``.

    They stay there until they are unpinned. Idempotent: a repeated call resumes. Raises TerminalError, and restores
    nothing, if an archive is not done, is being merged, or has another span restored; and if one was unpinned during
    the wait.
    """
    begin(stores, archive_ids, (since, until))
    while (due := insert_announced(stores, archive_ids, (since, until))) is not None:
        # A query that began earlier may not ignore these documents in the hot tier.
        stores.sleep_until(due)
    return [stores.load(archive_id) for archive_id in archive_ids]


def begin(stores: LifecycleStores, archive_ids: Sequence[str], span: Span) -> None:
    """Let queries ignore the events of these archives in the hot tier. Raises as ``restore`` does."""
    with stores.lock():
        for manifest in [_restorable(stores, archive_id, span) for archive_id in archive_ids]:
            _announce(stores, manifest, span)


def insert_announced(stores: LifecycleStores, archive_ids: Sequence[str], span: Span) -> datetime | None:
    """Insert the events of archives that were announced; returns None, or when it is due if that is too early.

    Raises TerminalError, and inserts nothing, if one of them was unpinned or changed meanwhile.
    """
    with stores.lock():
        chosen = [_announced(stores, archive_id, span) for archive_id in archive_ids]
        grace = timedelta(seconds=stores.timing().grace_seconds)
        due = max((m.restored.shown_at + grace for m in chosen if m.restored and m.restored.shown_at), default=None)
        if due is not None and stores.now() < due:
            return due
        for manifest in chosen:
            _insert(stores, manifest)
    return None


def _restorable(stores: LifecycleStores, archive_id: str, span: Span) -> Manifest:
    manifest = stores.load(archive_id)
    if manifest.state is not State.DONE:
        advice = ": 'skytier archive hold' prevents its deletion" if manifest.state is State.EXPIRING else ""
        raise TerminalError(f"{archive_id} is {manifest.state}{advice}: only an archive that is done can be restored.")
    if (under_way := stores.under_way()) is not None and archive_id in under_way.sources:
        raise TerminalError(
            f"{archive_id} is being merged into {under_way.archive_id}: complete that with 'skytier archive run' and "
            f"restore {under_way.archive_id}, or abandon {under_way.archive_id}."
        )
    known = manifest.restored
    if known is not None and (known.since, known.until) != span:
        raise TerminalError(
            f"{archive_id} is restored already, from {known.since or 'its first event'} to "
            f"{known.until or 'its last'}: remove that from the hot tier first, with 'skytier archive unpin "
            f"{archive_id}' and 'skytier archive run'."
        )
    return manifest


def _announce(stores: LifecycleStores, manifest: Manifest, span: Span) -> Manifest:
    since, until = span
    restored = Restored(since=since, until=until, at=stores.now(), pinned=True, complete=False)
    after = manifest.model_copy(update={"restored": restored})
    stores.save(after)
    _exclude(stores, after)
    stores.set_visibility(after, Visibility.RESTORED)
    after = after.model_copy(update={"restored": restored.model_copy(update={"shown_at": stores.now()})})
    stores.save(after)
    return after


def _exclude(stores: LifecycleStores, manifest: Manifest) -> None:
    """Exclude the restored events from an archive that is under way."""
    under_way = stores.under_way()
    if under_way is None or under_way.sources or under_way.state not in NEXT:
        return
    more = tuple(selection for selection in manifest.selections if selection not in under_way.excluded)
    if more:
        stores.save(under_way.model_copy(update={"excluded": under_way.excluded + more}))


def _announced(stores: LifecycleStores, archive_id: str, span: Span) -> Manifest:
    """The archive as it is stored after the wait."""
    manifest = _restorable(stores, archive_id, span)
    if manifest.restored is None or not manifest.restored.pinned:
        raise TerminalError(
            f"{archive_id} was unpinned before its events were inserted: nothing was restored. Run 'skytier archive "
            f"restore {archive_id}' again if you still want it."
        )
    # An earlier restore was killed before its commit.
    return manifest if manifest.restored.shown_at else _announce(stores, manifest, span)


def _insert(stores: LifecycleStores, manifest: Manifest) -> None:
    assert manifest.restored is not None
    since, until = manifest.restored.since, manifest.restored.until
    documents = 0
    for part in _chosen(stores, manifest):
        stores.insert(part)
        documents += len(part)
    after = manifest.model_copy(update={"restored": manifest.restored.model_copy(update={"complete": True})})
    stores.save(after)
    stores.note("restore", manifest.archive_id, documents=documents, since=since, until=until)


def _chosen(stores: LifecycleStores, manifest: Manifest) -> Iterator[list[Document]]:
    """The documents of an archive that are to be restored; their times are naive UTC."""
    assert manifest.restored is not None
    since, until = (_naive(moment) for moment in (manifest.restored.since, manifest.restored.until))
    for documents in stores.documents(manifest):
        yield [
            document
            for document in documents
            if (since is None or document["event_time"] >= since) and (until is None or document["event_time"] < until)
        ]


def _naive(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC).replace(tzinfo=None) if moment else None


def unpin(stores: LifecycleStores, archive_id: str) -> Manifest:
    """Unpin restored events: the next run deletes them from the hot tier."""
    with stores.lock():
        manifest = stores.load(archive_id)
        if manifest.restored is None:
            raise TerminalError(f"{archive_id} is not restored: there is nothing to unpin.")
        after = manifest.model_copy(update={"restored": manifest.restored.model_copy(update={"pinned": False})})
        stores.save(after)
        stores.note("unpin", archive_id)
    return after


def unpinned(stores: LifecycleStores) -> list[Manifest]:
    """The archives whose restored events the next run deletes from the hot tier, or whose return was interrupted."""
    known = [stores.load(archive_id) for archive_id in sorted(stores.with_visibility(Visibility.RESTORED))]
    return [manifest for manifest in known if manifest.restored is None or not manifest.restored.pinned]


def return_unpinned(stores: LifecycleStores) -> None:
    """Delete the restored events of all unpinned archives from the hot tier. The caller holds the lock."""
    for manifest in unpinned(stores):
        return_events(stores, manifest)


def return_events(stores: LifecycleStores, manifest: Manifest) -> Manifest:
    """Delete the restored events of an archive from the hot tier, after comparing them with the archive's.

    The caller holds the lock. Raises TerminalError, and an alert, if one was changed there, or a file is damaged: then
    none is deleted.
    """
    documents, checksum = 0, 0
    try:
        for part in stores.documents(manifest):
            there, total = _unchanged(stores, manifest, part)
            documents, checksum = documents + there, checksum + total
    except TerminalError as error:
        stores.alert(Severity.CRITICAL, f"return of {manifest.archive_id}", str(error))
        raise
    Archiver(stores, stores.timing()).delete(manifest)
    # Saved first: the visibility is how the next run finds an interrupted return.
    after = manifest.model_copy(update={"restored": None})
    stores.save(after)
    stores.set_visibility(after, Visibility.PURGED)
    stores.note("return", manifest.archive_id, documents=documents, checksum=as_text(checksum))
    return after


def _unchanged(stores: LifecycleStores, manifest: Manifest, archived: Sequence[Document]) -> tuple[int, int]:
    """How many of these documents are in the hot tier, and the sum of their digests.

    Raises TerminalError if one of them differs from the archive's.
    """
    digests = {document["_id"]: digest(document) for document in archived}
    found = stores.hot_documents(list(digests))
    if changed := [document["_id"] for document in found if digest(document) != digests[document["_id"]]]:
        raise TerminalError(
            f"{manifest.archive_id} cannot leave the hot tier: {len(changed)} of its restored events were changed "
            f"there, {changed[0]} first. Nothing was deleted. Delete those that are wrong from the hot tier, or undo "
            "the change; the next run resumes."
        )
    return len(found), sum(digests[document["_id"]] for document in found)
