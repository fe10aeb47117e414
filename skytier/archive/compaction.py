"""Compaction, which merges small archives into a large one; and abandoning an archive."""

from __future__ import annotations

from skytier.alerts import Severity
from skytier.archive import planning
from skytier.archive.manifest import Manifest, State, Visibility
from skytier.archive.manifests import new_id
from skytier.archive.ports import LifecycleStores
from skytier.archive.protocol import NEXT, joined
from skytier.archive.retention import idle
from skytier.errors import TerminalError
from skytier.settings.archive import ArchiveSettings

_BEFORE_PURGE = (State.PLANNED, State.EXPORTED, State.VERIFIED, State.PUBLISHED)


def plan_compaction(
    stores: LifecycleStores, settings: ArchiveSettings, hot_bytes: int, schema_version: int
) -> Manifest | None:
    """Begin an archive that merges all small ones that are neither held nor restored; None if there are fewer than two.

    An archive with damaged files is left out and raises an alert. Raises TerminalError while another archive is under
    way. ``hot_bytes`` is the size of the hot tier's collection.
    """
    with stores.lock():
        if (under_way := stores.under_way()) is not None and under_way.state in NEXT:
            raise TerminalError(f"{under_way.archive_id} is under way: complete it with 'skytier archive run' first.")
        small = settings.file_mb * planning.MB / 2
        sources = [m for m in idle(stores) if m.size_bytes < small and _is_intact(stores, m)]
        if len(sources) < 2:
            return None
        manifest = _merged(stores, sources, settings, hot_bytes, schema_version)
        stores.begin(manifest)
        stores.note("compact", manifest.archive_id, sources=list(manifest.sources))
        return manifest


def _is_intact(stores: LifecycleStores, manifest: Manifest) -> bool:
    try:
        stores.check_files(manifest)
    except TerminalError as error:
        stores.alert(Severity.CRITICAL, f"files of {manifest.archive_id}", str(error))
        return False
    return True


def _merged(
    stores: LifecycleStores, sources: list[Manifest], settings: ArchiveSettings, hot_bytes: int, schema_version: int
) -> Manifest:
    now, documents = stores.now(), sum(manifest.planned for manifest in sources)
    selections = [selection for manifest in sources for selection in manifest.selections]
    starts = sorted({start for manifest in sources for start in manifest.range_starts})
    every = max(1, len(starts) // planning.key_ranges(documents, settings))
    return Manifest(
        archive_id=new_id(now),
        state=State.PLANNED,
        planned_at=now,
        planned_by=stores.actor(),
        selection=selections[0],
        merged_selections=tuple(selections[1:]),
        sources=tuple(manifest.archive_id for manifest in sources),
        range_starts=tuple(starts[::every]),
        planned=documents,
        estimated_bytes=sum(manifest.estimated_bytes for manifest in sources),
        size_before_bytes=hot_bytes,
        schema_version=schema_version,
        state_times={str(State.PLANNED): now},
    )


def abandon(stores: LifecycleStores, archive_id: str, reason: str) -> Manifest:
    """End an archive as failed while all of its events are still where they came from; its published files stay.

    One in the state DONE can be abandoned only if its files cannot be read: its events are in the cold tier, and
    'skytier hot rebuild' makes them visible again. Raises TerminalError in another final state, and once the purge has
    begun.
    """
    with stores.lock():
        manifest = stores.load(archive_id)
        if manifest.state not in (*_BEFORE_PURGE, State.DONE):
            raise TerminalError(f"{archive_id} is {manifest.state}: it can no longer be abandoned.")
        if manifest.hold and (manifest.state is State.DONE or not manifest.sources):
            raise TerminalError(f"{archive_id} is held ({manifest.hold.reason}): release it before you abandon it.")
        if manifest.state is State.PUBLISHED:
            _check_originals(stores, manifest)
            # After a kill from here on it is published again, with a new grace time.
            manifest = manifest.model_copy(update={"state": State.VERIFIED, "purge_after": None})
            stores.save(manifest)
        if manifest.state is State.DONE:
            _check_unreadable(stores, manifest)
            stores.detach(manifest)  # otherwise every query would try to read it
        else:
            _return_hold(stores, manifest)
        stores.set_visibility(manifest, Visibility.ABANDONED)
        ended = {"state": State.FAILED, "failure": f"abandoned: {reason}", "restored": None}
        after = manifest.model_copy(update=ended)
        stores.save(after)
        stores.finalize(after)
    return after


def _check_originals(stores: LifecycleStores, manifest: Manifest) -> None:
    """Raises TerminalError if some of the events are in the files of the archive only."""
    for source in map(stores.load, manifest.sources):
        if source.state is not State.DONE:
            raise TerminalError(f"{manifest.archive_id} cannot be abandoned: {source.archive_id} is {source.state}.")
        stores.check_files(source)
    if not manifest.sources and (there := stores.remaining(manifest)) != manifest.planned:
        raise TerminalError(
            f"{manifest.archive_id} cannot be abandoned: {there} of its {manifest.planned} events are in the hot "
            "tier, the others are in its files only."
        )


def _check_unreadable(stores: LifecycleStores, manifest: Manifest) -> None:
    """Raises TerminalError if the published files can be read."""
    try:
        for _ in stores.ids(manifest):
            pass
    except TerminalError:
        return
    raise TerminalError(f"{manifest.archive_id} is done, and its files can be read: it is not abandoned.")


def _return_hold(stores: LifecycleStores, manifest: Manifest) -> None:
    """Put the hold of a compaction's archive on its sources, which stay."""
    for source in map(stores.load, manifest.sources if manifest.hold else ()):
        stores.save(source.model_copy(update={"hold": joined(source.hold, manifest.hold)}))
