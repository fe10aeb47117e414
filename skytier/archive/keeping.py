"""How long archives are kept, and which may not be deleted; and small ones made into a large one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from skytier import hot_tier, logs
from skytier.archive import audit, hot, planning
from skytier.archive.manifest import Hold, Manifest, State, Visible
from skytier.archive.manifests import new_id
from skytier.archive.stores import ServerStores
from skytier.archive.visibility import drop_partition
from skytier.errors import TerminalError
from skytier.event import SCHEMA_VERSION
from skytier.exclusive import ARCHIVE, alone_at

log = logs.logger("archive")


def hold(stores: ServerStores, archive_id: str, reason: str) -> Manifest:
    """Keep an archive, however old it becomes. Raises TerminalError for one that is not done."""
    with alone_at(ARCHIVE):
        manifest = _done(stores, archive_id)
        held = Hold(reason=reason, by=audit.actor(), at=datetime.now(UTC))
        after = manifest.model_copy(update={"hold": held})
        stores.save(after)
        audit.note(stores.sql, "hold", archive_id, reason=reason)
    return after


def release(stores: ServerStores, archive_id: str, reason: str) -> Manifest:
    """End the hold on an archive. Raises TerminalError for one that is not held."""
    with alone_at(ARCHIVE):
        manifest = _done(stores, archive_id)
        if manifest.hold is None:
            raise TerminalError(f"{archive_id} is not held: there is nothing to release.")
        after = manifest.model_copy(update={"hold": None})
        stores.save(after)
        audit.note(stores.sql, "release", archive_id, reason=reason)
    return after


def _done(stores: ServerStores, archive_id: str) -> Manifest:
    manifest = stores.manifests.load(archive_id)
    if manifest.state is not State.DONE:
        raise TerminalError(f"{archive_id} is {manifest.state}: only an archive that is done can be held or released.")
    return manifest


def expired(stores: ServerStores) -> list[Manifest]:
    """The archives that are older than the retention time by the warehouse's clock, and neither held nor restored."""
    days, clock = stores.settings.retention_days, hot_tier.clock(stores.mongodb)
    if days is None or clock is None:
        return []
    oldest = clock - timedelta(days=days)
    return [m for m in _idle(stores) if m.event_time_max is not None and m.event_time_max < oldest]


def _idle(stores: ServerStores) -> list[Manifest]:
    """The archives that nothing keeps from being deleted or merged."""
    known = stores.manifests.all()
    return [m for m in known if m.state is State.DONE and m.hold is None and m.restored is None]


def expire(stores: ServerStores) -> list[Manifest]:
    """Delete the archives whose time is over: first out of sight, then, when no query reads them, their files."""
    with alone_at(ARCHIVE):
        gone = expired(stores)
        for manifest in gone:
            stores.show(manifest, Visible.EXPIRED)
    if gone:
        stores.wait_for_queries()
    with alone_at(ARCHIVE):
        return [_delete(stores, manifest) for manifest in gone]


def _delete(stores: ServerStores, manifest: Manifest) -> Manifest:
    drop_partition(stores.sql, manifest.archive_id)
    stores.files.delete(manifest.location)
    after = manifest.model_copy(update={"state": State.EXPIRED})
    stores.record(after)
    stores.save(after)
    audit.note(stores.sql, "expire", manifest.archive_id, documents=manifest.planned)
    return after


def plan_compaction(stores: ServerStores) -> Manifest | None:
    """Begin an archive made of all small ones that nothing keeps; None where there are fewer than two.

    Raises TerminalError while another archive is under way.
    """
    with alone_at(ARCHIVE):
        if (under_way := stores.manifests.open()) is not None:
            raise TerminalError(
                f"{under_way.archive_id} is under way: 'skytier archive run' takes it to its end first."
            )
        small = stores.settings.file_mb * planning.MB / 2
        sources = [manifest for manifest in _idle(stores) if manifest.size_bytes < small]
        if len(sources) < 2:
            return None
        manifest = _merged(stores, sources)
        stores.manifests.begin(manifest)
        audit.note(stores.sql, "compact", manifest.archive_id, sources=list(manifest.sources))
        return manifest


def _merged(stores: ServerStores, sources: list[Manifest]) -> Manifest:
    now, documents = datetime.now(UTC), sum(manifest.planned for manifest in sources)
    selections = [selection for manifest in sources for selection in manifest.selections]
    starts = sorted({start for manifest in sources for start in manifest.range_starts})
    every = max(1, len(starts) // planning.key_ranges(documents, stores.settings))
    return Manifest(
        archive_id=new_id(now),
        state=State.PLANNED,
        planned_at=now,
        planned_by=audit.actor(),
        selection=selections[0],
        merged_selections=tuple(selections[1:]),
        sources=tuple(manifest.archive_id for manifest in sources),
        range_starts=tuple(starts[::every]),
        planned=documents,
        estimated_bytes=sum(manifest.estimated_bytes for manifest in sources),
        size_before_bytes=hot.size(stores.mongodb).total_bytes,
        schema_version=SCHEMA_VERSION,
        state_times={str(State.PLANNED): now},
    )
