"""The job and ``docs/flight_event.schema.json`` judge alike: events from the schema, and mutations of them, go to both.

A record takes one of two ways through the job; which one must not matter.
"""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import Row, SparkSession

from tests.events import DEPARTED
from tests.fuzz.mutations import (
    NUMBERS,
    ODD_TEXTS,
    ODD_TIMES,
    ODD_VALUES,
    RAW,
    TEXTS,
    TIMES,
    mutated,
    raw,
    schema_accepts,
    with_raw_tokens,
)
from tests.spark.test_rules import run_chain

pytestmark = pytest.mark.spark

EXAMPLES = 500


def _is_of_the_schema(reason: str) -> bool:
    """Whether a reason says what the schema says too; the others compare fields, or ask the reference."""
    if reason in ("missing:actual_departure", "missing:actual_arrival"):
        return False
    return reason.partition(":")[0] in (
        *("malformed_json", "missing", "wrong_type", "too_long", "wrong_format", "out_of_range", "unknown_event_type"),
    )


def _differences(values: list[bytes], rows: list[Row]) -> list[tuple[bytes, bool, list[str]]]:
    found = []
    for value, row in zip(values, rows, strict=True):
        is_accepted = schema_accepts(value)
        objections = [reason for reason in row.reasons if _is_of_the_schema(reason)]
        if (is_accepted and objections) or (not is_accepted and not row.reasons):
            found.append((value[:2_000], is_accepted, list(row.reasons)))
    return found


@settings(max_examples=2, phases=(Phase.generate,))
@given(seed=st.integers(0, 2**32 - 1))
def test_job_and_schema_judge_alike(spark: SparkSession, seed: int) -> None:
    rng = random.Random(seed)
    values = [mutated(rng) for _ in range(EXAMPLES)]
    assert any(schema_accepts(value) for value in values)
    assert not _differences(values, run_chain(spark, values))


def test_each_odd_value_in_each_field_is_judged_alike(spark: SparkSession) -> None:
    values = []
    raw_values: list[tuple[str, Any]] = [
        (name, raw(place)) for place in range(len(RAW)) for name in ("passengers", "tail_number", "source")
    ]
    plain: list[tuple[str, Any]] = [(name, odd) for name in TIMES[:3] for odd in ODD_TIMES]
    odd_values: list[Any] = [*ODD_VALUES, *ODD_TEXTS, [], {}]
    plain += [(name, odd) for name in (*NUMBERS, *TEXTS) for odd in odd_values]
    for name, odd in raw_values + plain:
        values.append(with_raw_tokens(json.dumps(DEPARTED | {name: odd})).encode(errors="surrogatepass"))
    assert not _differences(values, run_chain(spark, values))


def test_both_ways_through_the_job_come_to_the_same(spark: SparkSession) -> None:
    """A list that the contract does not know sends a record the slow way."""
    rng = random.Random(7)
    values = [value for value in (mutated(rng) for _ in range(EXAMPLES)) if value.startswith(b"{")]
    slow = [b'{"x_of_test":[],' + value[1:] for value in values]
    for value, fast_row, slow_row in zip(values, run_chain(spark, values), run_chain(spark, slow), strict=True):
        assert _content(fast_row) == _content(slow_row), value[:2_000]


def _content(row: Row) -> dict[str, Any]:
    skipped = ("value", "kafka_offset")
    return {name: _normal(value) for name, value in row.asDict(recursive=True).items() if name not in skipped}


def _normal(value: Any) -> Any:
    """Reasons have no order."""
    return sorted(value) if isinstance(value, list) else value
