"""With which day a feed begins: it resumes its position, and goes on after newer days that something else published."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

import pandas as pd
from pymongo import DESCENDING

from generator.flights import LAST_DAY, ORIGIN_TIMEZONE
from generator.position import Position
from skytier import hot_tier

_AHEAD = pd.Timedelta(days=1)
"""Events of a feed are stored soon; a warehouse that is further ahead of the feed has them from another source"""


class Newest(NamedTuple):
    """The newest events that are stored: the warehouse's clock, and the newest flight date."""

    clock: pd.Timestamp
    day: date


def newest_stored() -> Newest | None:
    """The newest events of the hot tier; None in an empty one. Raises TransientError where MongoDB does not answer."""
    with hot_tier.client() as connection, hot_tier.answering():
        clock = hot_tier.clock(connection)
        if clock is None:
            return None
        # The newest event by event time may be the late arrival of a flight of the day before.
        of_last_hours = {"event_time": {"$gte": clock - timedelta(days=1)}}
        found = hot_tier.events(connection).find(of_last_hours, {"flight_date": 1})
        newest = next(iter(found.sort("flight_date", DESCENDING).limit(1)))
    return Newest(pd.Timestamp(clock), date.fromisoformat(newest["flight_date"]))


def first_day(wanted: date, positions: Iterable[Position], newest: Newest | None) -> date | None:
    """The first day of the replay that a feed resumes or begins; None where every day is stored.

    ``positions`` are those of earlier runs of the feed, each with the first day of its replay.
    """
    last = max(positions, key=lambda position: position.event_time, default=None)
    begun, at = (
        (wanted, pd.Timestamp(wanted, tz=ORIGIN_TIMEZONE))
        if last is None
        else (last.first_day, pd.Timestamp(last.event_time))
    )
    if newest is None or newest.clock - at <= _AHEAD:
        return begun
    following = max(wanted, newest.day + timedelta(days=1))
    return following if following <= LAST_DAY else None
