"""Small archives made into a large one; and archives under way that are given up."""

from __future__ import annotations

from events.flight import SCHEMA_VERSION
from skytier.alerts import Severity
from skytier.archive import planning
from skytier.archive.keeping import idle
from skytier.archive.manifest import Manifest, State, Visible
from skytier.archive.manifests import new_id
from skytier.archive.ports import LifecycleStores
from skytier.archive.protocol import NEXT, joined
from skytier.errors import TerminalError
from skytier.settings.archive import ArchiveSettings

_BEFORE_PURGE = (State.PLANNED, State.EXPORTED, State.VERIFIED, State.PUBLISHED)


def plan_compaction(stores: LifecycleStores, settings: ArchiveSettings, hot_bytes: int) -> Manifest | None:
    """Begin an archive made of all small ones that nothing keeps; None where there are fewer than two.

    One whose files are damaged is left alone, with an alert. Raises TerminalError while another archive is under way.
    """
    with stores.alone():
        if (under_way := stores.under_way()) is not None and under_way.state in NEXT:
            raise TerminalError(
                f"{under_way.archive_id} is under way: 'skytier archive run' takes it to its end first."
            )
        small = settings.file_mb * planning.MB / 2
        sources = [m for m in idle(stores) if m.size_bytes < small and _is_whole(stores, m)]
        if len(sources) < 2:
            return None
        manifest = _merged(stores, sources, settings, hot_bytes)
        stores.begin(manifest)
        stores.note("compact", manifest.archive_id, sources=list(manifest.sources))
        return manifest


def _is_whole(stores: LifecycleStores, manifest: Manifest) -> bool:
    try:
        stores.check_files(manifest)
    except TerminalError as error:
        stores.alert(Severity.CRITICAL, f"files of {manifest.archive_id}", str(error))
        return False
    return True


def _merged(stores: LifecycleStores, sources: list[Manifest], settings: ArchiveSettings, hot_bytes: int) -> Manifest:
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
        schema_version=SCHEMA_VERSION,
        state_times={str(State.PLANNED): now},
    )


def abandon(stores: LifecycleStores, archive_id: str, reason: str) -> Manifest:
    """Give up an archive whose events are still all where it takes them from; its published files stay.

    One that is done is given up when its files cannot be read: its events are in the cold tier, and queries over both
    tiers see them again after 'skytier hot rebuild'. Raises TerminalError for one that has ended otherwise, or whose
    purge has begun.
    """
    with stores.alone():
        manifest = stores.load(archive_id)
        if manifest.state not in (*_BEFORE_PURGE, State.DONE):
            raise TerminalError(f"{archive_id} is {manifest.state}: it cannot be abandoned any more.")
        if manifest.hold and (manifest.state is State.DONE or not manifest.sources):
            raise TerminalError(f"{archive_id} is held ({manifest.hold.reason}): release it before you abandon it.")
        if manifest.state is State.PUBLISHED:
            _check_originals(stores, manifest)
            # Killed from here on, it is published anew, with a grace time of its own.
            manifest = manifest.model_copy(update={"state": State.VERIFIED, "purge_after": None})
            stores.save(manifest)
        if manifest.state is State.DONE:
            _check_unreadable(stores, manifest)
            stores.detach(manifest)  # else each query would try to read it
        else:
            _hand_back_hold(stores, manifest)
        stores.show(manifest, Visible.ABANDONED)
        given_up = {"state": State.FAILED, "failure": f"abandoned: {reason}", "restored": None}
        after = manifest.model_copy(update=given_up)
        stores.save(after)
        stores.forget(after)
    return after


def _check_originals(stores: LifecycleStores, manifest: Manifest) -> None:
    """Raises TerminalError when some of the events are by now in the files of the archive only."""
    for source in map(stores.load, manifest.sources):
        if source.state is not State.DONE:
            raise TerminalError(f"{manifest.archive_id} cannot be abandoned: {source.archive_id} is {source.state}.")
        stores.check_files(source)
    if not manifest.sources and (there := stores.remaining(manifest)) != manifest.planned:
        raise TerminalError(
            f"{manifest.archive_id} cannot be abandoned: {there} of its {manifest.planned} events are left in the hot "
            "tier, the others are in its files only."
        )


def _check_unreadable(stores: LifecycleStores, manifest: Manifest) -> None:
    """Raises TerminalError when the published files can be read after all."""
    try:
        for _ in stores.ids(manifest):
            pass
    except TerminalError:
        return
    raise TerminalError(f"{manifest.archive_id} is done, and its files can be read: it is not given up.")


def _hand_back_hold(stores: LifecycleStores, manifest: Manifest) -> None:
    """What holds a merged archive holds those that it was made of, now that they stay."""
    for source in map(stores.load, manifest.sources if manifest.hold else ()):
        stores.save(source.model_copy(update={"hold": joined(source.hold, manifest.hold)}))
