"""Works under a lease: who waits for whom, and what an error leaves behind."""

from __future__ import annotations

import time

import pytest

from skytier import locks
from skytier.errors import LeaseLostError, TerminalError
from skytier.lease import LEASES, Contender
from tests.files_in_memory import NameNodeInMemory

pytestmark = pytest.mark.plain

SECONDS = 1.0


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> NameNodeInMemory:
    monkeypatch.setenv("SKYTIER_LEASE_SECONDS", str(SECONDS))
    return NameNodeInMemory()


def test_pipelines_and_works_do_not_wait_for_each_other(files: NameNodeInMemory) -> None:
    with (
        locks.lease(locks.PROCESS, pipeline="flights", files=files),
        locks.lease(locks.PROCESS, pipeline="states", files=files),
        locks.lease(locks.ARCHIVE, files=files),
    ):
        assert files.list(LEASES) == ["archive", "process.flights", "process.states"]


def test_a_lease_is_renewed_while_its_holder_works(files: NameNodeInMemory) -> None:
    with locks.lease(locks.PROCESS, files=files) as held:
        other, end = Contender(files, locks.PROCESS, SECONDS), time.monotonic() + 2 * SECONDS
        while time.monotonic() < end:
            assert other.acquire() is None
            time.sleep(0.05)
        held.require()
    assert other.acquire() is not None


def test_an_error_releases_the_lease(files: NameNodeInMemory) -> None:
    with pytest.raises(TerminalError, match="a step failed"), locks.lease(locks.PROCESS, files=files):
        raise TerminalError("a step failed")
    with locks.lease(locks.PROCESS, files=files) as next_one:
        assert (next_one.token, next_one.taken_over) == (2, 0)


def test_a_process_that_is_being_ended_is_fenced_off(files: NameNodeInMemory) -> None:
    """What it has started, as Spark's JVM, may go on for a moment."""
    with pytest.raises(KeyboardInterrupt), locks.lease(locks.PROCESS, files=files) as ended:
        raise KeyboardInterrupt
    with locks.lease(locks.PROCESS, files=files) as next_one:
        assert (next_one.token, next_one.taken_over) == (2, 2)
        with pytest.raises(LeaseLostError):
            ended.require()


def test_files_that_others_have_too_are_fenced_while_the_lease_is_held(files: NameNodeInMemory) -> None:
    shared = NameNodeInMemory()
    shared.content, shared.changed = files.content, files.changed
    with locks.lease(locks.ARCHIVE, files=files) as held, shared.held_by(held.own):
        shared.write_json_atomically("/metadata/a.json", {})
        files.move(held.folder, f"{LEASES}/archive/9.9.held")
        with pytest.raises(LeaseLostError):
            shared.write_json_atomically("/metadata/b.json", {})
        with pytest.raises(LeaseLostError):
            shared.require()
    shared.require()
    assert [name for name in files.list("/metadata") if name != "leases"] == ["a.json"]
