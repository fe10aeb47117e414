"""What Redis keeps of an answer: read back as it was, and a miss whatever else stands there."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skytier.cache_entries import Answer, Entry, Origin, packed, unpacked

pytestmark = pytest.mark.plain

NOW = datetime.now(UTC)
TABLE = pa.table({"number": [1, 2], "text": ["ä", None], "at": pa.array([NOW, None], pa.timestamp("us", "UTC"))})
ANSWER = Answer(TABLE, NOW, 0.25, Origin.COMPUTED)
EPOCHS = {"batches": "12"}
WHOLE = packed("q", ANSWER, EPOCHS)
LINE, _, STREAM = WHOLE.partition(b"\n")


def entry(age_seconds: float) -> Entry:
    return Entry(Answer(TABLE, datetime.now(UTC) - timedelta(seconds=age_seconds), 0, Origin.CACHED), EPOCHS)


def test_an_answer_is_read_back_as_it_was() -> None:
    assert packed("q", ANSWER, EPOCHS) == WHOLE
    found = unpacked("q", WHOLE)
    assert found is not None
    assert found.answer.table.equals(TABLE)
    assert (found.answer.as_of, found.answer.seconds, found.answer.origin) == (NOW, 0.25, Origin.CACHED)
    assert found.answer.problem is None
    assert found.epochs == EPOCHS


def test_an_answer_is_kept_compressed() -> None:
    numbers = pa.table({"number": [0] * 10_000})
    assert len(packed("q", Answer(numbers, NOW, 0, Origin.COMPUTED), EPOCHS)) < 10_000


def test_an_answer_to_another_question_is_a_miss() -> None:
    assert unpacked("another", WHOLE) is None


@given(st.binary(max_size=200))
def test_whatever_stands_there_is_a_miss(content: bytes) -> None:
    assert unpacked("q", content) is None
    assert unpacked("q", LINE + b"\n" + content) is None
    assert unpacked("q", content.replace(b"\n", b"") + b"\n" + STREAM) is None


def test_an_answer_cut_short_anywhere_is_a_miss_or_whole() -> None:
    """An Arrow stream that lacks only its end mark has lost nothing."""
    for length in range(len(WHOLE)):
        found = unpacked("q", WHOLE[:length])
        assert found is None or found.answer.table.equals(TABLE)
        assert found is None or length > len(WHOLE) - 16


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_a_changed_byte_raises_nothing(place: int, change: int) -> None:
    changed = bytes(byte ^ change if at == place else byte for at, byte in enumerate(WHOLE))
    assert isinstance(unpacked("q", changed), Entry | None)


@pytest.mark.parametrize(
    "other",
    [
        {"as_of": "2026-11-29T08:00:00"},
        {"as_of": "soon"},
        {"as_of": 12},
        {"as_of": None},
        {"seconds": "long"},
        {"seconds": None},
        {"epochs": None},
        {"epochs": [1]},
        {"epochs": {"batches": 12}},
        {"question": 5},
    ],
)
def test_a_header_of_another_form_is_a_miss(other: dict[str, Any]) -> None:
    header = json.loads(LINE)
    assert unpacked("q", json.dumps(header).encode() + b"\n" + STREAM) is not None
    assert unpacked("q", json.dumps(header | other).encode() + b"\n" + STREAM) is None
    (name,) = other
    assert unpacked("q", json.dumps({n: v for n, v in header.items() if n != name}).encode() + b"\n" + STREAM) is None


@pytest.mark.parametrize("header", [b"[]", b"null", b"1", b'"q"', b"{}"])
def test_a_header_that_is_no_object_of_ours_is_a_miss(header: bytes) -> None:
    assert unpacked("q", header + b"\n" + STREAM) is None


@pytest.mark.parametrize(("age", "fresh"), [(0, True), (9, True), (11, False), (-30, True), (-61, False)])
def test_an_answer_is_fresh_for_its_time_and_not_before_it(age: float, fresh: bool) -> None:
    assert entry(age).is_fresh(10, EPOCHS) is fresh


@pytest.mark.parametrize("epochs", [{}, {"batches": "13"}, {"batches": ""}, EPOCHS | {"archives": ""}])
def test_an_answer_of_another_state_is_not_fresh(epochs: dict[str, str]) -> None:
    assert not entry(0).is_fresh(10, epochs)
