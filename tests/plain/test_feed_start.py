"""With which day a feed begins."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from generator.feed_start import Newest, first_day
from generator.flights import LAST_DAY
from generator.position import Position, PositionFile, positions
from generator.records import Record
from local_stack.feed import Feed

pytestmark = pytest.mark.plain

WANTED = date(2013, 1, 29)


def position(day: date, at: str) -> Position:
    moment = pd.Timestamp(at, tz="UTC").to_pydatetime()
    return Position(topic="t", first_day=day, last_day=LAST_DAY, event_time=moment, event_id="e")


def stored(clock: str, day: date) -> Newest:
    return Newest(pd.Timestamp(clock, tz="UTC"), day)


OLD, LATER = position(WANTED, "2013-02-03 12:00"), position(date(2013, 6, 1), "2013-06-05 08:00")


@pytest.mark.parametrize(
    ("known", "newest", "expected"),
    [
        ([], None, WANTED),
        # The back-fill ends with arrivals of the night.
        ([], stored("2013-01-29 09:10", date(2013, 1, 28)), WANTED),
        ([OLD], stored("2013-02-03 12:00", date(2013, 2, 3)), WANTED),
        ([OLD], None, WANTED),
        # Somebody published more by hand.
        ([], stored("2013-05-01 09:00", date(2013, 4, 30)), date(2013, 5, 1)),
        ([OLD], stored("2013-05-31 23:00", date(2013, 5, 31)), date(2013, 6, 1)),
        ([OLD, LATER], stored("2013-06-05 07:00", date(2013, 6, 5)), date(2013, 6, 1)),
        ([OLD], stored("2014-01-01 09:00", LAST_DAY), None),
        ([position(WANTED, "2014-01-01 09:00")], stored("2014-01-01 09:00", LAST_DAY), WANTED),
    ],
)
def test_a_feed_resumes_and_goes_on_after_the_newest_day(
    known: list[Position], newest: Newest | None, expected: date | None
) -> None:
    assert first_day(WANTED, known, newest) == expected


def test_the_positions_of_all_runs_of_a_feed_are_found(tmp_path: Path) -> None:
    for first, last in ((WANTED, LAST_DAY), (date(2013, 6, 1), LAST_DAY), (WANTED, date(2013, 2, 1))):
        PositionFile(tmp_path, "flight_events", first, last).save(Record(1_370_000_000, "e", "departed", "valid", b""))
    assert {found.first_day for found in positions(tmp_path, "flight_events", LAST_DAY)} == {WANTED, date(2013, 6, 1)}
    assert positions(tmp_path / "none", "flight_events", LAST_DAY) == []


def test_the_feed_of_the_stack_goes_on_after_the_newest_day() -> None:
    assert "--after-newest" in Feed().command()
