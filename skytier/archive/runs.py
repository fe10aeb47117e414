"""Runs of the archive: measure, plan, and the steps of the archive that is under way, one process at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain

from events.flight import SCHEMA_VERSION
from events.pipelines import flights
from skytier import hot_tier, logs, stopping
from skytier.alerts import Severity
from skytier.archive import hot, misfits, planning, restoring
from skytier.archive.hot import HotSize
from skytier.archive.keeping import with_its_events
from skytier.archive.manifest import Manifest, Selection, State, Visible
from skytier.archive.manifests import new_id
from skytier.archive.ports import LifecycleStores
from skytier.archive.protocol import NEXT, Archiver, NotYetError, Step, StoppedError, total
from skytier.archive.resuming import resumed
from skytier.archive.stores import ServerStores
from skytier.errors import TerminalError
from skytier.pipeline.reconcile import Reconciliation

_FILLING, _FULL, _NOTHING_TO_MOVE = "size over 80%", "size over 100%", "nothing to move"
_NOTHING_OLD = (
    "The hot tier is over its limit, but none of its events may move: they are younger than "
    "SKYTIER_ARCHIVE_MINIMUM_AGE_HOURS, restored and pinned, or of batches that 'skytier reconcile' has not found "
    "right."
)
log = logs.logger("archive")


@dataclass(frozen=True)
class Plan:
    """What a run would move now."""

    selection: Selection
    excluded: tuple[Selection, ...]
    documents: int
    estimated_bytes: int
    reaches_into_window: bool
    """whether it takes events of the days that the hot tier is meant to hold"""


def measure(stores: ServerStores) -> HotSize:
    """The size of the hot tier; raises an alert while it is over 80%, or over 100%, of the limit, and resolves it."""
    size, limit = hot.size(stores.mongodb), stores.settings.limit_mb * planning.MB
    share = size.total_bytes / limit
    message = f"The hot tier holds {size.total_bytes / planning.MB:.1f} MB, {share:.0%} of its limit."
    if share >= 1:
        stores.alert(Severity.CRITICAL, _FULL, message, until_resolved=True)
        stores.resolve(_FILLING)
    elif share >= 0.8:
        stores.alert(Severity.WARNING, _FILLING, message, until_resolved=True)
        stores.resolve(_FULL, _NOTHING_TO_MOVE)
    else:
        stores.resolve(_FULL, _FILLING, _NOTHING_TO_MOVE)
    return size


def is_due(stores: ServerStores) -> bool:
    """Whether there is something to do: an archive under way, events to send back, or a hot tier over its limit."""
    is_over = planning.documents_to_move(measure(stores), stores.settings) > 0
    is_begun = stores.under_way() is not None or bool(stores.shown(Visible.EXPIRING))
    return is_over or is_begun or bool(restoring.unpinned(stores))


def dry_run(stores: ServerStores, size: HotSize) -> Plan | None:
    """What a run would move now; None when the hot tier is within its limit, or nothing in it is old enough."""
    settings = stores.settings
    wanted, clock = planning.documents_to_move(size, settings), hot_tier.clock(stores.mongodb)
    if not wanted or clock is None:
        return None
    excluded = tuple(chain.from_iterable(stores.shown(Visible.RESTORED).values()))
    limit = Selection(
        event_time_before=planning.youngest_to_move(clock, settings),
        batches=Reconciliation(flights(), stores.sql, stores.files).reconciled(),
    )
    before = hot.just_after_oldest(stores.mongodb, hot.chosen(limit, excluded), wanted)
    if before is not None:
        limit = limit.model_copy(update={"event_time_before": min(before, limit.event_time_before)})
    documents = hot.count(stores.mongodb, hot.chosen(limit, excluded))
    if not documents:
        return None
    into_window = limit.event_time_before > planning.window_start(clock, settings)
    return Plan(limit, excluded, documents, planning.estimated_bytes(size, documents), into_window)


def plan(stores: ServerStores) -> Manifest | None:
    """The archive to work on: the one under way, else a new one; None where nothing is to move."""
    with stores.alone():
        return resumed(stores) or _plan(stores)


def _plan(stores: ServerStores) -> Manifest | None:
    size = hot.size(stores.mongodb)
    if planning.documents_to_move(size, stores.settings):
        _set_aside(stores)
    planned = dry_run(stores, size)
    if planned is None:
        if planning.documents_to_move(size, stores.settings):
            stores.alert(Severity.CRITICAL, _NOTHING_TO_MOVE, _NOTHING_OLD, until_resolved=True)
        return None
    if planned.reaches_into_window:
        message = (
            f"The hot tier cannot hold {stores.settings.window_days:g} days within its limit: events from "
            f"{planned.selection.event_time_before:%Y-%m-%d %H:%M}Z back move to the archive."
        )
        stores.alert(Severity.WARNING, "window", message)
    which = hot.chosen(planned.selection, planned.excluded)
    starts = hot.range_starts(stores.mongodb, which, planning.key_ranges(planned.documents, stores.settings))
    now = datetime.now(UTC)
    manifest = Manifest(
        archive_id=new_id(now),
        state=State.PLANNED,
        planned_at=now,
        planned_by=stores.actor(),
        selection=planned.selection,
        excluded=planned.excluded,
        range_starts=starts,
        planned=planned.documents,
        estimated_bytes=planned.estimated_bytes,
        size_before_bytes=size.total_bytes,
        schema_version=SCHEMA_VERSION,
        state_times={str(State.PLANNED): now},
    )
    stores.begin(manifest)
    stores.note("plan", manifest.archive_id, documents=manifest.planned)
    return manifest


def _set_aside(stores: ServerStores) -> None:
    """Move what is no event out of the way: it would never leave the hot tier, or fail every archive."""
    if said := misfits.set_aside(stores.mongodb, misfits.no_events(stores.mongodb)):
        stores.alert(Severity.WARNING, "documents set aside", f"{' '.join(said)} {misfits.WHERE}")


def retained_from(stores: ServerStores) -> datetime | None:
    """By the warehouse's clock, the time of the oldest event that is kept; None where all are."""
    days, clock = stores.settings.retention_days, hot_tier.clock(stores.mongodb)
    return clock - timedelta(days=days) if days is not None and clock is not None else None


def check(stores: LifecycleStores, manifest: Manifest) -> None:
    """Read the files of an archive back, and compare them with what was verified.

    Raises TerminalError, and an alert, when they differ, and for an archive that has no files to compare.
    """
    if manifest.content is None or manifest.state in (State.FAILED, State.MERGED, State.EXPIRED):
        raise TerminalError(f"{manifest.archive_id} is {manifest.state}: there are no verified files to check.")
    try:
        found = stores.copied(manifest)
        if (content := total(found.ranges)) != manifest.content or not found.all_distinct:
            raise TerminalError(
                f"{manifest.location} holds {content.documents} events with checksum {content.checksum}, and "
                f"{manifest.content.documents} with {manifest.content.checksum} were verified."
            )
    except TerminalError as error:
        with stores.alone():
            holder = with_its_events(stores, stores.load(manifest.archive_id))
        if (holder.archive_id, holder.state) != (manifest.archive_id, manifest.state):
            raise TerminalError(
                f"{manifest.archive_id} moved on while it was read: its events are in {holder.archive_id}, which is "
                f"{holder.state} by now. Check that."
            ) from error
        stores.alert(Severity.CRITICAL, f"files of {manifest.archive_id}", str(error))
        raise
    log.info("files checked", archive_id=manifest.archive_id, **manifest.content.model_dump())


def is_due_now(manifest: Manifest, step: Step) -> bool:
    """Whether a step of an archive is the one to take now.

    Raises TerminalError for an archive that has failed: whoever asks again must not take that for success.
    """
    if manifest.state is State.FAILED:
        raise TerminalError(
            f"{manifest.archive_id} has failed: {manifest.failure} Nothing was deleted; the next run plans anew."
        )
    return NEXT.get(manifest.state) is step


def take(stores: ServerStores, archive_id: str, step: Step) -> Manifest:
    """Take a step of an archive if it is due; the manifest afterwards. A failure raises an alert as well.

    Raises what ``Archiver.take`` does, and the errors of the stores.
    """
    with stores.alone(), stopping.stop_on_signals() as stop:
        archiver = Archiver(stores, stores.timing(), asked_to_stop=stop.is_set)
        manifest = stores.load(archive_id)
        if not is_due_now(manifest, step):
            return manifest
        try:
            after = archiver.take(manifest, step)
        except (NotYetError, StoppedError):
            raise
        except Exception as error:
            stores.alert(Severity.CRITICAL, f"{step} of {archive_id}", str(error).partition("\n")[0])
            raise
    if after.state is not manifest.state:
        log.info(
            "archive moved on",
            archive_id=archive_id,
            step=str(step),
            state=str(after.state),
            documents=after.planned,
            files=len(after.files),
            size_mb=round(after.size_bytes / planning.MB, 3),
            seconds=after.step_seconds.get(str(step)),
        )
    return after
