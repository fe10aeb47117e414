"""What reconciliation remembers: that a batch was found right, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any, cast

import pytest
from pymongo import MongoClient

from skytier import batches, books
from skytier.books import BALANCE, Balance, Difference, Entry, Report
from skytier.hot_tier import Document
from skytier.sql import Connection, Result
from tests.files_in_memory import FilesInMemory
from tests.plain.test_books import entry

pytestmark = pytest.mark.plain

FIRST, SECOND = entry(0, 10, 2, 1), entry(1, 5, 0, 3, start=13)
STORES = ("staging", "fact", "rejected")


class Warehouse(Connection):
    """What the SQL endpoint answers to the questions of a reconciliation."""

    def __init__(self, *entries: Entry) -> None:
        self.entries = entries
        self.counts = {store: {e.batch_id: e.stored for e in entries} for store in STORES[:2]}
        self.counts["rejected"] = {e.batch_id: e.rejected for e in entries}
        self.in_both_tiers = {e.batch_id: e.stored for e in entries}

    def query(self, statement: str) -> Result:
        if "kafka_offsets" in statement:
            after = int(statement.partition("batch_id > ")[2].split()[0])
            rows = [row(one) for one in self.entries if one.batch_id > after]
            return Result(list(rows[0]) if rows else [], [], [tuple(one.values()) for one in rows])
        if "DIV" in statement:
            known = [e.batch_id for e in self.entries if e.batch_id <= int(statement.partition("<= ")[2].split()[0])]
            return Result([], [], [(min(known), max(known))] if known else [])
        first, last = (int(part.split()[0]) for part in statement.partition("BETWEEN ")[2].split(" AND ")[:2])
        if "tiers.flight_events" in statement:
            return Result([], [], [pair for pair in self.in_both_tiers.items() if first <= pair[0] <= last])
        found = [(s, batch, count) for s in STORES for batch, count in self.counts[s].items() if first <= batch <= last]
        return Result([], [], cast("list[tuple[Any, ...]]", found))


class HotTier:
    """Documents by batch, asked as MongoDB is."""

    def __init__(self, *entries: Entry) -> None:
        self.counts = {e.batch_id: e.stored for e in entries}

    def __getitem__(self, name: str) -> HotTier:
        return self

    def aggregate(self, pipeline: list[Document]) -> Iterator[Document]:
        return iter([{"_id": batch, "documents": count} for batch, count in self.counts.items()])


def row(of: Entry) -> dict[str, Any]:
    known = {name: value for name, value in asdict(of).items() if name != "offsets"}
    return known | {"kafka_offsets": json.dumps({"flight_events": of.offsets})}


class Stores:
    """All stores of some batches, as a job that made no mistake leaves them."""

    def __init__(self, *entries: Entry, marked: int | None = None) -> None:
        self.warehouse, self.hot = Warehouse(*entries), HotTier(*entries)
        names = [f"batch_{e.batch_id}" for e in entries[:marked]]
        self.files = FilesInMemory(**{name: {} for name in names})

    def check(self) -> Report:
        return books.check(self.warehouse, cast("MongoClient[Document]", self.hot), self.files)

    def remembered(self) -> Any:
        return self.files.documents.get(BALANCE)


def test_what_was_found_right_is_remembered_and_not_counted_again() -> None:
    stores = Stores(FIRST, SECOND)
    assert stores.check() == Report([FIRST, SECOND], [])
    assert stores.remembered() == {"batch_id": SECOND.batch_id, "ends": {"0": 21}}
    assert stores.check() == Report([], [])


@pytest.mark.parametrize("store", [*STORES, "hot tier"])
@pytest.mark.parametrize("batch", [FIRST, SECOND], ids=["first", "second"])
def test_what_differed_is_not_remembered(store: str, batch: Entry) -> None:
    stores = Stores(FIRST, SECOND)
    with spoilt(stores, store, batch.batch_id):
        for _ in range(2):  # it differs until somebody has repaired it
            (difference,) = stores.check().differences
            assert (difference.batch_id, difference.what) == (batch.batch_id, f"rows in {store}")
            assert stores.remembered() is None
    assert stores.check().differences == []
    assert stores.remembered()["batch_id"] == SECOND.batch_id


@contextmanager
def spoilt(stores: Stores, store: str, batch: int) -> Iterator[None]:
    """One row less of a batch in a store; of the hot tier it is in no archive either."""
    places = (
        [stores.warehouse.counts[store]] if store in STORES else [stores.hot.counts, stores.warehouse.in_both_tiers]
    )
    for counts in places:
        counts[batch] -= 1
    yield
    for counts in places:
        counts[batch] += 1


def test_a_gap_is_not_remembered() -> None:
    stores = Stores(FIRST, replace(SECOND, offsets={"0": (14, 22)}))
    assert stores.check().differences == [Difference(SECOND.batch_id, "first position in partition 0", 13, 14)]
    assert stores.remembered() is None


def test_a_gap_to_what_was_remembered_is_found() -> None:
    stores = Stores(FIRST)
    stores.check()
    later = Stores(FIRST, replace(SECOND, offsets={"0": (14, 22)}))
    later.files = stores.files
    stores.files.documents[batches.mark_path(SECOND.batch_id)] = {}
    assert len(later.check().differences) == 1
    assert stores.remembered() == {"batch_id": FIRST.batch_id, "ends": {"0": 13}}


def test_ends_of_partitions_that_a_batch_took_nothing_from_stay_remembered() -> None:
    both = replace(FIRST, offsets={"0": (0, 6), "1": (0, 7)})
    stores = Stores(both, replace(SECOND, offsets={"0": (6, 14)}))
    assert stores.check().differences == []
    assert stores.remembered()["ends"] == {"0": 14, "1": 7}


def test_events_that_left_the_hot_tier_for_an_archive_are_no_difference() -> None:
    stores = Stores(FIRST, SECOND)
    stores.hot.counts = {SECOND.batch_id: 2}
    assert stores.check().differences == []


def test_the_newest_batch_counts_only_once_it_is_marked() -> None:
    stores = Stores(FIRST, SECOND, marked=1)
    stores.warehouse.counts["fact"][SECOND.batch_id] = 0  # the job is at it
    assert stores.check() == Report([FIRST], [])
    assert stores.remembered()["batch_id"] == FIRST.batch_id
    stores.warehouse.counts["fact"][SECOND.batch_id] = SECOND.stored
    assert stores.check() == Report([], [])
    batches.mark(stores.files, SECOND.batch_id, {})
    assert stores.check() == Report([SECOND], [])


def test_an_unmarked_batch_alone_is_not_checked() -> None:
    stores = Stores(FIRST, marked=0)
    assert stores.check() == Report([], [])
    assert stores.remembered() is None


def test_balanced_batches_are_those_that_were_remembered() -> None:
    stores = Stores(FIRST, SECOND, marked=1)
    assert books.balanced(stores.warehouse, stores.files) == ()
    stores.check()
    assert books.balanced(stores.warehouse, stores.files) == (batches.BatchSpan(FIRST.batch_id, FIRST.batch_id),)


def test_a_partition_that_is_new_has_no_place_to_begin_at() -> None:
    wider = replace(SECOND, offsets={"0": (13, 15), "1": (4, 10)})
    assert books.gaps([FIRST, wider], Balance(0, {})) == []


def test_a_difference_names_the_batch_and_both_numbers() -> None:
    assert str(Difference(7, "rows in fact", 3, 2)) == "batch 7: rows in fact: expected 3, found 2"
