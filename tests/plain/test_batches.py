"""Batch ids: unique over checkpoints, rising. Marks: what is complete."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.pipelines import flights
from skytier.errors import TerminalError
from skytier.kafka_log import Position
from skytier.pipeline import batch_ids
from skytier.pipeline.batch_ids import BATCHES_PER_GENERATION, Marks, batch_id
from tests.files_in_memory import FilesInMemory

pytestmark = pytest.mark.plain

FLIGHTS = flights()

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
    assert Marks(files, FLIGHTS).newest_complete(newest_first) == max(known & marked, default=-1)


def test_a_mark_holds_the_metadata_and_is_found() -> None:
    files = FilesInMemory()
    assert not Marks(files, FLIGHTS).has(12)
    Marks(files, FLIGHTS).write(12, {"stored": 3})
    assert files.read_json("/metadata/batch_12.json") == {"stored": 3}
    assert Marks(files, FLIGHTS).has(12)
    assert not Marks(files, FLIGHTS).has(1)


def test_the_newest_mark_is_that_of_the_highest_id() -> None:
    assert Marks(FilesInMemory(), FLIGHTS).newest() == 0
    others = ("reconciliation", "batch_x", "batch_99_old", "my_batch_98")
    files = FilesInMemory(**{name: {} for name in ("batch_9", "batch_10", "batch_2", *others)})
    assert Marks(files, FLIGHTS).newest() == 10


def test_raw_folders_are_those_of_later_batches_on_the_newest_dates() -> None:
    files = FilesInMemory()
    for day, batch in ((1, 40), (2, 41), (2, 42), (3, 43), (5, 44)):
        files.documents[f"{batch_ids.raw_path(FLIGHTS, batch, date(2026, 11, day))}/part-0.parquet"] = {}
    for other in ("_temporary/batch_50/x", "processing_date=2026-11-05/batch_x/x", "processing_date=2026-11-05/51/y"):
        files.documents[f"{FLIGHTS.raw_folder}/{other}"] = {}
    expected = {
        42: f"{FLIGHTS.raw_folder}/processing_date=2026-11-02/batch_42",
        43: f"{FLIGHTS.raw_folder}/processing_date=2026-11-03/batch_43",
        44: f"{FLIGHTS.raw_folder}/processing_date=2026-11-05/batch_44",
        51: f"{FLIGHTS.raw_folder}/processing_date=2026-11-05/51",
    }
    assert batch_ids.raw_folders(files, FLIGHTS, 41) == expected
    assert 40 not in batch_ids.raw_folders(files, FLIGHTS, 0)


def test_a_mark_without_a_position_gives_none() -> None:
    assert Marks(FilesInMemory(), FLIGHTS).position(7) is None
    assert Marks(FilesInMemory(batch_7={"stored": 3}), FLIGHTS).position(7) is None


@pytest.mark.parametrize(
    ("content", "found"), [([], "Input should be an object"), ({"position": 5}, "position: Input should be an object")]
)
def test_a_damaged_mark_is_named(content: object, found: str) -> None:
    files = FilesInMemory(batch_7=content)
    with pytest.raises(TerminalError) as raised:
        Marks(files, FLIGHTS).position(7)
    assert str(raised.value).startswith(f"/metadata/batch_7.json on HDFS is not what the minute job writes: {found}")
    assert "docs/repairs.md" in str(raised.value)


def test_a_position_is_read_as_it_was_marked() -> None:
    known = Position(topic_id="a", ends={0: 7, 1: 0}, last_records={})
    files = FilesInMemory(batch_7={"position": known.model_dump(mode="json")})
    assert Marks(files, FLIGHTS).position(7) == known
