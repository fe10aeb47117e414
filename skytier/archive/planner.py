"""Planning of a new archive: which events leave the hot tier, and the manifest that says so."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from skytier.alerts import Severity
from skytier.archive import planning
from skytier.archive.hot import HotSize
from skytier.archive.manifest import Manifest, Selection, State, Visibility
from skytier.archive.manifests import new_id
from skytier.archive.ports import PlanningStores

NOTHING_TO_MOVE = "nothing to move"
"""the subject of the alert while the hot tier is over its limit and no event may leave it"""
_NOTHING_TO_MOVE = (
    "The hot tier is over its limit, but none of its events may move: they are younger than "
    "SKYTIER_ARCHIVE_MINIMUM_AGE_HOURS, restored and pinned, or of batches that 'skytier reconcile' has not found to "
    "match in every store."
)


@dataclass(frozen=True)
class Plan:
    """What a run would move now."""

    selection: Selection
    excluded: tuple[Selection, ...]
    documents: int
    estimated_bytes: int
    reaches_into_window: bool
    """whether it takes events of the days that the hot tier is meant to hold"""


def preview(stores: PlanningStores, size: HotSize) -> Plan | None:
    """What a run would move now; None if the hot tier is within its limit, or no event is old enough."""
    settings = stores.settings
    wanted = planning.documents_to_move(size, stores.target.limit_bytes, settings)
    clock = stores.clock()
    if not wanted or clock is None:
        return None
    excluded = tuple(chain.from_iterable(stores.with_visibility(Visibility.RESTORED).values()))
    limit = Selection(
        event_time_before=planning.youngest_to_move(clock, settings),
        batches=stores.reconciled(),
    )
    before = stores.just_after_oldest(limit, excluded, wanted)
    if before is not None:
        limit = limit.model_copy(update={"event_time_before": min(before, limit.event_time_before)})
    documents = stores.count(limit, excluded)
    if not documents:
        return None
    into_window = limit.event_time_before > planning.window_start(clock, settings)
    return Plan(limit, excluded, documents, planning.estimated_bytes(size, documents), into_window)


def plan_archive(stores: PlanningStores) -> Manifest | None:
    """Begin a new archive; None if nothing is to move. The caller holds the lock."""
    size = stores.size()
    is_over = planning.documents_to_move(size, stores.target.limit_bytes, stores.settings) > 0
    if is_over and (messages := stores.set_aside_invalid()):
        stores.alert(Severity.WARNING, "documents set aside", " ".join(messages))
    plan = preview(stores, size)
    if plan is None:
        if is_over:
            stores.alert(Severity.CRITICAL, NOTHING_TO_MOVE, _NOTHING_TO_MOVE, until_resolved=True)
        return None
    if plan.reaches_into_window:
        message = (
            f"The hot tier cannot hold {stores.settings.window_days:g} days within its limit: events before "
            f"{plan.selection.event_time_before:%Y-%m-%d %H:%M}Z move to the archive."
        )
        stores.alert(Severity.WARNING, "window", message)
    manifest = _manifest(stores, plan, size)
    stores.begin(manifest)
    stores.note("plan", manifest.archive_id, documents=manifest.planned)
    return manifest


def _manifest(stores: PlanningStores, plan: Plan, size: HotSize) -> Manifest:
    now, ranges = stores.now(), planning.key_ranges(plan.documents, stores.settings)
    return Manifest(
        archive_id=new_id(now),
        state=State.PLANNED,
        planned_at=now,
        planned_by=stores.actor(),
        selection=plan.selection,
        excluded=plan.excluded,
        range_starts=stores.range_starts(plan.selection, plan.excluded, ranges),
        planned=plan.documents,
        estimated_bytes=plan.estimated_bytes,
        size_before_bytes=size.total_bytes,
        schema_version=stores.target.pipeline.contract.version,
        state_times={str(State.PLANNED): now},
    )
