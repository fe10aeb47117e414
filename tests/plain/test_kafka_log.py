"""Whether a log is the one that was read, and what of it was deleted unread."""

from __future__ import annotations

import pytest
import stamina
from confluent_kafka import KafkaError, KafkaException
from hypothesis import given
from hypothesis import strategies as st

from skytier.errors import TransientError
from skytier.kafka_log import KafkaLog, Record, comparable, lost, parted
from skytier.settings.kafka import KafkaSettings

pytestmark = pytest.mark.plain

LAST = {0: Record(offset=99, timestamp_ms=5_000)}


@pytest.mark.parametrize(
    ("bounds", "found", "is_parted"),
    [
        pytest.param({0: (0, 100)}, {0: LAST[0]}, False, id="as it was read"),
        pytest.param({0: (0, 500)}, {0: LAST[0]}, False, id="longer by now"),
        pytest.param({0: (0, 99)}, {}, True, id="ends before it"),
        pytest.param({0: (0, 500)}, {0: Record(offset=99, timestamp_ms=5_001)}, True, id="another record there"),
        pytest.param({0: (100, 500)}, {}, False, id="deleted by retention"),
        pytest.param({0: (100, 100)}, {}, False, id="all deleted by retention"),
        pytest.param({0: (0, 500)}, {0: Record(offset=102, timestamp_ms=9_000)}, False, id="compacted away"),
        pytest.param({0: (0, 500)}, {}, False, id="not answered in time"),
        pytest.param({1: (0, 500)}, {}, True, id="no such partition"),
    ],
)
def test_a_log_parts_where_another_record_took_the_place(
    bounds: dict[int, tuple[int, int]], found: dict[int, Record], is_parted: bool
) -> None:
    assert parted(LAST, bounds, found) == ([0] if is_parted else [])


def test_only_records_that_may_be_there_are_asked_for() -> None:
    last = {p: Record(offset=99, timestamp_ms=0) for p in range(4)}
    assert comparable(last, {0: (0, 100), 1: (0, 99), 2: (100, 200)}) == {0: 99}


@given(st.integers(0, 50), st.integers(1, 50), st.integers(0, 120), st.integers(0, 60))
def test_lost_are_the_offsets_below_the_oldest_that_were_not_read(
    start: int, length: int, oldest: int, skip: int
) -> None:
    end = start + length
    first_read = start + skip
    read = {0: first_read} if first_read < end else {}
    deleted = {o for o in range(start, end) if o < oldest and (not read or o < first_read)}
    found = lost({0: (start, end)}, read, {0: (oldest, max(oldest, end))})
    assert {o for first, until in found.values() for o in range(first, until)} == deleted


def test_a_partition_that_is_read_from_its_first_record_lost_nothing() -> None:
    assert lost({0: (10, 20), 1: (0, 5)}, {0: 10, 1: 3}, {0: (15, 20), 1: (0, 5)}) == {}


@pytest.mark.parametrize(("brokers", "asked"), [("127.0.0.1:1", 1), ("127.0.0.1:1,127.0.0.1:2", 3)])
def test_of_several_brokers_another_is_asked_when_one_is_lost(brokers: str, asked: int) -> None:
    answers: list[int | None] = [None, None, 7]
    tried = 0

    def ask() -> int:
        nonlocal tried
        tried += 1
        if (answer := answers[tried - 1]) is None:
            raise KafkaException(KafkaError(KafkaError._DESTROY))
        return answer

    settings = KafkaSettings(bootstrap_servers=brokers, security_protocol="PLAINTEXT")
    with stamina.set_testing(True, attempts=5, cap=True), KafkaLog(settings, "flight_events") as log:
        if asked == 1:
            with pytest.raises(TransientError, match="does not answer about flight_events"):
                log._answered(ask)
        else:
            assert log._answered(ask) == 7
    assert tried == asked
