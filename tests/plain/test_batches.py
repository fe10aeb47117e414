"""Batch ids: unique over checkpoints, rising. Marks: what is complete."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skytier import batches
from skytier.batches import BATCHES_PER_GENERATION, batch_id
from tests.files_in_memory import FilesInMemory

pytestmark = pytest.mark.plain

generations = st.integers(1, 1000)
numbers = st.integers(0, BATCHES_PER_GENERATION - 1)


@given(generations, numbers, generations, numbers)
def test_ids_rise_with_generation_then_number(g1: int, n1: int, g2: int, n2: int) -> None:
    assert (batch_id(g1, n1) < batch_id(g2, n2)) == ((g1, n1) < (g2, n2))


@given(generations, numbers)
def test_ids_fit_a_bigint(generation: int, number: int) -> None:
    assert 0 < batch_id(generation, number) < 2**63


@given(st.sets(st.integers(1, 20)), st.sets(st.integers(1, 20)))
def test_the_newest_complete_batch_has_a_mark(known: set[int], marked: set[int]) -> None:
    files = FilesInMemory(**{f"batch_{batch}": {} for batch in marked})
    newest_first = sorted(known, reverse=True)
    assert batches.newest_complete(files, newest_first) == max(known & marked, default=-1)


def test_a_mark_holds_the_metadata_and_is_found() -> None:
    files = FilesInMemory()
    assert not batches.is_marked(files, 12)
    batches.mark(files, 12, {"stored": 3})
    assert files.read_json("/metadata/batch_12.json") == {"stored": 3}
    assert batches.is_marked(files, 12)
    assert not batches.is_marked(files, 1)
