"""The archive protocol, killed anywhere and repeated in any order: no event is lost, doubled or deleted too early.

``World`` holds everything outside in memory. Each change of it is one effect: a kill may come before or after it, and
after it every query that may be running counts all events.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skytier.archive.manifest import Hold, Manifest, Restored, Selection, State, Visibility
from skytier.archive.ports import Copy
from skytier.archive.protocol import (
    NEXT,
    Archiver,
    NotYetError,
    Step,
    StoppedError,
)
from skytier.errors import TerminalError
from skytier.hot_tier import Document
from skytier.pipeline.batch_ids import BatchSpan
from tests.archive_world import (
    ALL,
    AT_ONCE,
    CHOSEN,
    DAY,
    EFFECT,
    EVENTS,
    GRACE,
    LATE_BATCH,
    RESTORED,
    TIMING,
    Killed,
    World,
    actions,
    archiver,
    check_done,
    document,
    documents,
    finish,
    is_of,
    kills,
    late_events,
    run_step,
)
from tests.flights_archive import location

pytestmark = pytest.mark.plain


def act(world: World, what: Step | State, kill_in: int | None, seconds: float) -> None:
    """A step, where a state is named the one that is due, in a process that may be killed."""
    if world.open is None:
        return
    step = what if isinstance(what, Step) else NEXT.get(world.manifests[world.open].state, Step.EXPORT)
    world.kill_in = kill_in
    with suppress(Killed, NotYetError):
        run_step(world, step)
    world.kill_in = None
    world.sleep(seconds)


@given(documents(), late_events, actions)
def test_killed_and_repeated_in_any_order_all_events_are_there_once(
    events: list[Document], late: dict[int, Document], script: list[tuple[Step | State, int | None, float]]
) -> None:
    world = World(events)
    world.plan("archive_1", CHOSEN)
    world.late = late
    for what, kill_in, seconds in script:
        act(world, what, kill_in, seconds)
    finish(world)
    check_done(world, "archive_1")
    for event in world.late.values():
        world.arrive(event)
    world.late = {}
    # Late events were left alone; the next archive takes them.
    world.plan("archive_2", ALL)
    finish(world)
    check_done(world, "archive_2")
    assert all(is_of(RESTORED, event) for event in world.hot.values())


def effects_of_a_run() -> int:
    world = World(EVENTS)
    world.plan("archive_1", CHOSEN)
    finish(world)
    return world.effects


@pytest.mark.parametrize("again", [None, 0, 3])
def test_killed_at_each_effect_a_run_resumes(again: int | None) -> None:
    for point in range(2 * effects_of_a_run()):
        world = World(EVENTS)
        world.plan("archive_1", CHOSEN)
        for kill_in in (point, again):
            world.kill_in = kill_in
            try:
                finish(world)
            except Killed:
                continue
        world.kill_in = None
        finish(world)
        check_done(world, "archive_1")


def test_a_late_event_at_each_effect_stays_hot_and_counts_once() -> None:
    for effect in range(1, effects_of_a_run() + 1):
        late = document(50, 0, LATE_BATCH)
        world = World(EVENTS)
        world.plan("archive_1", CHOSEN)
        world.late = {effect: late}
        finish(world)
        check_done(world, "archive_1")
        assert world.hot[late["_id"]] == late


def test_the_model_would_see_a_purge_without_grace_and_a_show_without_settling() -> None:
    for hasty in (TIMING.model_copy(update={"grace_seconds": 0.0}), TIMING.model_copy(update={"settle_seconds": 0.0})):
        world = World(EVENTS)
        world.plan("archive_1", CHOSEN)
        with pytest.raises(AssertionError):  # noqa: PT012 - any step may be the one that a query notices
            for step in Step:
                archiver(world, hasty).run_step(world.manifests["archive_1"], step)


@given(st.integers(0, 45), kills)
def test_a_compaction_shows_each_event_once(point: int, again: int | None) -> None:
    world = World(EVENTS)
    for number, minutes in enumerate((3, 6), start=1):
        before = DAY + timedelta(minutes=minutes)
        world.plan(f"archive_{number}", Selection(event_time_before=before, batches=(BatchSpan(2, 4),)))
        finish(world)
    hot, sources = dict(world.hot), ("archive_1", "archive_2")
    manifest = world.plan("archive_3", ALL, sources=sources)
    for kill_in in (point, again):
        world.kill_in = kill_in
        try:
            finish(world)
        except Killed:
            continue
    world.kill_in = None
    finish(world)
    assert world.manifests["archive_3"].state is State.DONE
    assert world.hot == hot
    assert not {location(world.manifests[source]) for source in sources} & set(world.folders)
    assert {world.manifests[source].state for source in sources} == {State.MERGED}
    assert sum(map(len, world.folders[location(manifest)].values())) == manifest.planned


def compacting(state: State) -> World:
    """A world with two archives and a compaction of them in a state."""
    world = World(EVENTS)
    for number, minutes in enumerate((3, 6), start=1):
        before = DAY + timedelta(minutes=minutes)
        world.plan(f"archive_{number}", Selection(event_time_before=before, batches=(BatchSpan(2, 4),)))
        finish(world)
    world.plan("archive_3", ALL, sources=("archive_1", "archive_2"))
    while world.manifests["archive_3"].state is not state:
        run_step(world, NEXT[world.manifests["archive_3"].state])
    return world


@pytest.mark.parametrize("state", [State.PLANNED, State.EXPORTED])
@pytest.mark.parametrize("how", ["files", "expired", "restored", "manifest"])
def test_a_compaction_whose_source_vanished_fails_once(state: State, how: str) -> None:
    world = compacting(state)
    world.watch = lambda: None  # type: ignore[method-assign]  # what vanished is seen to be missing
    source = world.manifests["archive_1"]
    if how == "files":
        del world.folders[location(source)]
    elif how == "manifest":
        world.load = lambda archive_id: refuse(archive_id)  # type: ignore[method-assign]
    else:
        restored = Restored(since=None, until=None, at=DAY, pinned=True, complete=True)
        changes = {"state": State.EXPIRED} if how == "expired" else {"restored": restored}
        world.manifests["archive_1"] = source.model_copy(update=changes)
    with pytest.raises(TerminalError, match="the next run plans a new one"):
        run_step(world, NEXT[state])
    assert world.manifests["archive_3"].state is State.FAILED
    if how != "files":
        by_now = f"archive_1 is {how} by now: it cannot be merged."
        said = "There is no archive archive_1." if how == "manifest" else by_now
        assert said in (world.manifests["archive_3"].failure or "")
    assert world.open is None
    assert world.states["archive_2"][0] is Visibility.PURGED


def refuse(archive_id: str) -> Manifest:
    raise TerminalError(f"There is no archive {archive_id}.")


@pytest.mark.parametrize("reasons", [(None, None), ("a", None), (None, "b"), ("a", "a"), ("a", "b")])
def test_what_holds_a_source_holds_what_is_made_of_it(reasons: tuple[str | None, str | None]) -> None:
    world = compacting(State.VERIFIED)
    for number, reason in enumerate(reasons, start=1):
        if reason is not None:
            hold = Hold(reason=reason, by="test", at=DAY)
            name = f"archive_{number}"
            world.manifests[name] = world.manifests[name].model_copy(update={"hold": hold})
    finish(world)
    held = world.manifests["archive_3"].hold
    assert (held.reason if held else None) == {2: "a; b", 1: next((r for r in reasons if r), None), 0: None}[
        len({r for r in reasons if r})
    ]


def test_a_document_that_is_no_event_is_set_aside_and_the_next_archive_is_without_it() -> None:
    world = World(EVENTS)
    world.plan("archive_1", CHOSEN)
    aside = ["The document with _id 'x' is no event: its event_time is no date.", "Another one is none."]
    copied = world.copy

    def copy(manifest: Manifest) -> Copy:
        if aside:
            raise TerminalError("Spark could not do it: TypeError")
        return copied(manifest)

    world.copy = copy  # type: ignore[method-assign]

    def set_aside(manifest: Manifest) -> list[str]:
        assert manifest.archive_id == "archive_1"
        return [aside.pop(0) for _ in range(2)]

    world.set_aside = set_aside  # type: ignore[method-assign]
    with pytest.raises(TerminalError, match=r"is no date\. Another one is none"):
        run_step(world, Step.EXPORT)
    assert world.open is None
    world.plan("archive_2", CHOSEN)
    finish(world)
    check_done(world, "archive_2")


@pytest.mark.parametrize("state", [State.PLANNED, State.EXPORTED])
def test_without_a_copier_nothing_is_copied_or_verified(state: State) -> None:
    world = World(EVENTS)
    manifest = world.plan("archive_1", CHOSEN, state=state)
    with pytest.raises(TerminalError, match="runs in the Spark job archive_hot_tier"):
        Archiver(world, TIMING).run_step(manifest, NEXT[state])
    assert world.effects == 0
    assert world.manifests["archive_1"] is manifest


def test_an_export_that_fails_for_another_reason_is_tried_again() -> None:
    world = World(EVENTS)
    world.plan("archive_1", CHOSEN)
    copied = world.copy
    world.copy = refuse_copy  # type: ignore[method-assign]
    with pytest.raises(TerminalError, match="no room"):
        run_step(world, Step.EXPORT)
    assert world.manifests["archive_1"].state is State.PLANNED
    world.copy = copied  # type: ignore[method-assign]
    finish(world)
    check_done(world, "archive_1")


def refuse_copy(manifest: Manifest) -> Copy:
    raise TerminalError("no room")


def published(events: Sequence[Document]) -> World:
    """A world where the purge is due."""
    world = World(events)
    world.plan("archive_1", CHOSEN)
    for step in (Step.EXPORT, Step.VERIFY, Step.PUBLISH):
        run_step(world, step)
    world.sleep(GRACE)
    world.slept = []
    return world


@given(documents(least=5), st.integers(0, 5))
def test_a_purge_is_stopped_between_batches_and_finished_later(events: list[Document], batches: int) -> None:
    world = published(events)
    hot, answers = len(world.hot), iter([False] * batches)
    stopped = archiver(world, asked_to_stop=lambda: next(answers, True))
    moved = world.manifests["archive_1"].planned
    if batches * AT_ONCE < moved:
        with pytest.raises(StoppedError):
            stopped.run_step(world.manifests["archive_1"], Step.PURGE)
        assert hot - len(world.hot) == batches * AT_ONCE
        assert world.manifests["archive_1"].state is State.PUBLISHED
    finish(world)
    check_done(world, "archive_1")


@given(documents(least=5), st.integers(1, 5_000))
def test_a_purge_is_no_faster_than_allowed(events: list[Document], rate: int) -> None:
    world = published(events)
    timing = TIMING.model_copy(update={"purge_documents_per_second": rate})
    began, manifest = time.monotonic(), world.manifests["archive_1"]
    archiver(world, timing).run_step(manifest, Step.PURGE)
    took, least = time.monotonic() - began, manifest.planned / rate
    assert least - took <= sum(world.slept) <= least + 1e-9
    # The sleep comes with its batch: no burst of deletes first.
    assert max(world.slept) <= AT_ONCE / rate + 1e-9


@given(st.floats(0, GRACE - 30))
def test_nothing_is_purged_before_the_grace_time_is_over(seconds: float) -> None:
    world = World(EVENTS)
    world.plan("archive_1", CHOSEN)
    for step in (Step.EXPORT, Step.VERIFY, Step.PUBLISH):
        run_step(world, step)
    shown = world.now()
    world.sleep(seconds)
    effects, manifest = world.effects, world.manifests["archive_1"]
    with pytest.raises(NotYetError) as early:
        run_step(world, Step.PURGE)
    assert early.value.until == manifest.purge_after
    assert (early.value.until - shown).total_seconds() == pytest.approx(GRACE, abs=2 * EFFECT)
    assert (world.effects, world.manifests["archive_1"]) == (effects, manifest)


@pytest.mark.parametrize("state", State)
def test_a_step_that_is_not_due_changes_nothing(state: State) -> None:
    world = World(EVENTS)
    manifest = world.plan("archive_1", CHOSEN, state=state)
    for step in set(Step) - {NEXT.get(state)}:
        assert run_step(world, step) is manifest
    assert world.effects == 0
    assert world.manifests["archive_1"] is manifest
