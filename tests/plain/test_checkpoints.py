"""Checkpoints: which one is resumed, and that none is where a process writes that has lost the lease."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from events.pipelines import flights
from skytier.errors import LeaseLostError, TerminalError
from skytier.fence import Fence
from skytier.files import Files
from skytier.pipeline.checkpoints import Checkpoints
from tests.files_in_memory import NameNodeInMemory

pytestmark = pytest.mark.plain

FLIGHTS = flights()
FOLDER = FLIGHTS.checkpoint_folder


@pytest.fixture
def name_node() -> NameNodeInMemory:
    return NameNodeInMemory()


def held(name_node: NameNodeInMemory, token: int, taken_over: int) -> Files:
    """The file system for the holder with a token."""
    fence = Fence(f"/metadata/leases/work/{token}.{taken_over}.held", token, taken_over)
    for name in name_node.folders("/metadata/leases/work"):
        name_node.move(f"/metadata/leases/work/{name}", fence.folder)
    name_node.make_folder(fence.folder)
    return name_node.behind(fence)


def plan(name_node: NameNodeInMemory, checkpoints: Checkpoints, generation: int, number: int) -> None:
    """What Spark writes when it has planned a batch: it makes no folder."""
    path = f"{checkpoints.path(generation)}/offsets/{number}"
    assert name_node.content.get(path.rpartition("/")[0], b"") is None, f"{path} has no folder"
    name_node.create(path, b"v1")


def begun(name_node: NameNodeInMemory, files: Files) -> Checkpoints:
    """A checkpoint with one batch planned."""
    checkpoints = Checkpoints(files, FLIGHTS)
    generation = checkpoints.begin("there is no checkpoint", 0, {}, {})
    assert generation.generation == 1
    name_node.make_folder(f"{checkpoints.path(1)}/offsets")
    plan(name_node, checkpoints, 1, 0)
    return checkpoints


def test_a_checkpoint_stays_where_it_is_while_leases_are_released(name_node: NameNodeInMemory) -> None:
    begun(name_node, held(name_node, 1, 0))
    for token in (2, 3):
        later = Checkpoints(held(name_node, token, 0), FLIGHTS)
        assert later.current() is not None
        assert later.path(1) == f"{FOLDER}/1"
    assert name_node.list(FOLDER) == ["1"]


def test_who_takes_over_moves_it_away_from_who_lost_the_lease(name_node: NameNodeInMemory) -> None:
    lost = begun(name_node, held(name_node, 1, 0))
    taken = Checkpoints(held(name_node, 2, 2), FLIGHTS)
    generation = taken.current()
    assert generation is not None
    assert taken.path(1) == f"{FOLDER}/1.2"
    assert taken.planned(generation) == [0]
    with pytest.raises(AssertionError, match="has no folder"):
        plan(name_node, lost, 1, 1)
    with pytest.raises(TerminalError):
        name_node.make_folder(f"{lost.path(1)}/offsets")
    plan(name_node, taken, 1, 1)
    with pytest.raises(LeaseLostError):
        lost.begin("again", 0, {}, {})
    later = Checkpoints(held(name_node, 3, 2), FLIGHTS)
    assert later.current() == generation
    assert later.path(1) == f"{FOLDER}/1.2"
    assert later.planned(generation) == [0, 1]
    assert later.next_generation(0) == 2


def test_it_moves_again_with_each_take_over(name_node: NameNodeInMemory) -> None:
    begun(name_node, held(name_node, 1, 0))
    for token in (2, 3, 4):
        assert Checkpoints(held(name_node, token, token), FLIGHTS).current() is not None
    assert list(name_node.folders(FOLDER)) == ["1.4"]
    assert name_node.list(FOLDER) == ["1", "1.2", "1.3", "1.4"]


def test_a_take_over_that_was_not_followed_up_is_followed_up_later(name_node: NameNodeInMemory) -> None:
    """The holder that took over failed before it came to the checkpoint, and released the lease."""
    begun(name_node, held(name_node, 1, 0))
    held(name_node, 2, 2)
    later = Checkpoints(held(name_node, 3, 2), FLIGHTS)
    assert later.current() is not None
    assert later.path(1) == f"{FOLDER}/1.2"


def test_a_checkpoint_that_was_registered_only_is_ruled_out(name_node: NameNodeInMemory) -> None:
    """Its process was stopped before Spark made the folder: it would make it when it wakes."""
    lost = Checkpoints(held(name_node, 1, 0), FLIGHTS)
    lost.begin("there is no checkpoint", 0, {}, {})
    taken = Checkpoints(held(name_node, 2, 2), FLIGHTS)
    assert taken.current() is None
    with pytest.raises(TerminalError):
        name_node.make_folder(f"{lost.path(1)}/offsets")
    assert taken.begin("there is no checkpoint", 0, {}, {}).generation == 2


def test_a_deleted_checkpoint_is_gone_even_where_files_mark_its_old_paths(name_node: NameNodeInMemory) -> None:
    begun(name_node, held(name_node, 1, 0))
    taken = Checkpoints(held(name_node, 2, 2), FLIGHTS)
    assert taken.current() is not None
    name_node.remove(taken.path(1))
    assert Checkpoints(held(name_node, 3, 2), FLIGHTS).current() is None
    assert Checkpoints(held(name_node, 4, 2), FLIGHTS).begin("gone", 0, {}, {}).begun_at <= datetime.now(UTC)
