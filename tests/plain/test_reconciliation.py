"""What reconciliation remembers: that a batch was found right, and nothing else."""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from pymongo import MongoClient

from events.pipelines import flights
from skytier.errors import TerminalError, TransientError
from skytier.hot_tier import Document
from skytier.pipeline import batch_counts, batch_ids
from skytier.pipeline.batch_counts import BatchCounts, Difference, Progress
from skytier.pipeline.batch_ids import Marks
from skytier.pipeline.reconcile import Acceptance, Reconciliation, Report, state_path
from skytier.pipeline.spec import Tables
from skytier.sql import Connection, Result
from tests.files_in_memory import NameNodeInMemory
from tests.plain.test_batch_counts import NOW, entry

pytestmark = pytest.mark.plain

FLIGHTS = flights()
STATE = state_path(FLIGHTS)
MINUTE = timedelta(minutes=1)


def lying(of: BatchCounts, **changes: Any) -> BatchCounts:
    """The batch in a raw folder of its own."""
    return replace(of, storage_location=f"/raw/batch_{of.batch_id}", **changes)


FIRST = lying(entry(0, 10, 2, 1), ingestion_time_max=NOW + MINUTE)
SECOND = lying(entry(1, 5, 0, 3, start=13), ingestion_time_min=NOW + 2 * MINUTE, ingestion_time_max=NOW + 3 * MINUTE)
BOTH_TIERS = "tiers.flight_events"
TABLES_OF_BATCHES = (*FLIGHTS.tables.events, FLIGHTS.tables.rejected)
TABLES = {
    **{table: f"flight_dw.{table}" for table in TABLES_OF_BATCHES},
    "both tiers": BOTH_TIERS,
}


class Warehouse(Connection):
    """The tables that a reconciliation asks, in SQLite, which knows all of its SQL but for two words."""

    def __init__(self, *entries: BatchCounts) -> None:
        self.database, self.statements = sqlite3.connect(":memory:"), list[str]()
        self.meanwhile: Callable[[], object] = lambda: None
        for schema in ("flight_dw", "tiers", "parquet"):
            self.database.execute(f"ATTACH ':memory:' AS {schema}")
        columns = ", ".join(row(entries[0]))
        self.database.execute(f"CREATE TABLE flight_dw.batch_metadata ({columns})")
        for one in entries:
            places = ", ".join("?" * len(row(one)))
            self.database.execute(f"INSERT INTO flight_dw.batch_metadata VALUES ({places})", list(row(one).values()))
        for table in TABLES.values():
            self.database.execute(f"CREATE TABLE {table} (batch_id)")
            for one in entries:
                self.add(table, one.batch_id, one.rejected if "rejected" in table else one.stored)
        for one in entries:
            self.database.execute(f"CREATE TABLE {raw(one.batch_id)} (batch_id)")
            self.add(raw(one.batch_id), one.batch_id, one.consumed)

    def add(self, table: str, batch: int, rows: int) -> None:
        self.database.executemany(f"INSERT INTO {table} VALUES (?)", [(batch,)] * rows)

    def delete_one(self, table: str, batch: int) -> None:
        which = f"SELECT rowid FROM {table} WHERE batch_id = {batch} LIMIT 1"
        self.database.execute(f"DELETE FROM {table} WHERE rowid IN ({which})")

    def query(self, statement: str) -> Result:
        self.statements.append(statement)
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()
        cursor = self.database.execute(re.sub(r"(\d)L\b", r"\1", statement).replace(" DIV ", " / "))
        columns = [column[0] for column in cursor.description]
        is_time = [name.startswith("ingestion_time") for name in columns]
        rows = [
            tuple(
                datetime.fromisoformat(value) if time and value else value
                for value, time in zip(one, is_time, strict=True)
            )
            for one in cursor
        ]
        return Result(columns, [], rows)


class HotTier:
    """Documents, asked as MongoDB is: half of a batch came with its first record, half with its last."""

    def __init__(self, *entries: BatchCounts) -> None:
        self.documents = [
            (one.batch_id, one.ingestion_time_max if number % 2 else one.ingestion_time_min)
            for one in entries
            for number in range(one.stored)
        ]

    def __getitem__(self, name: str) -> HotTier:
        return self

    def aggregate(self, pipeline: list[Document]) -> Iterator[Document]:
        span = pipeline[0]["$match"]["ingestion_timestamp"]
        found = Counter(batch for batch, at in self.documents if span["$gte"] <= at <= span["$lte"])
        return iter([{"_id": batch, "documents": count} for batch, count in found.items()])

    def delete_one(self, batch: int) -> None:
        self.documents.remove(next(one for one in self.documents if one[0] == batch))


def raw(batch: int) -> str:
    return f"parquet.`/raw/batch_{batch}`"


def row(of: BatchCounts) -> dict[str, Any]:
    known = {name: value for name, value in asdict(of).items() if name != "offsets"}
    times = {name: value and value.isoformat() for name, value in known.items() if name.startswith("ingestion_time")}
    return known | times | {"kafka_offsets": json.dumps({"flight_events": of.offsets})}


class Stores:
    """All stores of some batches, as a job that made no mistake leaves them."""

    def __init__(self, *entries: BatchCounts, marked: int | None = None) -> None:
        self.warehouse, self.hot = Warehouse(*entries), HotTier(*entries)
        names = [f"batch_{e.batch_id}" for e in entries[:marked]]
        self.files = NameNodeInMemory()
        for name in names:
            self.files.write_json_atomically(f"/metadata/{name}.json", {})

    def check(self) -> Report:
        return self.reconciliation().check(cast("MongoClient[Document]", self.hot))

    def reconciliation(self) -> Reconciliation:
        return Reconciliation(FLIGHTS, self.warehouse, self.files)

    def accept(self, batch_id: int) -> Acceptance:
        hot = cast("MongoClient[Document]", self.hot)
        return self.reconciliation().accept(hot, batch_id, "no snapshot is left", "me@here")

    def remembered(self) -> Any:
        return self.files.read_json(STATE) if self.files.exists(STATE) else None


def test_what_was_found_right_is_remembered_and_not_counted_again() -> None:
    stores = Stores(FIRST, SECOND)
    assert stores.check() == Report([FIRST, SECOND], [])
    assert stores.remembered() == {"batch_id": SECOND.batch_id, "ends": {"0": 21}, "accepted": []}
    assert stores.check() == Report([], [])


def test_the_view_over_both_tiers_is_asked_only_where_the_hot_tier_differs() -> None:
    stores = Stores(FIRST, SECOND)
    assert stores.check().differences == []
    assert not any(BOTH_TIERS in statement for statement in stores.warehouse.statements)


def test_a_batch_that_took_nothing_has_no_times() -> None:
    nothing = lying(entry(0, 0, 0, 0), ingestion_time_min=None, ingestion_time_max=None)
    assert Stores(nothing).check() == Report([nothing], [])
    assert Stores(nothing, lying(entry(1, 4, 0, 0))).check().differences == []


def test_as_many_batches_as_there_are_are_checked() -> None:
    many = [lying(entry(number, 1, 0, 0, start=number)) for number in range(205)]
    assert Stores(*many).check() == Report(many, [])


@pytest.mark.parametrize(
    "store", ["raw", "staging_flight_events", "fact_flight_events", "rejected_flight_events", "hot tier"]
)
@pytest.mark.parametrize("batch", [FIRST, SECOND], ids=["first", "second"])
def test_what_differed_is_not_remembered(store: str, batch: BatchCounts) -> None:
    stores = Stores(FIRST, SECOND)
    lose_one(stores, store, batch.batch_id)
    for _ in range(2):  # it differs until somebody has repaired it
        (difference,) = stores.check().differences
        assert (difference.batch_id, difference.what) == (batch.batch_id, f"rows in {store}")
        assert stores.remembered() is None
    repaired = Stores(FIRST, SECOND)
    repaired.files = stores.files
    assert repaired.check().differences == []
    assert repaired.remembered()["batch_id"] == SECOND.batch_id


def lose_one(stores: Stores, store: str, batch: int) -> None:
    """One row less of a batch in a store; of the hot tier it is in no archive either."""
    if store == "hot tier":
        stores.hot.delete_one(batch)
        stores.warehouse.delete_one(BOTH_TIERS, batch)
    else:
        stores.warehouse.delete_one(raw(batch) if store == "raw" else TABLES[store], batch)


def test_a_gap_is_not_remembered() -> None:
    stores = Stores(FIRST, replace(SECOND, offsets={"0": (14, 22)}))
    assert stores.check().differences == [Difference(SECOND.batch_id, "first position in partition 0", 13, 14)]
    assert stores.remembered() is None


def test_a_gap_to_what_was_remembered_is_found() -> None:
    stores = Stores(FIRST)
    stores.check()
    later = Stores(FIRST, replace(SECOND, offsets={"0": (14, 22)}))
    later.files = stores.files
    Marks(stores.files, FLIGHTS).write(SECOND.batch_id, {})
    assert len(later.check().differences) == 1
    assert stores.remembered() == {"batch_id": FIRST.batch_id, "ends": {"0": 13}, "accepted": []}


def test_ends_of_partitions_that_a_batch_took_nothing_from_stay_remembered() -> None:
    both = replace(FIRST, offsets={"0": (0, 6), "1": (0, 7)})
    stores = Stores(both, replace(SECOND, offsets={"0": (6, 14)}))
    assert stores.check().differences == []
    assert stores.remembered()["ends"] == {"0": 14, "1": 7}


@pytest.mark.parametrize("entries", [(FIRST,), (FIRST, SECOND), (FIRST, SECOND, lying(entry(2, 4, 0, 0, start=21)))])
def test_events_that_left_the_hot_tier_for_an_archive_are_no_difference(entries: tuple[BatchCounts, ...]) -> None:
    stores = Stores(*entries)
    stores.hot.documents = stores.hot.documents[-3:]
    assert stores.check().differences == []


def test_the_newest_batch_counts_only_once_it_is_marked() -> None:
    stores = Stores(FIRST, SECOND, marked=1)
    stores.warehouse.delete_one(TABLES["fact_flight_events"], SECOND.batch_id)  # the job is at it
    assert stores.check() == Report([FIRST], [])
    assert stores.remembered()["batch_id"] == FIRST.batch_id
    stores.warehouse.add(TABLES["fact_flight_events"], SECOND.batch_id, 1)
    assert stores.check() == Report([], [])
    Marks(stores.files, FLIGHTS).write(SECOND.batch_id, {})
    assert stores.check() == Report([SECOND], [])


def test_an_unmarked_batch_alone_is_not_checked() -> None:
    stores = Stores(FIRST, marked=0)
    assert stores.check() == Report([], [])
    assert stores.remembered() is None


def test_reconciled_batches_are_those_that_were_remembered() -> None:
    stores = Stores(FIRST, SECOND, marked=1)
    assert stores.reconciliation().reconciled() == ()
    stores.check()
    assert stores.reconciliation().reconciled() == (batch_ids.BatchSpan(FIRST.batch_id, FIRST.batch_id),)


def test_documents_of_batches_that_are_not_checked_do_not_count() -> None:
    stores = Stores(FIRST, SECOND)
    stores.check()
    stores.hot.documents += [(SECOND.batch_id, NOW - timedelta(days=1)), (FIRST.batch_id, NOW)]
    assert stores.check() == Report([], [])


@pytest.mark.parametrize("start", [0, 13])
def test_a_batch_that_took_other_records_than_it_counts_is_found(start: int) -> None:
    stores = Stores(replace(FIRST, offsets={"0": (start, start + 12)}))
    what = "consumed + lost within Kafka's positions"
    assert stores.check().differences == [Difference(FIRST.batch_id, what, 12, 13)]


def test_a_batch_whose_parts_are_not_its_whole_is_found() -> None:
    stores = Stores(replace(FIRST, duplicates=3))
    assert stores.check().differences == [Difference(FIRST.batch_id, "stored + duplicates + rejected", 13, 14)]


def test_every_gap_is_found_wherever_the_checkpoint_began() -> None:
    begin = [entry(number, 10, 0, 0, start, generation=2) for number, start in ((5, 0), (6, 11), (7, 22))]
    remembered = Progress(batch_ids.batch_id(2, 4), {"0": 1, "1": 7})
    found = [(difference.expected, difference.found) for difference in batch_counts.gaps(begin, remembered)]
    assert found == [(1, 0), (10, 11), (21, 22)]
    assert batch_counts.gaps(begin[:1], Progress(batch_ids.batch_id(1, 4), {"0": 1})) == []
    after = [replace(begin[0], offsets={"1": (7, 17)}), replace(begin[1], offsets={"0": (3, 13)})]
    assert [difference.found for difference in batch_counts.gaps(after, remembered)] == [3]
    anew = [entry(number, 10, 0, 0, start, generation=3) for number, start in ((1, 0), (2, 11))]
    assert [difference.found for difference in batch_counts.gaps(anew, remembered)] == [11]


def test_what_was_remembered_and_is_damaged_is_named() -> None:
    stores = Stores(FIRST)
    stores.files.write_json_atomically(STATE, {})
    with pytest.raises(TerminalError) as raised:
        stores.check()
    assert str(raised.value).startswith(f"{STATE} on HDFS is not what the check writes: ")
    assert "Delete it: the next check counts every batch again" in str(raised.value)


def test_a_partition_that_is_new_has_no_place_to_begin_at() -> None:
    wider = replace(SECOND, offsets={"0": (13, 15), "1": (4, 10)})
    assert batch_counts.gaps([FIRST, wider], Progress(0, {})) == []


def test_a_difference_names_the_batch_and_both_numbers() -> None:
    assert str(Difference(7, "rows in fact", 3, 2)) == "batch 7: rows in fact: expected 3, found 2"


def test_a_batch_that_is_accepted_is_reconciled_and_kept_with_its_reason() -> None:
    third = lying(entry(2, 4, 0, 0, start=21))
    stores = Stores(FIRST, SECOND, third)
    lose_one(stores, "fact_flight_events", SECOND.batch_id)
    accepted = stores.accept(SECOND.batch_id)
    said = f"batch {SECOND.batch_id}: rows in fact_flight_events: expected 5, found 4"
    assert accepted.differences == (said,)
    assert stores.remembered()["ends"] == {"0": 21}
    assert stores.check() == Report([third], [])
    assert stores.reconciliation().reconciled() == (batch_ids.BatchSpan(FIRST.batch_id, third.batch_id),)
    (kept,) = stores.remembered()["accepted"]
    assert (kept["batch_id"], kept["reason"], kept["by"]) == (SECOND.batch_id, "no snapshot is left", "me@here")
    assert kept["differences"] == [said]


def test_only_the_first_batch_that_differs_can_be_accepted() -> None:
    stores = Stores(FIRST, SECOND)
    lose_one(stores, "raw", FIRST.batch_id)
    lose_one(stores, "raw", SECOND.batch_id)
    with pytest.raises(TerminalError, match=f"before those that it follows: batch {FIRST.batch_id}: rows in raw"):
        stores.accept(SECOND.batch_id)
    stores.accept(FIRST.batch_id)
    stores.accept(SECOND.batch_id)
    assert stores.check() == Report([], [])
    assert [one["batch_id"] for one in stores.remembered()["accepted"]] == [FIRST.batch_id, SECOND.batch_id]


def test_what_is_accepted_while_another_process_counts_stays() -> None:
    stores = Stores(FIRST, SECOND)
    lose_one(stores, "raw", FIRST.batch_id)

    def accept_and_repair() -> None:
        stores.accept(FIRST.batch_id)
        stores.warehouse.add(raw(FIRST.batch_id), FIRST.batch_id, 1)

    stores.warehouse.meanwhile = accept_and_repair
    assert stores.check() == Report([SECOND], [])
    assert [one["batch_id"] for one in stores.remembered()["accepted"]] == [FIRST.batch_id]
    assert stores.remembered()["batch_id"] == SECOND.batch_id


def test_a_batch_that_another_process_accepts_meanwhile_is_not_accepted_twice() -> None:
    stores = Stores(FIRST, SECOND)
    lose_one(stores, "raw", FIRST.batch_id)
    stores.warehouse.meanwhile = lambda: stores.accept(FIRST.batch_id)
    with pytest.raises(TransientError, match=f"while batch {FIRST.batch_id} was counted"):
        stores.accept(FIRST.batch_id)
    assert len(stores.remembered()["accepted"]) == 1


def test_a_batch_that_agrees_or_was_reconciled_is_not_accepted() -> None:
    stores = Stores(FIRST, SECOND)
    with pytest.raises(TerminalError, match="agrees in every store"):
        stores.accept(FIRST.batch_id)
    stores.check()
    with pytest.raises(TerminalError, match=f"batches up to {SECOND.batch_id} are reconciled"):
        stores.accept(FIRST.batch_id)
    assert stores.remembered()["accepted"] == []


def test_what_the_version_before_remembered_is_gone_on_with() -> None:
    stores = Stores(FIRST, SECOND)
    stores.files.write_json_atomically("/metadata/books.json", {"batch_id": FIRST.batch_id, "ends": {"0": 13}})
    assert stores.check() == Report([SECOND], [])
    assert stores.remembered()["batch_id"] == SECOND.batch_id
    assert not stores.files.exists("/metadata/books.json")


def test_two_pipelines_with_the_same_batch_ids_are_reconciled_apart() -> None:
    tables = Tables(events=("other_events",), derived=(), rejected="other_rejected", batches="other_batches")
    other = replace(FLIGHTS, name="others", tables=tables, metadata_folder="/metadata/others", view="tiers.others")
    stores = Stores(FIRST, SECOND)
    stores.check()
    names = {"flight_dw.other_batches": "flight_dw.batch_metadata", "flight_dw.other_rejected": TABLES_OF_BATCHES[2]}
    for name, known in (names | {"flight_dw.other_events": TABLES_OF_BATCHES[0], "tiers.others": BOTH_TIERS}).items():
        source = known if "." in known else f"flight_dw.{known}"
        stores.warehouse.database.execute(f"CREATE TABLE {name} AS SELECT * FROM {source}")
    stores.warehouse.delete_one("flight_dw.other_events", FIRST.batch_id)
    reconciliation = Reconciliation(other, stores.warehouse, stores.files)
    report = reconciliation.check(cast("MongoClient[Document]", stores.hot))
    assert report.checked == [FIRST], "the mark of another pipeline's batch counted"
    assert [difference.what for difference in report.differences] == ["rows in other_events"]
    assert reconciliation.reconciled() == ()
    assert stores.remembered()["batch_id"] == SECOND.batch_id
    Marks(stores.files, other).write(SECOND.batch_id, {})
    stores.warehouse.add("flight_dw.other_events", FIRST.batch_id, 1)
    assert reconciliation.check(cast("MongoClient[Document]", stores.hot)) == Report([FIRST, SECOND], [])
    assert reconciliation.reconciled() == (batch_ids.BatchSpan(FIRST.batch_id, SECOND.batch_id),)
