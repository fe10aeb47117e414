"""The format of cached results: it is read back unchanged, and everything else is a cache miss."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skytier.cache_entries import CachedResult, Entry, Origin, deserialize, serialize

pytestmark = pytest.mark.plain

NOW = datetime.now(UTC)
TABLE = pa.table({"number": [1, 2], "text": ["ä", None], "at": pa.array([NOW, None], pa.timestamp("us", "UTC"))})
RESULT = CachedResult(TABLE, NOW, 0.25, Origin.COMPUTED)
TAG_VERSIONS = {"batches:flights": "12"}
COMPLETE = serialize("q", RESULT, TAG_VERSIONS)
LINE, _, STREAM = COMPLETE.partition(b"\n")


def entry(age_seconds: float) -> Entry:
    return Entry(
        CachedResult(TABLE, datetime.now(UTC) - timedelta(seconds=age_seconds), 0, Origin.CACHED), TAG_VERSIONS
    )


def test_a_result_is_read_back_unchanged() -> None:
    assert serialize("q", RESULT, TAG_VERSIONS) == COMPLETE
    found = deserialize("q", COMPLETE)
    assert found is not None
    assert found.result.table.equals(TABLE)
    assert (found.result.as_of, found.result.seconds, found.result.origin) == (NOW, 0.25, Origin.CACHED)
    assert found.result.problem is None
    assert found.tag_versions == TAG_VERSIONS


def test_a_result_is_stored_compressed() -> None:
    numbers = pa.table({"number": [0] * 10_000})
    assert len(serialize("q", CachedResult(numbers, NOW, 0, Origin.COMPUTED), TAG_VERSIONS)) < 10_000


def test_a_result_of_another_query_is_a_miss() -> None:
    assert deserialize("another", COMPLETE) is None


@given(st.binary(max_size=200))
def test_any_other_content_is_a_miss(content: bytes) -> None:
    assert deserialize("q", content) is None
    assert deserialize("q", LINE + b"\n" + content) is None
    assert deserialize("q", content.replace(b"\n", b"") + b"\n" + STREAM) is None


def test_a_truncated_result_is_a_miss_or_complete() -> None:
    """An Arrow stream without its end marker has lost no rows."""
    for length in range(len(COMPLETE)):
        found = deserialize("q", COMPLETE[:length])
        assert found is None or found.result.table.equals(TABLE)
        assert found is None or length > len(COMPLETE) - 16


@given(st.integers(0, len(COMPLETE) - 1), st.integers(1, 255))
def test_a_changed_byte_raises_nothing(place: int, change: int) -> None:
    changed = bytes(byte ^ change if at == place else byte for at, byte in enumerate(COMPLETE))
    assert isinstance(deserialize("q", changed), Entry | None)


@pytest.mark.parametrize(
    "other",
    [
        {"as_of": "2026-11-29T08:00:00"},
        {"as_of": "soon"},
        {"as_of": 12},
        {"as_of": None},
        {"seconds": "long"},
        {"seconds": None},
        {"tag_versions": None},
        {"tag_versions": [1]},
        {"tag_versions": {"batches:flights": 12}},
        {"query": 5},
    ],
)
def test_a_header_of_another_form_is_a_miss(other: dict[str, Any]) -> None:
    header = json.loads(LINE)
    assert deserialize("q", json.dumps(header).encode() + b"\n" + STREAM) is not None
    assert deserialize("q", json.dumps(header | other).encode() + b"\n" + STREAM) is None
    (name,) = other
    assert (
        deserialize("q", json.dumps({n: v for n, v in header.items() if n != name}).encode() + b"\n" + STREAM) is None
    )


@pytest.mark.parametrize("header", [b"[]", b"null", b"1", b'"q"', b"{}"])
def test_a_header_that_is_no_object_of_ours_is_a_miss(header: bytes) -> None:
    assert deserialize("q", header + b"\n" + STREAM) is None


@pytest.mark.parametrize(("age", "fresh"), [(0, True), (9, True), (11, False), (-30, True), (-61, False)])
def test_a_result_is_fresh_for_its_time_to_live(age: float, fresh: bool) -> None:
    assert entry(age).is_fresh(10, TAG_VERSIONS) is fresh


@pytest.mark.parametrize(
    "tag_versions", [{}, {"batches:flights": "13"}, {"batches:flights": ""}, TAG_VERSIONS | {"archives:flights": ""}]
)
def test_a_result_of_an_invalidated_tag_is_not_fresh(tag_versions: dict[str, str]) -> None:
    assert not entry(0).is_fresh(10, tag_versions)


def test_an_entry_of_the_version_before_is_a_miss() -> None:
    """It named the question and its epochs. A cache that it filled must not be an error."""
    header = {"question": "q", "as_of": NOW.isoformat(), "seconds": 0.25, "epochs": {"batches": "12"}, "rows": 2}
    assert deserialize("q", json.dumps(header).encode() + b"\n" + STREAM) is None
