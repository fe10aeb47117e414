"""Reconciliation notices every difference, and only differences."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.pipelines import flights
from skytier.pipeline.batch_counts import BatchCounts, Progress, after, compare, gaps
from skytier.pipeline.batch_ids import batch_id

pytestmark = pytest.mark.plain

NOW = datetime(2026, 11, 21, tzinfo=UTC)
TABLES = flights().tables
STORES = ("raw", *TABLES.events, TABLES.rejected, "hot tier")
counts = st.integers(0, 1000)


def entry(number: int, stored: int, duplicates: int, rejected: int, start: int = 0, generation: int = 1) -> BatchCounts:
    consumed = stored + duplicates + rejected
    offsets = {"0": (start, start + consumed)}
    return BatchCounts(
        batch_id(generation, number), consumed, stored, duplicates, rejected, 0, offsets, NOW, NOW, "/raw/of_the_batch"
    )


def truth(*entries: BatchCounts) -> dict[str, dict[int, int]]:
    stored = {e.batch_id: e.stored for e in entries}
    return {
        "raw": {e.batch_id: e.consumed for e in entries},
        "staging_flight_events": stored,
        "fact_flight_events": dict(stored),
        "hot tier": dict(stored),
        "rejected_flight_events": {e.batch_id: e.rejected for e in entries if e.rejected},
    }


@given(counts, counts, counts)
def test_true_counts_match(stored: int, duplicates: int, rejected: int) -> None:
    one = entry(0, stored, duplicates, rejected)
    assert compare(TABLES, [one], truth(one)) == []


@given(
    counts,
    counts,
    counts,
    st.sampled_from(STORES),
    st.integers(1, 5),
)
def test_every_lost_or_added_row_is_found(s: int, d: int, r: int, store: str, change: int) -> None:
    one = entry(0, s, d, r)
    found = truth(one)
    found[store][one.batch_id] = found[store].get(one.batch_id, 0) + change
    (difference,) = compare(TABLES, [one], found)
    assert store in difference.what
    assert difference.found - difference.expected == change


@given(counts, counts, counts, st.integers(1, 5))
def test_a_job_that_miscounts_is_found(stored: int, duplicates: int, rejected: int, change: int) -> None:
    one = replace(entry(0, stored, duplicates, rejected), duplicates=duplicates + change)
    assert [d.what for d in compare(TABLES, [one], truth(one))] == ["stored + duplicates + rejected"]


@given(counts, st.integers(0, 5), st.integers(0, 5))
def test_markers_of_transactions_and_lost_records_lie_between_the_positions(stored: int, lost: int, gaps: int) -> None:
    one = entry(0, stored, 0, 0)
    first, end = one.offsets["0"]
    wider = replace(one, lost=lost, offsets={"0": (first, end + lost + gaps)})
    assert compare(TABLES, [wider], truth(wider)) == []
    more = replace(wider, lost=lost + gaps + 1)
    assert [d.what for d in compare(TABLES, [more], truth(more))] == ["consumed + lost within Kafka's positions"]


def test_positions_must_follow_one_another() -> None:
    first, second = entry(0, 10, 0, 0), entry(1, 5, 0, 0, start=10)
    assert gaps([first, second], Progress(0, {})) == []
    skipped = entry(1, 5, 0, 0, start=12)
    (difference,) = gaps([first, skipped], Progress(0, {}))
    assert (difference.expected, difference.found) == (10, 12)
    assert gaps([second], Progress(first.batch_id, {"0": 11})) != []


def test_a_new_checkpoint_may_begin_anew() -> None:
    first, anew = entry(0, 10, 0, 0), entry(0, 0, 10, 0, start=0, generation=2)
    assert gaps([first, anew], Progress(0, {})) == []


def test_positions_of_an_earlier_checkpoint_are_not_held_against_a_new_one() -> None:
    of_one_partition = entry(0, 10, 0, 0, generation=2)
    last = after(of_one_partition, Progress(batch_id(1, 5), {"0": 70, "1": 22}))
    assert last == Progress(of_one_partition.batch_id, {"0": 10})
    in_the_other = replace(entry(1, 4, 0, 0, generation=2), offsets={"0": (10, 12), "1": (0, 2)})
    assert gaps([in_the_other], last) == []
    assert after(in_the_other, last).ends == {"0": 12, "1": 2}
