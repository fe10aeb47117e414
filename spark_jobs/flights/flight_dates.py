"""Where a stored event of a flight may be: an ``event_id`` begins with the flight's date, by which files are sorted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column


def date_ranges(dates: Iterable[date]) -> list[tuple[date, date]]:
    """The dates as ranges of consecutive days, each from its first day up to but without its last."""
    ranges: list[tuple[date, date]] = []
    for day in sorted(set(dates)):
        if ranges and ranges[-1][1] == day:
            ranges[-1] = (ranges[-1][0], day + timedelta(days=1))
        else:
            ranges.append((day, day + timedelta(days=1)))
    return ranges


def flown_on(dates: Iterable[date]) -> Column:
    """Whether an event_id begins with one of the dates, as comparisons that file statistics can answer."""
    conditions = [
        (F.col("event_id") >= first.isoformat()) & (F.col("event_id") < end.isoformat())
        for first, end in date_ranges(dates)
    ]
    return reduce(or_, conditions, F.lit(False))
