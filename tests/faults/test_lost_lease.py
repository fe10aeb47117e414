"""Two machines that share only the servers: one works at a time, and one that lost its lease writes nothing."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from events.pipelines import flights
from skytier import document_fences, faults, hot_tier, locks
from skytier.errors import LeaseLostError
from skytier.fence import Fence
from skytier.files import Files
from skytier.lease import LEASES
from skytier.pipeline import hot_writer
from tests import stores
from tests.minute_job import day_of, run, take
from tests.other_machine import Machine, machine
from tests.own_stack import OwnStack

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

EVENTS = 300
LEASE_SECONDS = 4
LEASE = f"{locks.PROCESS}.{flights().name}"


@pytest.fixture(scope="module")
def stack(tls_stack: OwnStack) -> OwnStack:
    """A stack whose events nobody else counts. It happens to speak TLS."""
    return tls_stack


@pytest.fixture
def machines(stack: OwnStack, tmp_path: Path) -> tuple[Machine, Machine]:
    """Two of them."""
    short = {"SKYTIER_LEASE_SECONDS": str(LEASE_SECONDS)}
    return machine(stack, tmp_path / "one", **short), machine(stack, tmp_path / "other", **short)


def publish(stack: OwnStack, seed: int) -> None:
    run(stack, "synthesize", "--events", str(EVENTS), "--seed", str(seed), "--start", day_of(seed))


def written() -> dict[str, Any]:
    """What the minute job's writes are seen by: marks, checkpoints, raw folders, documents."""
    files = Files()
    with hot_tier.client() as connection:
        documents = {document["_id"]: document for document in hot_tier.events(connection).find()}
    folder = flights().metadata_folder
    marks = {name: files.read_text(f"{folder}/{name}") for name in files.list(folder) if name.startswith("batch_")}
    return {
        "documents": documents,
        "marks": marks,
        "checkpoints": _tree(files, flights().checkpoint_folder) + _tree(files, f"{folder}/checkpoints"),
        "raw": _tree(files, flights().raw_folder),
    }


def _tree(files: Files, folder: str) -> list[str]:
    found: list[str] = []
    for name in files.list(folder):
        found.append(f"{folder}/{name}")
        if name in files.folders(folder):
            found += _tree(files, f"{folder}/{name}")
    return found


@pytest.mark.parametrize("point", ["in:hot_tier", "after:mark"])
def test_a_job_that_wakes_after_its_lease_was_taken_over_writes_nothing(
    stack: OwnStack, machines: tuple[Machine, Machine], point: str
) -> None:
    take(stack)  # what earlier tests left
    before = stores.totals()
    publish(stack, seed=70 + len(point))
    stopped = machines[0].start("process", **{faults.STOP_VARIABLE: point})
    stopped.wait_until_stopped()
    other = machines[1].start("process")
    assert other.wait_for("waiting for the lease")["lease"] == LEASE
    assert other.wait_for("lease taken over")["lease"] == LEASE
    assert other.end() == 0, other.output.read_text()
    assert stores.totals()["consumed"] - before["consumed"] == EVENTS
    after = written()
    stopped.wake()
    assert stopped.end() != 0
    assert any("has taken over its work" in str(said.get("reason")) for said in stopped.said()), stopped.said()
    assert written() == after
    take(stack)
    added = {name: total - before[name] for name, total in stores.totals().items()}
    assert added == {"consumed": EVENTS, "stored": EVENTS, "duplicates": 0, "rejected": 0}
    assert written()["documents"] == after["documents"]


def test_jobs_of_two_machines_take_turns(stack: OwnStack, machines: tuple[Machine, Machine]) -> None:
    take(stack)
    before = stores.totals()
    publish(stack, seed=90)
    jobs = [machine.start("process") for machine in machines]
    assert [job.end() for job in jobs] == [0, 0]
    assert stores.totals()["stored"] - before["stored"] == EVENTS
    waited = [[said["event"] for said in job.said()].count("waiting for the lease") for job in jobs]
    assert sorted(waited) == [0, 1]


def test_files_of_a_lost_lease_are_refused_by_the_name_node(stack: OwnStack) -> None:
    folder = f"/tests/{uuid.uuid4().hex}"
    with locks.lease("test") as lease:
        lease.files.write_json_atomically(f"{folder}/mark.json", {"by": "holder"})
        Files().make_folder(f"{folder}/aside")
        lease.files.rename(f"{folder}/aside", f"{folder}/batch")
        Files().move(lease.folder, f"{LEASES}/test/{lease.token + 1}.{lease.token + 1}.held")
        attempts: list[Callable[[], None]] = [
            lambda: lease.files.write_json_atomically(f"{folder}/mark.json", {"by": "lost"}),
            lambda: lease.files.rename(f"{folder}/batch", f"{folder}/other"),
            lambda: lease.files.delete(f"{folder}/mark.json"),
            lease.renew,
            lease.require,
        ]
        for attempt in attempts:
            with pytest.raises(LeaseLostError, match="has taken over its work"):
                attempt()
        assert Files().list(folder) == ["batch", "mark.json"]
        assert Files().read_json(f"{folder}/mark.json") == {"by": "holder"}
    Files().delete(folder)
    Files().delete(f"{LEASES}/test")


def test_a_statement_that_arrives_late_is_refused(stack: OwnStack) -> None:
    """It was on its way when its process was stopped: MongoDB itself refuses it."""
    late, holder = Fence("/metadata/leases/test/1.0.held", 1, 0), Fence("/metadata/leases/test/2.2.held", 2, 2)
    with hot_tier.client() as connection:
        into = hot_tier.collection(connection, "documents_of_a_test")
        fences = hot_tier.collection(connection, document_fences.COLLECTION)
        document_fences.raise_to(fences, late)
        document_fences.write(connection, into, [{"_id": 1, "by": "late"}], [late], writer=0)
        document_fences.raise_to(fences, holder)
        with pytest.raises(LeaseLostError, match="token 1 of the lease test"):
            document_fences.raise_to(fences, late)
        for writer in range(20):
            with pytest.raises(LeaseLostError, match="token 1 of the lease test"):
                document_fences.write(connection, into, [{"_id": 1}, {"_id": 2}], [holder, late], writer)
        assert list(into.find()) == [{"_id": 1, "by": "late"}]
        document_fences.write(connection, into, [{"_id": 1, "by": "holder"}, {"_id": 2}], [holder], writer=17)
        assert list(into.find()) == [{"_id": 1, "by": "holder"}, {"_id": 2}]
        into.drop()
        fences.delete_many({"_id": {"$regex": "^test/"}})


def test_a_worker_that_lost_the_lease_writes_no_document(stack: OwnStack) -> None:
    with locks.lease("test") as lease:
        fence = lease.own
    rows = pa.RecordBatch.from_pylist([{"_id": "of a lost lease"}])
    with pytest.raises(LeaseLostError):
        list(hot_writer._replace([rows], collection=flights().collection, fences=[fence]))
    with hot_tier.client() as connection:
        assert hot_tier.events(connection).find_one({"_id": "of a lost lease"}) is None
