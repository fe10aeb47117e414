"""Damaged copies, files and events of the archive protocol: each is found before anything is deleted."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given

from skytier.archive.copy_steps import differences
from skytier.archive.manifest import State, Visibility
from skytier.archive.protocol import NEXT, Step
from skytier.errors import TerminalError
from skytier.hot_tier import Document
from tests.archive_world import (
    CHOSEN,
    EVENTS,
    GRACE,
    Files,
    Killed,
    World,
    archiver,
    check_done,
    document,
    documents,
    finish,
    kills,
    run_step,
)
from tests.flights_archive import location, staging

pytestmark = pytest.mark.plain


def lost(files: Files) -> None:
    files["part-1"].pop()


def changed(files: Files) -> None:
    files["part-1"][0]["n"] += 1


def retyped(files: Files) -> None:
    files["part-1"][0]["n"] = float(files["part-1"][0]["n"])


def nulled(files: Files) -> None:
    files["part-1"][0]["gate"] = None


def doubled(files: Files) -> None:
    files["part-1"].append(files["part-0"][0])


def doubled_for_another(files: Files) -> None:
    files["part-1"][0] = files["part-0"][0]


def exchanged(files: Files) -> None:
    one, other = files["part-0"][0], files["part-1"][0]
    one["n"], other["n"] = other["n"], one["n"]


def invented(files: Files) -> None:
    files["part-1"].append(document(77, 0, 1))


def missing(files: Files) -> None:
    del files["part-0"]


DAMAGES = [lost, changed, retyped, nulled, doubled, doubled_for_another, exchanged, invented, missing]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("when", ["while it was written", "afterwards"])
@given(events=documents(least=4), kill_in=kills)
def test_a_damaged_copy_ends_the_archive_and_deletes_nothing(
    damage: Callable[[Files], None], when: str, events: list[Document], kill_in: int | None
) -> None:
    world = World(events)
    manifest = world.plan("archive_1", CHOSEN)
    hot, states = deepcopy(world.hot), dict(world.states)
    if when == "while it was written":
        world.spoil = damage
    run_step(world, Step.EXPORT)
    if when == "afterwards":
        damage(world.folders[staging(manifest)])
    world.kill_in = kill_in
    with pytest.raises((TerminalError, Killed)):
        run_step(world, Step.VERIFY)
    world.kill_in, world.spoil = None, lambda files: None
    failed = world.manifests["archive_1"]
    if failed.state is State.FAILED:
        assert failed.failure
        assert failed.content is None
        for step in Step:
            assert archiver(world).run_step(failed, step) is failed
        finish(world)
    else:  # killed before the manifest was saved
        with pytest.raises(TerminalError, match="Nothing was deleted"):
            run_step(world, Step.VERIFY)
    assert world.manifests["archive_1"].state is State.FAILED
    assert (world.hot, world.states, world.open) == (hot, states, None)
    assert staging(manifest) not in world.folders
    world.plan("archive_2", CHOSEN)
    finish(world)
    check_done(world, "archive_2")


@pytest.mark.parametrize("side", ["original", "copied"])
def test_an_id_twice_speaks_against_a_copy_whatever_the_sums_say(side: str) -> None:
    world = World(EVENTS)
    manifest = world.plan("archive_1", CHOSEN)
    proof = world.original(manifest)
    assert differences(manifest, proof, proof) == []
    both = {"original": proof, "copied": proof} | {side: proof.model_copy(update={"all_distinct": False})}
    (found,) = differences(manifest, **both)
    assert found.endswith("holds an _id twice, or out of order")


@pytest.mark.parametrize("damage", [lost, doubled, missing])
@pytest.mark.parametrize("state", [State.VERIFIED, State.PUBLISHED])
def test_files_that_are_damaged_after_the_proof_delete_nothing(damage: Callable[[Files], None], state: State) -> None:
    world = World(EVENTS)
    manifest = world.plan("archive_1", CHOSEN)
    while world.manifests["archive_1"].state is not state:
        run_step(world, NEXT[world.manifests["archive_1"].state])
    world.sleep(GRACE)
    hot = dict(world.hot)
    damage(world.folders[staging(manifest) if state is State.VERIFIED else location(manifest)])
    with pytest.raises(TerminalError, match="is not what was written"):
        run_step(world, NEXT[state])
    assert world.hot == hot
    assert world.manifests["archive_1"].state is state


def test_an_event_of_the_selection_that_is_not_in_its_files_is_not_deleted() -> None:
    world = World(EVENTS)
    world.plan("archive_1", CHOSEN)
    for step in (Step.EXPORT, Step.VERIFY, Step.PUBLISH):
        run_step(world, step)
    world.sleep(GRACE)
    intruder = document(77, 0, 3)
    world.hot[intruder["_id"]] = intruder
    world.queries, world.watch = [], lambda: None  # type: ignore[method-assign]  # it breaks the view's promise
    for _ in range(2):
        with pytest.raises(TerminalError, match="1 events of its selection"):
            run_step(world, Step.PURGE)
        assert world.hot[intruder["_id"]] == intruder
        assert world.states["archive_1"][0] is Visibility.PUBLISHED
    del world.hot[intruder["_id"]]
    finish(world)
    check_done(world, "archive_1")


@pytest.mark.parametrize("change", [lambda hot: hot["37"].update(n=-1), lambda hot: hot.pop("37")])
def test_a_hot_tier_that_changed_since_the_export_fails_the_archive(change: Callable[[Any], object]) -> None:
    world = World([document(1, 4, 1), document(2, 4, 1)])
    world.plan("archive_1", CHOSEN)
    run_step(world, Step.EXPORT)
    change(world.hot)
    left = deepcopy(world.hot)
    world.watch = lambda: None  # type: ignore[method-assign]  # what was changed is not what was sent
    with pytest.raises(TerminalError, match="key range 0"):
        run_step(world, Step.VERIFY)
    assert world.manifests["archive_1"].state is State.FAILED
    assert world.hot == left
