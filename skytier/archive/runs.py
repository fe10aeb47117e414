"""Runs of the archive: measure, plan, and the steps of the archive that is under way, one process at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from skytier import alerts, books, hot_tier, logs, stopping
from skytier.alerts import Severity
from skytier.archive import audit, hot, planning, visibility
from skytier.archive.hot import HotSize
from skytier.archive.manifest import Manifest, Selection, State, Visible
from skytier.archive.manifests import new_id
from skytier.archive.protocol import Archiver, NotYetError, Step, StoppedError, Timing
from skytier.archive.stores import ServerStores
from skytier.errors import SkytierError
from skytier.event import SCHEMA_VERSION
from skytier.exclusive import exclusively
from skytier.settings import ArchiveSettings, home

ALERT = "archive"
_NOTHING_OLD = (
    "The hot tier is over its limit, but none of its events may move: they are younger than "
    "SKYTIER_ARCHIVE_MINIMUM_AGE_HOURS, restored and pinned, or of batches whose books 'skytier books check' has not "
    "found in balance."
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


@contextmanager
def alone() -> Iterator[None]:
    """No other step of the archive is taken on this machine meanwhile."""
    waits = "another step of the archive is under way; this one waits"
    with exclusively(home() / "run" / "archive.lock", on_wait=lambda: log.info(waits)):
        yield


def measure(stores: ServerStores) -> HotSize:
    """The size of the hot tier; raises alerts when it passes 80% and 100% of the limit."""
    size, limit = hot.size(stores.mongodb), stores.settings.limit_mb * planning.MB
    share = size.total_bytes / limit
    if share >= 0.8:
        severity = Severity.CRITICAL if share >= 1 else Severity.WARNING
        message = f"The hot tier holds {size.total_bytes / planning.MB:.1f} MB, {share:.0%} of its limit."
        alerts.alert(stores.mongodb, ALERT, severity, f"size over {100 if share >= 1 else 80}%", message)
    return size


def is_due(stores: ServerStores) -> bool:
    """Whether there is something to do: an archive under way, one to send back, or a hot tier over its limit."""
    size = measure(stores)
    return stores.manifests.open() is not None or planning.documents_to_move(size, stores.settings) > 0


def dry_run(stores: ServerStores) -> Plan | None:
    """What a run would move now; None when the hot tier is within its limit, or nothing in it is old enough."""
    settings, size = stores.settings, hot.size(stores.mongodb)
    wanted, clock = planning.documents_to_move(size, settings), hot_tier.clock(stores.mongodb)
    if not wanted or clock is None:
        return None
    excluded = tuple(visibility.selections(stores.sql, Visible.RESTORED))
    limit = Selection(
        event_time_before=planning.youngest_to_move(clock, settings),
        batches=books.balanced(stores.sql, stores.files),
    )
    before = hot.just_after_oldest(stores.mongodb, hot.chosen(limit, excluded), wanted)
    if before is not None:
        limit = limit.model_copy(update={"event_time_before": min(before, limit.event_time_before)})
    documents = hot.count(stores.mongodb, hot.chosen(limit, excluded))
    if not documents:
        _complain(stores, "nothing to move", _NOTHING_OLD)
        return None
    into_window = limit.event_time_before > planning.window_start(clock, settings)
    return Plan(limit, excluded, documents, planning.estimated_bytes(size, documents), into_window)


def plan(stores: ServerStores) -> Manifest | None:
    """The archive to work on: the one under way, else a new one; None where nothing is to move."""
    with alone():
        if (found := stores.manifests.open()) is not None:
            if found.state not in (State.DONE, State.FAILED):
                return found
            stores.forget(found)  # the run was killed after its last step
        return _plan(stores)


def _plan(stores: ServerStores) -> Manifest | None:
    size, planned = measure(stores), dry_run(stores)
    if planned is None:
        return None
    if planned.reaches_into_window:
        message = (
            f"The hot tier cannot hold {stores.settings.window_days:g} days within its limit: events from "
            f"{planned.selection.event_time_before:%Y-%m-%d %H:%M}Z back move to the archive."
        )
        alerts.alert(stores.mongodb, ALERT, Severity.WARNING, "window", message)
    which = hot.chosen(planned.selection, planned.excluded)
    starts = hot.range_starts(stores.mongodb, which, planning.key_ranges(planned.documents, stores.settings))
    now = datetime.now(UTC)
    manifest = Manifest(
        archive_id=new_id(now),
        state=State.PLANNED,
        planned_at=now,
        planned_by=audit.actor(),
        selection=planned.selection,
        excluded=planned.excluded,
        range_starts=starts,
        planned=planned.documents,
        estimated_bytes=planned.estimated_bytes,
        size_before_bytes=size.total_bytes,
        schema_version=SCHEMA_VERSION,
        state_times={str(State.PLANNED): now},
    )
    stores.manifests.begin(manifest)
    audit.note(stores.sql, "plan", manifest.archive_id, documents=manifest.planned)
    return manifest


def take(stores: ServerStores, archive_id: str, step: Step) -> Manifest:
    """Take a step of an archive if it is due; the manifest afterwards. A failure raises an alert as well.

    Raises what ``Archiver.take`` does, and the errors of the stores.
    """
    with alone(), stopping.stop_on_signals() as stop:
        archiver = Archiver(stores, timing(stores.settings), asked_to_stop=stop.is_set)
        manifest = stores.manifests.load(archive_id)
        try:
            after = archiver.take(manifest, step)
        except (NotYetError, StoppedError):
            raise
        except SkytierError as error:
            _complain(stores, f"{step} of {archive_id}", str(error))
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


def timing(settings: ArchiveSettings) -> Timing:
    """The times of the protocol, as they are set."""
    assert settings.grace_seconds is not None  # filled in when the settings are read
    return Timing(
        settle_seconds=settings.settle_seconds,
        grace_seconds=settings.grace_seconds,
        purge_documents_per_second=settings.purge_documents_per_second,
    )


def _complain(stores: ServerStores, subject: str, message: str) -> None:
    alerts.alert(stores.mongodb, ALERT, Severity.CRITICAL, subject, message)
