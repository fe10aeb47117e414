"""A warehouse that the version before made, and that this one found at its first start."""

from __future__ import annotations

import pytest

from events.pipelines import flights
from skytier.files import Files
from skytier.pipeline.batch_ids import Marks
from skytier.pipeline.reconcile import state_path
from skytier.sql import query
from tests import stores
from tests.archive_runs import EVENTS, FIRST
from tests.minute_job import process, run, take
from tests.own_stack import OwnStack
from tests.version_before import left_by_it

pytestmark = [pytest.mark.faults, pytest.mark.empty, pytest.mark.timeout(900)]


def batches() -> list[tuple[int, int]]:
    """Each batch's id and what it consumed, oldest first."""
    rows = query("SELECT batch_id, consumed FROM flight_dw.batch_metadata ORDER BY batch_id").rows
    return [(batch_id, consumed) for batch_id, consumed in rows]


def test_a_warehouse_of_the_version_before_keeps_its_data_and_goes_on(stack: OwnStack) -> None:
    report = left_by_it(stack)
    before = batches()
    assert sum(consumed for _, consumed in before) == EVENTS
    kept = {store: sorted(stores.ids(store, "synthetic")) for store in stores.STORES}
    assert kept["hot"] == kept["staging"] == kept["fact"]
    assert len(kept["hot"]) == len(set(kept["hot"])) == report["valid_unique"]
    assert all(Marks(Files(), flights()).has(batch_id) for batch_id, _ in before)

    take(stack)  # nothing is new, and what was reconciled is not counted again
    assert batches() == before
    assert f'"batch_id": {before[-1][0]}' in Files().read_text("/metadata/books.json")

    run(stack, "synthesize", "--events", str(EVENTS), "--seed", "1", "--start", FIRST)
    assert process(stack) == {"consumed": EVENTS, "stored": 0, "duplicates": EVENTS, "rejected": 0}
    (new,) = batches()[len(before) :]
    assert new[0] == before[-1][0] + 1, "it did not resume from the checkpoint of the version before"
    assert Files().read_json(state_path(flights()))["batch_id"] == new[0]
    assert {store: sorted(stores.ids(store, "synthetic")) for store in stores.STORES} == kept
