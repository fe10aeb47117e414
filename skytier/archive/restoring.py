"""Archived events back in the hot tier, pinned there; and, unpinned, deleted from it again.

An archive keeps its events meanwhile, and queries over both tiers go on counting those: what is restored is a second
copy, for whoever reads the hot tier. A restore has two parts with a wait between them; the second decides by what is
stored then, for anything may have been done in the wait.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from skytier.alerts import Severity
from skytier.archive.manifest import Manifest, Restored, State, Visible
from skytier.archive.ports import LifecycleStores
from skytier.archive.protocol import MODULUS, NEXT, Archiver
from skytier.documents import digest
from skytier.errors import TerminalError
from skytier.hot_tier import Document

Span = tuple[datetime | None, datetime | None]
"""[since, until): which events of an archive by their time; None where there is no bound"""


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
    """Put the events of archives back into the hot tier, those of ``[since, until)`` where it is given.

    They stay until they are unpinned. Cut off and done again it goes on. Raises TerminalError for an archive that is
    not done, of which another span is restored, or that is being merged, and then nothing is restored; and for one
    that was unpinned in the wait.
    """
    begin(stores, archive_ids, (since, until))
    while (due := put_back(stores, archive_ids, (since, until))) is not None:
        # A query that began before this may not know that these hot events are in an archive too.
        stores.sleep_until(due)
    return [stores.load(archive_id) for archive_id in archive_ids]


def begin(stores: LifecycleStores, archive_ids: Sequence[str], span: Span) -> None:
    """Tell queries that events of these archives may be in the hot tier, too. Raises as ``restore`` does."""
    with stores.alone():
        for manifest in [_restorable(stores, archive_id, span) for archive_id in archive_ids]:
            _announce(stores, manifest, span)


def put_back(stores: LifecycleStores, archive_ids: Sequence[str], span: Span) -> datetime | None:
    """Insert the events of archives that were announced; when that is too early, the time from which on it may be.

    Raises TerminalError, and inserts nothing, when one of them was unpinned or changed otherwise meanwhile.
    """
    with stores.alone():
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
        advice = ": 'skytier archive hold' keeps it" if manifest.state is State.EXPIRING else ""
        raise TerminalError(f"{archive_id} is {manifest.state}{advice}: only an archive that is done can be restored.")
    if (under_way := stores.under_way()) is not None and archive_id in under_way.sources:
        raise TerminalError(
            f"{archive_id} is being merged into {under_way.archive_id}: 'skytier archive run' ends that, then restore "
            f"{under_way.archive_id}; or abandon it first."
        )
    known = manifest.restored
    if known is not None and (known.since, known.until) != span:
        raise TerminalError(
            f"{archive_id} is restored already, from {known.since or 'its first event'} to "
            f"{known.until or 'its last'}: 'skytier archive unpin {archive_id}' and 'skytier archive run' send that "
            "back first."
        )
    return manifest


def _announce(stores: LifecycleStores, manifest: Manifest, span: Span) -> Manifest:
    since, until = span
    restored = Restored(since=since, until=until, at=stores.now(), pinned=True, complete=False)
    after = manifest.model_copy(update={"restored": restored})
    stores.save(after)
    _exclude(stores, after)
    stores.show(after, Visible.RESTORED)
    after = after.model_copy(update={"restored": restored.model_copy(update={"shown_at": stores.now()})})
    stores.save(after)
    return after


def _exclude(stores: LifecycleStores, manifest: Manifest) -> None:
    """Let an archive that is under way leave alone what comes back to the hot tier beside it."""
    under_way = stores.under_way()
    if under_way is None or under_way.sources or under_way.state not in NEXT:
        return
    more = tuple(selection for selection in manifest.selections if selection not in under_way.excluded)
    if more:
        stores.save(under_way.model_copy(update={"excluded": under_way.excluded + more}))


def _announced(stores: LifecycleStores, archive_id: str, span: Span) -> Manifest:
    """The archive as it is now, after the wait."""
    manifest = _restorable(stores, archive_id, span)
    if manifest.restored is None or not manifest.restored.pinned:
        raise TerminalError(
            f"{archive_id} was unpinned before its events were put back: nothing was restored. Run "
            f"'skytier archive restore {archive_id}' again if it is still wanted."
        )
    # Another restore of it was killed before its commit.
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
    """The documents of an archive that are to be restored. Their times are naive UTC."""
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
    """Let the next run delete the restored events of an archive from the hot tier again."""
    with stores.alone():
        manifest = stores.load(archive_id)
        if manifest.restored is None:
            raise TerminalError(f"{archive_id} is not restored: there is nothing to unpin.")
        after = manifest.model_copy(update={"restored": manifest.restored.model_copy(update={"pinned": False})})
        stores.save(after)
        stores.note("unpin", archive_id)
    return after


def unpinned(stores: LifecycleStores) -> list[Manifest]:
    """The archives whose restored events are to leave the hot tier, or have left it and are not yet shown so."""
    known = [stores.load(archive_id) for archive_id in sorted(stores.shown(Visible.RESTORED))]
    return [manifest for manifest in known if manifest.restored is None or not manifest.restored.pinned]


def send_back(stores: LifecycleStores, manifest: Manifest) -> Manifest:
    """Delete the restored events of an archive from the hot tier: those that it holds, unchanged. The caller is alone.

    Raises TerminalError, and an alert, when one was changed there, or a file is damaged: then none is deleted.
    """
    documents, checksum = 0, 0
    try:
        for part in stores.documents(manifest):
            there, total = _unchanged(stores, manifest, part)
            documents, checksum = documents + there, (checksum + total) % MODULUS
    except TerminalError as error:
        stores.alert(Severity.CRITICAL, f"return of {manifest.archive_id}", str(error))
        raise
    Archiver(stores, stores.timing()).delete(manifest)
    # Saved first: what queries see is how the next run finds an archive whose return was cut off.
    after = manifest.model_copy(update={"restored": None})
    stores.save(after)
    stores.show(after, Visible.PURGED)
    stores.note("return", manifest.archive_id, documents=documents, checksum=f"{checksum:032x}")
    return after


def _unchanged(stores: LifecycleStores, manifest: Manifest, archived: Sequence[Document]) -> tuple[int, int]:
    """How many of these documents are in the hot tier, and the sum of their digests, each the archive's own."""
    digests = {document["_id"]: digest(document) for document in archived}
    found = stores.hot_documents(list(digests))
    if changed := [document["_id"] for document in found if digest(document) != digests[document["_id"]]]:
        raise TerminalError(
            f"{manifest.archive_id} cannot leave the hot tier: {len(changed)} of its restored events were changed "
            f"there, {changed[0]} first. Nothing was deleted. Delete those that are wrong from the hot tier, or undo "
            "the change; the next run goes on."
        )
    return len(found), sum(digests[document["_id"]] for document in found)
