"""The commands of the archive beside its runs, in any order, each killed anywhere: each event once, nothing stuck.

A command that waits has two parts, and each is a rule of its own: so anything may happen in the wait.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from skytier.archive import compaction, restoring, retention, runs
from skytier.archive.manifest import Manifest, State, Visibility
from skytier.archive.protocol import NEXT, NotYetError
from skytier.archive.resuming import resume
from skytier.errors import TerminalError
from skytier.settings.archive import ArchiveSettings
from tests.archive_lifecycle import Lifecycle
from tests.archive_world import DAY, GRACE, SETTLE, SHOWS, Killed, archiver
from tests.flights_archive import location

pytestmark = pytest.mark.plain

SETTINGS = ArchiveSettings(grace_seconds=GRACE)
minutes = st.integers(0, 8)
kills = st.none() | st.integers(0, 12)
spans = st.sampled_from([(None, None), (DAY, DAY + timedelta(minutes=4))])
which = st.integers(0, 5)


def take_steps(world: Lifecycle, number: int) -> None:
    for _ in range(number):
        found = world.under_way()
        if found is None or found.state not in NEXT:
            return
        with world.lock():
            archiver(world).run_step(found, NEXT[found.state])


def complete_all(world: Lifecycle) -> None:
    """The runs of the next minutes."""
    for _ in range(3):
        with world.lock():
            if resume(world) is None:
                restoring.return_unpinned(world)
        with suppress(NotYetError):
            take_steps(world, 6)
        world.sleep(GRACE)


@functools.cache
def world_with_three_archives() -> Lifecycle:
    world = Lifecycle()
    for minute in range(9):
        world.bring(minute)
    for minute in (2, 4, 6):
        with world.lock():
            world.plan_new(minute)
        complete_all(world)
    return world


class Commands(RuleBasedStateMachine):
    """Everything that users, Airflow and kills do with archives."""

    def __init__(self) -> None:
        super().__init__()
        self.world = deepcopy(world_with_three_archives())
        self.held: list[set[str]] = []
        """the events of each archive whose hold was acknowledged"""

    def as_process(self, command: Callable[[], object], kill_in: int | None, may_refuse: bool = True) -> bool:
        """Run a command in a process that may be killed; whether it ended well."""
        self.world.kill_in = kill_in
        try:
            command()
        except TerminalError:
            if not may_refuse:
                raise
            return False
        except (Killed, NotYetError):
            return False
        finally:
            self.world.kill_in = None
        return True

    def archive(self, number: int) -> str:
        known = sorted(self.world.manifests)
        return known[number % len(known)] if known else "none"

    # Events, time, runs.

    @rule(minute=minutes)
    def an_event_arrives(self, minute: int) -> None:
        if self.world.batches < 60:
            self.world.bring(minute)

    @rule(seconds=st.sampled_from([1.0, SETTLE, GRACE / 2, GRACE]))
    def time_passes(self, seconds: float) -> None:
        self.world.sleep(seconds)

    @rule(minute=minutes, kill_in=kills)
    def a_run_begins(self, minute: int, kill_in: int | None) -> None:
        def plan() -> None:
            with self.world.lock():
                if resume(self.world) is None:
                    restoring.return_unpinned(self.world)
                    self.world.plan_new(minute)

        self.as_process(plan, kill_in, may_refuse=False)

    @rule(steps=st.integers(1, 5), kill_in=kills)
    def a_run_resumes(self, steps: int, kill_in: int | None) -> None:
        self.as_process(lambda: take_steps(self.world, steps), kill_in, may_refuse=False)

    @rule()
    def the_hot_tier_is_lost_and_rebuilt(self) -> None:
        self.world.rebuild()

    # Commands.

    @rule(number=which, kill_in=kills)
    def hold(self, number: int, kill_in: int | None) -> None:
        held: list[Manifest] = []
        name = self.archive(number)
        if self.as_process(lambda: held.append(retention.hold(self.world, name, "case 7")), kill_in):
            self.held.append(set(self.world.content[held[0].archive_id]))

    @rule(number=which, kill_in=kills)
    def release(self, number: int, kill_in: int | None) -> None:
        name = self.archive(number)
        events = self.world.content.get(name, set())
        merged = [found for archive_id, found in self.world.content.items() if events & found]
        self.held = [held for held in self.held if not any(held & found for found in merged)]
        self.as_process(lambda: retention.release(self.world, name, "closed"), kill_in)

    @rule(minute=minutes, kill_in=kills)
    def expire_hides(self, minute: int, kill_in: int | None) -> None:
        def hide() -> None:
            with self.world.lock():
                retention.hide_expired(self.world, DAY + timedelta(minutes=minute))

        self.as_process(hide, kill_in, may_refuse=False)

    @rule(kill_in=kills)
    def expire_deletes(self, kill_in: int | None) -> None:
        self.as_process(self.continue_expiries, kill_in, may_refuse=False)

    def continue_expiries(self) -> None:
        with self.world.lock():
            retention.continue_expiries(self.world)

    @rule(number=which, span=spans, kill_in=kills)
    def restore_announces(self, number: int, span: restoring.Span, kill_in: int | None) -> None:
        self.as_process(lambda: restoring.begin(self.world, [self.archive(number)], span), kill_in)

    @rule(number=which, span=spans, kill_in=kills)
    def restore_puts_back(self, number: int, span: restoring.Span, kill_in: int | None) -> None:
        self.as_process(lambda: restoring.insert_announced(self.world, [self.archive(number)], span), kill_in)

    @rule(number=which, span=spans, kill_in=kills)
    def restore(self, number: int, span: restoring.Span, kill_in: int | None) -> None:
        self.as_process(lambda: restoring.restore(self.world, [self.archive(number)], *span), kill_in)

    @rule(number=which, kill_in=kills)
    def unpin(self, number: int, kill_in: int | None) -> None:
        self.as_process(lambda: restoring.unpin(self.world, self.archive(number)), kill_in)

    @rule(kill_in=kills)
    def compact(self, kill_in: int | None) -> None:
        self.as_process(lambda: compaction.plan_compaction(self.world, SETTINGS, 0, 1), kill_in)

    @precondition(lambda self: self.world.under_way())
    @rule(kill_in=kills)
    def abandon(self, kill_in: int | None) -> None:
        self.as_process(lambda: compaction.abandon(self.world, self.world.open or "", "why not"), kill_in)

    @rule(number=which)
    def verify(self, number: int) -> None:
        if (found := self.world.manifests.get(self.archive(number))) is not None:
            with suppress(TerminalError):
                runs.check(self.world, self.world, found)
        assert self.world.alerts == []

    # What always holds; the world itself counts the events after each effect, for every query that may be running.

    @invariant()
    def what_is_held_is_there(self) -> None:
        gone = self.world.gone(self.world.states)
        assert not any(held & gone for held in self.held)

    @invariant()
    def only_what_was_abandoned_fails(self) -> None:
        assert not [m for m in self.world.all() if m.failure and not m.failure.startswith("abandoned")]

    def teardown(self) -> None:
        """Whatever was interrupted: after runs and one 'expire' nothing is half done, and every command is possible."""
        world = self.world
        complete_all(world)
        for manifest in world.all():
            if manifest.state is State.DONE and manifest.restored:
                restoring.unpin(world, manifest.archive_id)
        complete_all(world)
        assert world.under_way() is None
        for temporary in (Visibility.EXPIRING, Visibility.RESTORED, Visibility.PUBLISHED):
            assert world.with_visibility(temporary) == {}
        for manifest in world.all():
            assert manifest.state in (State.DONE, State.FAILED, State.MERGED, State.EXPIRED), manifest
            visible = world.states[manifest.archive_id][0] if manifest.archive_id in world.states else None
            assert (visible in SHOWS) is (manifest.state is State.DONE)
            assert (location(manifest) in world.folders) or manifest.state is not State.DONE
            if manifest.state in (State.MERGED, State.EXPIRED):
                assert location(manifest) not in world.folders
            if manifest.state is State.DONE:
                runs.check(world, world, manifest)
        kept = [world.content[m.archive_id] for m in world.all() if m.state is State.DONE and m.hold]
        assert all(held <= set().union(*kept) for held in self.held)
        assert not world.in_archives(world.states) & world.hot.keys()


TestCommands = Commands.TestCase
TestCommands.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)

WHOLE = (None, None)
Act = Callable[[Commands, int | None], object]
ACTS: dict[str, Act] = {
    "plan": lambda c, kill: c.a_run_begins(8, kill),
    "steps": lambda c, kill: c.a_run_resumes(3, kill),
    "purge": lambda c, kill: (c.time_passes(GRACE), c.a_run_resumes(2, kill)),
    "hold": lambda c, kill: c.hold(0, kill),
    "release": lambda c, kill: c.release(0, kill),
    "expire hides": lambda c, kill: c.expire_hides(3, kill),
    "expire deletes": lambda c, kill: (c.time_passes(GRACE), c.expire_deletes(kill)),
    "restore announces": lambda c, kill: c.restore_announces(0, WHOLE, kill),
    "restore puts back": lambda c, kill: c.restore_puts_back(0, WHOLE, kill),
    "restore": lambda c, kill: c.restore(0, WHOLE, kill),
    "unpin": lambda c, kill: c.unpin(0, kill),
    "compact": lambda c, kill: c.compact(kill),
    "abandon": lambda c, kill: c.abandon(kill) if c.world.under_way() else None,
    "rebuild": lambda c, kill: c.the_hot_tier_is_lost_and_rebuilt(),
    "verify": lambda c, kill: c.verify(0),
}
LEADS: list[tuple[str, ...]] = [
    (),
    ("plan", "steps"),
    ("compact", "steps"),
    ("compact", "steps", "hold"),
    ("expire hides",),
    ("restore",),
    ("restore", "unpin"),
    ("restore announces", "unpin"),
]
"""commands that were completed before"""


@pytest.mark.parametrize("lead", LEADS, ids=" and ".join)
def test_each_command_killed_at_each_effect_and_then_each_other(lead: tuple[str, ...]) -> None:
    for first in ACTS:
        for kill_in in range(effects_of(lead, first)):
            for second in ACTS:
                machine = after(lead)
                ACTS[first](machine, kill_in)
                ACTS[second](machine, None)
                machine.what_is_held_is_there()
                machine.only_what_was_abandoned_fails()
                machine.teardown()


def after(lead: tuple[str, ...]) -> Commands:
    machine = Commands()
    for name in lead:
        ACTS[name](machine, None)
    return machine


def effects_of(lead: tuple[str, ...], name: str) -> int:
    """How many effects a command has then; 1 for a command without effects, which runs uninterrupted."""
    machine = after(lead)
    before = machine.world.effects
    ACTS[name](machine, None)
    return max(1, min(machine.world.effects - before, 14))


@pytest.mark.parametrize("kill_in", [None, 0, 1, 2, 3, 4])
def test_an_archive_whose_files_are_lost_is_abandoned_and_its_events_come_back(kill_in: int | None) -> None:
    machine = Commands()
    world, name = machine.world, machine.archive(0)
    with pytest.raises(TerminalError, match="its files can be read"):
        compaction.abandon(world, name, "?")
    del world.folders[location(world.manifests[name])]
    world.watch = lambda: None  # type: ignore[method-assign]  # queries that read it fail
    machine.as_process(lambda: compaction.abandon(world, name, "a disk died"), kill_in)
    if world.manifests[name].state is State.DONE:
        compaction.abandon(world, name, "a disk died")
    del world.watch
    world.rebuild()
    machine.a_run_begins(8, None)
    machine.teardown()


@pytest.mark.parametrize(
    ("lead", "reason_to_retain"),
    [
        (("hold",), "it is held"),
        (("restore",), "it is restored to the hot tier"),
        (("compact",), "a compaction is merging it"),
    ],
)
def test_an_old_archive_that_is_retained_has_a_reason(lead: tuple[str, ...], reason_to_retain: str) -> None:
    machine = after(lead)
    kept = retention.retained(machine.world, DAY + timedelta(days=1))
    assert {reason.partition(" (")[0] for reason in kept.values()} == {reason_to_retain}
    assert kept.keys().isdisjoint(manifest.archive_id for manifest in retention.idle(machine.world))
    assert retention.retained(machine.world, None) == retention.retained(machine.world, DAY - timedelta(days=1)) == {}
