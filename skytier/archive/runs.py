"""Runs of the archive: measure, choose the archive to work on, and run its steps, one process at a time."""

from __future__ import annotations

from datetime import datetime, timedelta

from skytier import logs, shutdown
from skytier.alerts import Severity
from skytier.archive import planner, planning, restoring
from skytier.archive.checksum import total
from skytier.archive.hot import HotSize
from skytier.archive.manifest import Manifest, State, Visibility
from skytier.archive.ports import Copier, LifecycleStores, PlanningStores
from skytier.archive.protocol import NEXT, Archiver, NotYetError, Step, StoppedError
from skytier.archive.resuming import resume
from skytier.archive.retention import current_holder
from skytier.errors import TerminalError

_FILLING, _FULL = "size over 80%", "size over 100%"
log = logs.logger("archive")


def measure(stores: PlanningStores) -> HotSize:
    """The size of the target's collection. Raises an alert from 80% and from 100% of the limit on, or resolves it."""
    size = stores.size()
    share = size.total_bytes / stores.target.limit_bytes
    message = f"The hot tier holds {size.total_bytes / planning.MB:.1f} MB, {share:.0%} of its limit."
    if share >= 1:
        stores.alert(Severity.CRITICAL, _FULL, message, until_resolved=True)
        stores.resolve(_FILLING)
    elif share >= 0.8:
        stores.alert(Severity.WARNING, _FILLING, message, until_resolved=True)
        stores.resolve(_FULL, planner.NOTHING_TO_MOVE)
    else:
        stores.resolve(_FULL, _FILLING, planner.NOTHING_TO_MOVE)
    return size


def is_due(stores: PlanningStores) -> bool:
    """Whether there is work: an archive under way, restored events to return, or a hot tier over its limit."""
    is_over = planning.documents_to_move(measure(stores), stores.target.limit_bytes, stores.settings) > 0
    is_begun = stores.under_way() is not None or bool(stores.with_visibility(Visibility.EXPIRING))
    return is_over or is_begun or bool(restoring.unpinned(stores))


def next_archive(stores: PlanningStores) -> Manifest | None:
    """The archive to work on: the one under way, else a new one; None if there is nothing to archive.

    Before a new one is planned, restored events that were unpinned are deleted from the hot tier.
    """
    with stores.lock():
        if (under_way := resume(stores)) is not None:
            return under_way
        restoring.return_unpinned(stores)
        return planner.plan_archive(stores)


def retained_from(stores: PlanningStores) -> datetime | None:
    """The time of the oldest event that is retained, by the warehouse's clock; None if all are."""
    days, clock = stores.settings.retention_days, stores.clock()
    return clock - timedelta(days=days) if days is not None and clock is not None else None


def check(stores: LifecycleStores, copier: Copier, manifest: Manifest) -> None:
    """Read the files of an archive back and compare them with what was verified.

    Raises TerminalError, and an alert, if they differ; and TerminalError for an archive without files to compare.
    """
    if manifest.content is None or manifest.state in (State.FAILED, State.MERGED, State.EXPIRED):
        raise TerminalError(f"{manifest.archive_id} is {manifest.state}: there are no verified files to check.")
    try:
        found = copier.copied(manifest)
        if (content := total(found.ranges)) != manifest.content or not found.all_distinct:
            raise TerminalError(
                f"The files of {manifest.archive_id} hold {content.documents} events with checksum {content.checksum}, "
                f"and {manifest.content.documents} with {manifest.content.checksum} were verified."
            )
    except TerminalError as error:
        with stores.lock():
            holder = current_holder(stores, stores.load(manifest.archive_id))
        if (holder.archive_id, holder.state) != (manifest.archive_id, manifest.state):
            raise TerminalError(
                f"{manifest.archive_id} changed while it was read: its events are in {holder.archive_id}, which is now "
                f"{holder.state}. Check that one."
            ) from error
        stores.alert(Severity.CRITICAL, f"files of {manifest.archive_id}", str(error))
        raise
    log.info("files checked", archive_id=manifest.archive_id, **manifest.content.model_dump())


def is_due_now(manifest: Manifest, step: Step) -> bool:
    """Whether a step of an archive is the one to run now.

    Raises TerminalError for an archive that has failed, so that a retry of the step does not count as a success.
    """
    if manifest.state is State.FAILED:
        raise TerminalError(
            f"{manifest.archive_id} has failed: {manifest.failure} Nothing was deleted; the next run plans a new one."
        )
    return NEXT.get(manifest.state) is step


def run_step(stores: LifecycleStores, archive_id: str, step: Step, copier: Copier | None = None) -> Manifest:
    """Run a step of an archive if it is due; returns the manifest afterwards. A failure raises an alert as well.

    Raises what ``Archiver.run_step`` does, and the errors of the stores.
    """
    with stores.lock(), shutdown.stop_on_signals() as stop:
        archiver = Archiver(stores, stores.timing(), copier, asked_to_stop=stop.is_set)
        manifest = stores.load(archive_id)
        if not is_due_now(manifest, step):
            return manifest
        try:
            after = archiver.run_step(manifest, step)
        except (NotYetError, StoppedError):
            raise
        except Exception as error:
            stores.alert(Severity.CRITICAL, f"{step} of {archive_id}", str(error).partition("\n")[0])
            raise
    if after.state is not manifest.state:
        log.info(
            "step completed",
            archive_id=archive_id,
            step=str(step),
            state=str(after.state),
            documents=after.planned,
            files=len(after.files),
            size_mb=round(after.size_bytes / planning.MB, 3),
            seconds=after.step_seconds.get(str(step)),
        )
    return after
