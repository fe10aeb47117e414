"""Archived events back in the hot tier, pinned there; and, unpinned, deleted from it again.

An archive keeps its events meanwhile, and queries over both tiers go on counting those: what is restored is a second
copy, for whoever reads the hot tier.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from skytier import hot_tier, logs
from skytier.alerts import Severity
from skytier.archive import audit, hot
from skytier.archive.manifest import Manifest, Restored, State, Visible
from skytier.archive.protocol import MODULUS, Archiver
from skytier.archive.stores import ServerStores
from skytier.documents import digest
from skytier.errors import TerminalError
from skytier.exclusive import ARCHIVE, alone_at
from skytier.hot_tier import Document

log = logs.logger("archive")


def of_range(stores: ServerStores, since: datetime, until: datetime) -> list[str]:
    """The archives that hold events of ``[since, until)``, oldest first."""
    return [
        known.archive_id
        for known in stores.manifests.all()
        if known.state is State.DONE
        and known.event_time_min is not None
        and known.event_time_max is not None
        and known.event_time_min < until
        and known.event_time_max >= since
    ]


def restore(
    stores: ServerStores, archive_ids: Sequence[str], since: datetime | None, until: datetime | None
) -> list[Manifest]:
    """Put the events of archives back into the hot tier, those of ``[since, until)`` where it is given.

    They stay until they are unpinned. Cut off and done again it goes on. Raises TerminalError for an archive that is
    not done, or of which another span is restored; then nothing is restored.
    """
    with alone_at(ARCHIVE):
        chosen = [_restorable(stores, archive_id, since, until) for archive_id in archive_ids]
        begun = [_begin(stores, manifest, since, until) for manifest in chosen]
    if begun:
        # A query that began before this may not know that these hot events are in an archive too.
        stores.wait_for_queries()
    with alone_at(ARCHIVE):
        return [_put_back(stores, manifest) for manifest in begun]


def _restorable(stores: ServerStores, archive_id: str, since: datetime | None, until: datetime | None) -> Manifest:
    manifest = stores.manifests.load(archive_id)
    if manifest.state is not State.DONE:
        raise TerminalError(f"{archive_id} is {manifest.state}: only an archive that is done can be restored.")
    known = manifest.restored
    if known is not None and (known.since, known.until) != (since, until):
        raise TerminalError(
            f"{archive_id} is restored already, from {known.since or 'its first event'} to "
            f"{known.until or 'its last'}: 'skytier archive unpin {archive_id}' and 'skytier archive run' send that "
            "back first."
        )
    return manifest


def _begin(stores: ServerStores, manifest: Manifest, since: datetime | None, until: datetime | None) -> Manifest:
    restored = Restored(since=since, until=until, at=datetime.now(UTC), pinned=True, complete=False)
    after = manifest.model_copy(update={"restored": restored})
    stores.save(after)
    stores.show(after, Visible.RESTORED)
    return after


def _put_back(stores: ServerStores, manifest: Manifest) -> Manifest:
    assert manifest.restored is not None
    since, until = manifest.restored.since, manifest.restored.until
    documents = sum(_insert(stores, part) for part in _span(stores, manifest))
    after = manifest.model_copy(update={"restored": manifest.restored.model_copy(update={"complete": True})})
    stores.save(after)
    audit.note(stores.sql, "restore", manifest.archive_id, documents=documents, since=since, until=until)
    return after


def _span(stores: ServerStores, manifest: Manifest) -> Iterator[list[Document]]:
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


@hot_tier.answering()
def _insert(stores: ServerStores, documents: list[Document]) -> int:
    """Insert those that are not there; how many were given."""
    if documents:
        hot_tier.insert_new(hot_tier.events(stores.mongodb), documents)
    return len(documents)


def unpin(stores: ServerStores, archive_id: str) -> Manifest:
    """Let the next run delete the restored events of an archive from the hot tier again."""
    with alone_at(ARCHIVE):
        manifest = stores.manifests.load(archive_id)
        if manifest.restored is None:
            raise TerminalError(f"{archive_id} is not restored: there is nothing to unpin.")
        after = manifest.model_copy(update={"restored": manifest.restored.model_copy(update={"pinned": False})})
        stores.save(after)
        audit.note(stores.sql, "unpin", archive_id)
    return after


def unpinned(stores: ServerStores) -> list[Manifest]:
    """The archives whose restored events are to leave the hot tier."""
    shown = stores.shown(Visible.RESTORED)
    known = [stores.manifests.load(archive_id) for archive_id in sorted(shown)]
    return [manifest for manifest in known if manifest.restored is not None and not manifest.restored.pinned]


def send_back(stores: ServerStores, manifest: Manifest) -> Manifest:
    """Delete the restored events of an archive from the hot tier: those that it holds, unchanged.

    Raises TerminalError, and an alert, when one was changed there: then none is deleted.
    """
    documents, checksum = 0, 0
    for part in stores.documents(manifest):
        there, total = _unchanged(stores, manifest, part)
        documents, checksum = documents + there, (checksum + total) % MODULUS
    Archiver(stores, stores.timing()).delete(manifest)
    stores.show(manifest, Visible.PURGED)
    after = manifest.model_copy(update={"restored": None})
    stores.save(after)
    audit.note(stores.sql, "return", manifest.archive_id, documents=documents, checksum=f"{checksum:032x}")
    return after


@hot_tier.answering()
def _unchanged(stores: ServerStores, manifest: Manifest, archived: Sequence[Document]) -> tuple[int, int]:
    """How many of these documents are in the hot tier, and the sum of their digests, each the archive's own."""
    digests = {document["_id"]: digest(document) for document in archived}
    found = list(hot.exact_events(stores.mongodb).find({"_id": {"$in": list(digests)}}))
    if changed := [document["_id"] for document in found if digest(document) != digests[document["_id"]]]:
        message = (
            f"{manifest.archive_id} cannot leave the hot tier: {len(changed)} of its restored events were changed "
            f"there, {changed[0]} first. Nothing was deleted. Delete those that are wrong from the hot tier, or undo "
            "the change; the next run goes on."
        )
        stores.alert(Severity.CRITICAL, f"return of {manifest.archive_id}", message)
        raise TerminalError(message)
    return len(found), sum(digests[document["_id"]] for document in found)
