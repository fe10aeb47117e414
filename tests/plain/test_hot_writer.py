"""Rows of Spark become documents without loss of a value or a type."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from bson import decode, encode
from bson.codec_options import CodecOptions
from hypothesis import given
from hypothesis import strategies as st

from skytier.documents import to_documents

pytestmark = pytest.mark.plain

SCHEMA = pa.schema(
    {
        "_id": pa.string(),
        "at": pa.timestamp("us", "UTC"),
        "delay": pa.float64(),
        "number": pa.int32(),
        "is_delayed": pa.bool_(),
        "flags": pa.list_(pa.string()),
        "weather": pa.struct({"temperature_f": pa.float64(), "wind_gust_mph": pa.float64()}),
    }
)
moments = st.integers(0, 2_000_000_000).map(lambda s: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=s))
numbers = st.floats(allow_nan=False, allow_infinity=False)
rows = st.lists(
    st.fixed_dictionaries(
        {
            "_id": st.text(min_size=1).filter(lambda text: text.isascii() and text.isprintable()),
            "at": st.none() | moments,
            "delay": st.none() | numbers,
            "number": st.none() | st.integers(-(2**31), 2**31 - 1),
            "is_delayed": st.none() | st.booleans(),
            "flags": st.lists(st.sampled_from(["weather_missing", "delay_extreme"])),
            "weather": st.none()
            | st.fixed_dictionaries({"temperature_f": st.none() | numbers, "wind_gust_mph": st.none() | numbers}),
        }
    ),
    min_size=1,
)


def without_nulls(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: without_nulls(value) if isinstance(value, dict) else value
        for name, value in row.items()
        if value is not None
    }


@given(rows)
def test_documents_are_the_rows_without_nulls(given_rows: list[dict[str, Any]]) -> None:
    batch = pa.RecordBatch.from_pylist(given_rows, schema=SCHEMA)
    options: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)
    stored = [decode(encode(document), options) for document in to_documents(batch)]
    assert stored == [without_nulls(row) for row in given_rows]


def test_no_rows() -> None:
    assert to_documents(pa.RecordBatch.from_pylist([], schema=SCHEMA)) == []
