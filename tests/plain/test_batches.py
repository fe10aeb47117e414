"""Batch ids: unique over checkpoints, rising."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skytier.batches import BATCHES_PER_GENERATION, batch_id

pytestmark = pytest.mark.plain

generations = st.integers(1, 1000)
numbers = st.integers(0, BATCHES_PER_GENERATION - 1)


@given(generations, numbers, generations, numbers)
def test_ids_rise_with_generation_then_number(g1: int, n1: int, g2: int, n2: int) -> None:
    assert (batch_id(g1, n1) < batch_id(g2, n2)) == ((g1, n1) < (g2, n2))


@given(generations, numbers)
def test_ids_fit_a_bigint(generation: int, number: int) -> None:
    assert 0 < batch_id(generation, number) < 2**63
