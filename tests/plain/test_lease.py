"""The lease: one holder at a time, and one that has lost it changes nothing, wherever it was stopped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skytier.errors import LeaseLostError, TerminalError
from skytier.lease import LEASES, Contender, Lease, Turn
from skytier.process_identity import ProcessIdentity, own_identity
from tests.files_in_memory import NameNodeInMemory
from tests.interleaving import Interleaving

pytestmark = pytest.mark.plain

SECONDS = 30.0
MARK = "/metadata/mark.json"


class Clock:
    """A monotonic clock that tests move."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def files() -> NameNodeInMemory:
    return NameNodeInMemory()


def contender(files: NameNodeInMemory, clock: Callable[[], float] | None = None) -> Contender:
    return Contender(files, "work", SECONDS, clock or Clock())


def acquired(files: NameNodeInMemory) -> Lease:
    lease = contender(files).acquire()
    assert lease is not None
    lease.announce(SECONDS)
    return lease


def taken_over(files: NameNodeInMemory) -> Lease:
    """The lease, from a holder that has not renewed it."""
    clock = Clock()
    other = contender(files, clock)
    assert other.acquire() is None
    clock.seconds += SECONDS
    lease = other.acquire()
    assert lease is not None
    return lease


def test_a_lease_is_held_by_one_until_it_is_released(files: NameNodeInMemory) -> None:
    first, second = acquired(files), contender(files)
    assert second.acquire() is None
    assert second.holder is not None
    assert second.holder.process.pid == os.getpid()
    first.release()
    next_one = second.acquire()
    assert next_one is not None
    assert (first.token, next_one.token, next_one.taken_over) == (1, 2, 0)


def test_a_lease_that_is_renewed_is_not_taken_over(files: NameNodeInMemory) -> None:
    first, clock = acquired(files), Clock()
    second = contender(files, clock)
    for _ in range(10):
        assert second.acquire() is None
        clock.seconds += SECONDS * 0.9
        first.renew()
    assert second.acquire() is None
    clock.seconds += SECONDS * 0.9
    assert second.acquire() is None
    clock.seconds += SECONDS * 0.1
    assert second.acquire() is not None


def test_it_expires_after_the_time_that_its_holder_has_set(files: NameNodeInMemory) -> None:
    acquired(files).announce(SECONDS * 2)
    clock = Clock()
    second = contender(files, clock)
    assert second.acquire() is None
    clock.seconds = SECONDS * 1.5
    assert second.acquire() is None
    clock.seconds = SECONDS * 2
    assert second.acquire() is not None


def test_time_in_which_a_contender_did_not_look_is_no_proof(files: NameNodeInMemory) -> None:
    """Stopped between two looks, it knows nothing of what was in between but what it sees then."""
    first, clock = acquired(files), Clock()
    second = contender(files, clock)
    assert second.acquire() is None
    clock.seconds += SECONDS * 10
    first.renew()
    assert second.acquire() is None


def test_whoever_lost_the_lease_changes_nothing(files: NameNodeInMemory) -> None:
    lost = acquired(files)
    files.create("/raw/aside/part", b"1")
    lost.files.write_json_atomically(MARK, {"by": 1})
    holder = taken_over(files)
    before = dict(files.content)
    attempts: list[Callable[[], None]] = [
        lambda: lost.files.write_json_atomically(MARK, {"by": "lost"}),
        lambda: lost.files.write_json_atomically("/metadata/other.json", {}),
        lambda: lost.files.delete(MARK),
        lambda: lost.files.delete("/metadata/nothing"),
        lambda: lost.files.rename("/raw/aside", "/raw/batch"),
        lost.renew,
        lost.require,
    ]
    for attempt in attempts:
        with pytest.raises(LeaseLostError, match=r"1\.0\.held"):
            attempt()
    lost.release()
    assert {path: content for path, content in files.content.items() if path != "/raw"} == {
        path: content for path, content in before.items() if path != "/raw"
    }
    holder.require()
    assert contender(files).acquire() is None


def test_other_errors_stay_what_they_are(files: NameNodeInMemory) -> None:
    lease = acquired(files)
    files.create("/raw/there", b"")
    with pytest.raises(TerminalError, match="exists already"):
        lease.files.rename("/raw/aside", "/raw/there")
    with pytest.raises(TerminalError, match="is not there"):
        lease.files.rename("/raw/aside", "/raw/batch")
    lease.files.delete("/raw/nothing")
    lease.files.delete("/raw/there")
    assert "/raw/there" not in files.content


def test_a_lease_remembers_the_newest_take_over(files: NameNodeInMemory) -> None:
    acquired(files)
    second = taken_over(files)
    assert (second.token, second.taken_over) == (2, 2)
    second.release()
    third = acquired(files)
    assert (third.token, third.taken_over) == (3, 2)
    third.release()
    assert Turn(3, 2, is_held=False).name in files.list(f"{LEASES}/work")


def test_who_takes_over_completes_a_rename_and_removes_what_was_staged(files: NameNodeInMemory) -> None:
    killed = acquired(files)
    files.create("/raw/aside/part", b"1")
    files.create("/metadata/_mark", b"2")

    class KilledError(Exception):
        pass

    moved = NameNodeInMemory.move

    def once(self: NameNodeInMemory, path: str, to: str, *, replace: bool = False) -> None:
        moved(self, path, to, replace=replace)
        raise KilledError

    writes: list[Callable[[], None]] = [
        lambda: killed.files.rename("/raw/aside", "/raw/batch"),
        lambda: killed.files.write_atomically(MARK, b"3"),
    ]
    for write in writes:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(NameNodeInMemory, "move", once)
            with pytest.raises(KilledError):
                write()
    assert "/raw/aside" not in files.content
    holder = taken_over(files)
    assert files.content["/raw/batch/part"] == b"1"
    assert MARK not in files.content
    assert files.list(holder.folder) == []
    holder.announce(SECONDS)
    assert files.list(holder.folder) == ["holder.json"]


def test_a_holder_that_has_ended_is_not_waited_for(files: NameNodeInMemory) -> None:
    lease = acquired(files)
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    _say(files, lease, own_identity().model_copy(update={"pid": int(ended.stdout), "start": "1"}))
    second = contender(files).acquire()
    assert second is not None
    assert second.taken_over == second.token


def test_a_process_of_another_machine_is_waited_for(files: NameNodeInMemory) -> None:
    lease = acquired(files)
    _say(files, lease, own_identity().model_copy(update={"boot": "another", "pid": 1, "start": "1"}))
    assert contender(files).acquire() is None


def test_what_the_holder_before_said_is_not_believed(files: NameNodeInMemory) -> None:
    """Between taking the lease and saying so, a holder has the word of the one before in its folder."""
    first = acquired(files)
    _say(files, first, own_identity().model_copy(update={"pid": 1, "start": "1"}))
    first.release()
    folder = f"{LEASES}/work"
    files.move(f"{folder}/1.0.free", f"{folder}/2.0.held")
    assert contender(files).acquire() is None


def test_a_process_is_told_from_a_later_one_of_its_pid() -> None:
    own = own_identity()
    assert not own.has_ended()
    assert own.model_copy(update={"start": "1"}).has_ended()
    assert not own.model_copy(update={"start": "1", "namespace": "pid:[1]"}).has_ended()
    assert not ProcessIdentity(host="elsewhere", pid=1).has_ended()


def _say(files: NameNodeInMemory, lease: Lease, process: ProcessIdentity) -> None:
    path = f"{lease.folder}/holder.json"
    said = json.loads(files.content[path] or b"") | {"process": process.model_dump(), "lease_id": "another"}
    files.content[path] = json.dumps(said).encode()


class Workers:
    """Several holders one after the other, each stopped, killed or slow wherever the schedule wants it so."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.files = NameNodeInMemory(Interleaving.stop_here)
        self.done: list[int] = []
        self.begun: list[tuple[str, str]] = []

    def work(self, *, is_killed: bool) -> None:
        wants = contender(self.files, self.clock)
        while (lease := wants.acquire()) is None:
            pass
        try:
            self._write(lease)
        except LeaseLostError:
            lease.give_up()
            return
        if is_killed:
            lease.give_up()
        else:
            lease.release()

    def _write(self, lease: Lease) -> None:
        own = str(lease.token).encode()
        lease.files.write_atomically(MARK, own)
        aside, place = f"/raw/aside/{lease.token}", f"/raw/batch/{lease.token}"
        self.files.create(aside, own)
        self.begun.append((aside, place))
        lease.files.rename(aside, place)
        lease.renew()
        lease.files.delete(MARK)
        lease.files.write_atomically(MARK, own)
        self.done.append(lease.token)

    def check(self) -> None:
        """Every change was made by the holder of then, and nothing is lost."""
        newest = 0
        for path, to in self.files.moves:
            for turn in (name for name in to.split("/") if name.endswith(".held") and to.endswith(name)):
                newest = int(turn.split(".")[0])
            by = [int(name.split(".")[0]) for name in path.split("/") if name.endswith(".held")]
            if by and not path.endswith(".held"):
                assert by == [newest], f"{path} was moved to {to} when {newest} held the lease"
            else:
                assert to != MARK
        assert self.done == sorted(set(self.done))
        for aside, place in self.begun:
            assert (aside in self.files.content) != (place in self.files.content), f"{aside} is lost"


@settings(max_examples=150, deadline=None)
@given(data=st.data(), killed=st.lists(st.booleans(), min_size=2, max_size=4))
def test_one_works_at_a_time_wherever_others_are_stopped(data: st.DataObject, killed: list[bool]) -> None:
    workers = Workers()
    runs = Interleaving([lambda is_killed=is_killed: workers.work(is_killed=is_killed) for is_killed in killed])  # type: ignore[misc]
    favourite = 0

    def choose(waiting: list[int]) -> int:
        nonlocal favourite
        workers.clock.seconds += data.draw(st.sampled_from([0, 0, 0, 1, SECONDS]), label="seconds")
        if favourite not in waiting or data.draw(st.integers(0, 4), label="change") == 0:
            favourite = data.draw(st.sampled_from(waiting), label="next")
        return favourite

    runs.run(choose)
    clock = Clock()
    last = contender(workers.files, clock)
    while last.acquire() is None:
        clock.seconds += SECONDS
    workers.check()
    assert len(workers.files.folders(f"{LEASES}/work")) == 1
