"""The search for the records that a batch fails at: all of them, none else, and an end where it is of no use."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skytier.pipeline.quarantine import NotSeparableError, halves, offending, size
from skytier.pipeline.records import Span

pytestmark = pytest.mark.plain

Place = tuple[int, int]
spans = st.lists(st.tuples(st.integers(0, 900), st.integers(1, 60)), min_size=1, max_size=5).map(
    lambda ranges: [(partition, first, first + length) for partition, (first, length) in enumerate(ranges)]
)


def places(among: Sequence[Span]) -> set[Place]:
    return {(partition, offset) for partition, first, end in among for offset in range(first, end)}


@given(spans)
def test_halves_hold_every_place_once_and_are_of_like_size(whole: list[Span]) -> None:
    left, right = halves(whole)
    assert places(left) | places(right) == places(whole)
    assert size(left) + size(right) == size(whole)
    assert size(right) - size(left) in (0, 1)


@given(st.data(), spans)
def test_all_records_that_fail_are_found_and_no_other(data: st.DataObject, whole: list[Span]) -> None:
    everywhere = sorted(places(whole))
    bad = set(data.draw(st.lists(st.sampled_from(everywhere), min_size=1, max_size=4, unique=True)))
    found = offending(whole, lambda some: bool(bad & places(some)), most=4)
    assert places(found) == bad
    assert all(size([span]) == 1 for span in found)


def test_one_of_250_000_takes_about_two_questions_a_level() -> None:
    asked = 0

    def fails(some: Sequence[Span]) -> bool:
        nonlocal asked
        asked += 1
        return any(partition == 1 and first <= 99_999 < end for partition, first, end in some)

    assert offending([(0, 0, 125_000), (1, 0, 125_000)], fails, most=50) == [(1, 99_999, 100_000)]
    assert asked <= 2 * 18


def test_too_many_that_fail_end_the_search_early() -> None:
    asked = 0

    def fails(some: Sequence[Span]) -> bool:
        nonlocal asked
        asked += 1
        return True

    with pytest.raises(NotSeparableError, match="SKYTIER_PROCESS_QUARANTINE_RECORDS"):
        offending([(0, 0, 100_000)], fails, most=50)
    assert asked < 4 * 50


def test_records_that_fail_only_together_are_not_blamed() -> None:
    with pytest.raises(NotSeparableError, match="neither half"):
        offending([(0, 0, 8)], lambda some: {(0, 1), (0, 6)} <= places(some), most=50)
