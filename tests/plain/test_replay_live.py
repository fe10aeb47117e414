"""Live pacing and the saved position of a replay."""

from __future__ import annotations

import threading
import time
from datetime import date
from pathlib import Path

import pytest

from generator.pacing import paced
from generator.position import PositionFile
from generator.records import Record
from skytier.errors import TerminalError

pytestmark = pytest.mark.plain

DAYS = date(2013, 1, 1), date(2013, 1, 2)


def _record(event_time: int, name: str) -> Record:
    return Record(event_time, name, "departed", "flight", b"{}")


def test_events_leave_when_their_time_comes() -> None:
    batches = [[_record(1000, "a"), _record(1000, "b"), _record(1060, "c")], [_record(1120, "d")]]
    began = time.monotonic()
    left = {
        record.event_id: time.monotonic() - began for sent in paced(batches, 300, threading.Event()) for record in sent
    }
    assert list(left) == ["a", "b", "c", "d"]
    assert left["b"] < left["c"]
    assert 0.2 <= left["c"] < 2
    assert 0.4 <= left["d"] < 2


def test_a_stopped_replay_ends_at_once() -> None:
    stop = threading.Event()
    sent = []
    for records in paced([[_record(0, "a"), _record(10**6, "b")]], 1, stop):
        sent += records
        stop.set()
    assert [record.event_id for record in sent] == ["a"]


@pytest.fixture
def position(tmp_path: Path) -> PositionFile:
    return PositionFile(tmp_path / "replay", "topic", *DAYS)


def test_a_position_is_read_as_it_was_saved(position: PositionFile) -> None:
    assert position.read() is None
    position.save(_record(1_357_034_100, "first"))
    position.save(_record(1_357_034_160, "second"))
    saved = position.read()
    assert saved is not None
    assert (saved.event_id, saved.event_time.isoformat()) == ("second", "2013-01-01T09:56:00+00:00")
    assert [path.name for path in position.path.parent.iterdir()] == ["topic_2013-01-01_2013-01-02.json"]
    position.delete()
    assert position.read() is None


def test_an_invalid_position_file_is_named(position: PositionFile) -> None:
    position.path.parent.mkdir()
    position.path.write_text("{")
    with pytest.raises(TerminalError, match=r"topic_2013-01-01_2013-01-02\.json"):
        position.read()
