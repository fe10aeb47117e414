"""The measures of Historical Analytics, and the summary grouped for the charts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from dashboard.app_pages.history import text
from dashboard.panels import formats

Say = Callable[[float], str]


FEW_FLIGHTS = 10
"""A share or a mean of fewer flights says little: it is grey, and neither maximum nor minimum"""
_COLOUR, _FEW_COLOUR = "#0072B2", "rgba(128, 128, 128, 0.45)"


@dataclass(frozen=True)
class Measure:
    """A ratio of two sums, which can be computed for any union of groups."""

    over: str
    by: str
    factor: float
    axis: str
    """the label of an axis or a column, with the unit"""
    shown: Say
    gap: Say
    """formats the difference of two values"""
    decimals: int = 1
    """of ``shown``"""

    def of(self, rows: pd.DataFrame) -> pd.Series[float]:
        """The measure of each row; nan where the divisor is zero."""
        by = rows[self.by].astype(float)
        return self.factor * rows[self.over].astype(float) / by.where(by > 0)

    def overall(self, rows: pd.DataFrame) -> float:
        """The measure over all rows."""
        by = float(rows[self.by].sum())
        return self.factor * float(rows[self.over].sum()) / by if by else float("nan")

    def rolling(self, rows: pd.DataFrame, days: int) -> pd.Series[float]:
        """The measure over a window of days that ends with each row; the rows are consecutive days."""
        sums = rows[[self.over, self.by]].astype(float).rolling(days, min_periods=days).sum()
        return self.of(sums)

    def count(self, rows: pd.DataFrame) -> pd.Series[float]:
        """How many flights a value of each row is of; not limited where the measure counts flights itself."""
        counted = rows[self.by].astype(float)
        return counted.where(counted > 0, 0) if self.by != "days" else counted * float("inf")

    def said(self, number: float) -> str:
        return text.NOTHING if pd.isna(number) else self.shown(number)


def points(number: float) -> str:
    return formats.unsigned_zero(text.POINTS.format(number))


def flights_gap(number: float) -> str:
    return formats.unsigned_zero(f"{number:+,.0f}")


MEASURES = {
    text.DELAYED: Measure("delayed_arrivals", "arrived", 100, text.DELAYED_AXIS, formats.percent, points),
    text.ARRIVAL: Measure(
        "arrival_delay_sum_minutes", "arrivals_with_delay", 1, text.ARRIVAL_AXIS, formats.minutes, formats.minutes
    ),
    text.DEPARTURE: Measure(
        "departure_delay_sum_minutes", "departures_with_delay", 1, text.DEPARTURE_AXIS, formats.minutes, formats.minutes
    ),
    text.CANCELLED: Measure("cancelled", "flights", 100, text.CANCELLED_AXIS, formats.percent, points),
    text.FLIGHTS: Measure("flights", "days", 1, text.FLIGHTS_AXIS, formats.count, flights_gap, 0),
}
COUNTS = ["flights", "arrived", "cancelled", "diverted", "delayed_arrivals"]
SUMS = [
    *COUNTS,
    "departures_with_delay",
    "departure_delay_sum_minutes",
    "arrivals_with_delay",
    "arrival_delay_sum_minutes",
]


def by_day(frame: pd.DataFrame) -> pd.DataFrame:
    """A row for each day from the first to the last; a day without flights has zeros. ``days`` is one."""
    rows = frame[frame["part"] == "day"].assign(flight_date=lambda found: pd.to_datetime(found["flight_date"]))
    dated = rows.set_index("flight_date")[SUMS].astype(float).sort_index()
    return dated.asfreq("D").fillna(0).assign(days=1).rename_axis("flight_date").reset_index()


def by_hour(frame: pd.DataFrame) -> pd.DataFrame:
    """A row for each hour of the day with flights; ``days``: the number of days with flights."""
    return frame[frame["part"] == "hour"].groupby("hour")[SUMS].sum().assign(days=_days(frame)).reset_index()


def by_weekday(frame: pd.DataFrame) -> pd.DataFrame:
    """A row for each weekday with flights; ``days``: the number of such days."""
    return _weekly(frame, frame[frame["part"] == "hour"].groupby("day_of_week")[SUMS].sum().reset_index())


def by_weekday_and_hour(frame: pd.DataFrame) -> pd.DataFrame:
    """A row for each hour of the week with flights; ``days``: the number of such weekdays."""
    return _weekly(frame, frame.loc[frame["part"] == "hour", ["day_of_week", "hour", *SUMS]])


def by_code(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """A row for each airline, origin or destination, by flights descending; ``days``: days with any flight."""
    routes = frame[frame["part"] == "route"]
    totals = routes.groupby(column)[SUMS].sum().assign(days=_days(frame)).reset_index()
    return totals.sort_values(["flights", column], ascending=[False, True], ignore_index=True)


def _days(frame: pd.DataFrame) -> int:
    return int((frame["part"] == "day").sum())


def _weekly(frame: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    dates = pd.to_datetime(frame.loc[frame["part"] == "day", "flight_date"])
    occurrences = (dates.dt.dayofweek + 1).value_counts()
    return rows.assign(days=rows["day_of_week"].map(occurrences)).reset_index(drop=True)


def extremes(rows: pd.DataFrame) -> tuple[pd.Series[Any], pd.Series[Any]]:
    """The rows with the highest and the lowest ``value``."""
    ordered = rows.sort_values("value", kind="stable")
    return ordered.iloc[-1], ordered.iloc[0]


def headline(name: str, rows: pd.DataFrame, called: Callable[[pd.Series[Any]], str]) -> str:
    """The row with the highest ``value`` of a measure; empty where all are the same."""
    if rows.empty or rows["value"].nunique() < 2:
        return ""
    worst, _ = extremes(rows)
    return text.WORST[name].format(name=called(worst), value=MEASURES[name].said(worst["value"]))


def is_complete(rows: pd.DataFrame, complete_until: date | None) -> pd.Series[bool]:
    """Whether each ``flight_date`` is complete: on an incomplete day cancellations are known before arrivals."""
    return rows["flight_date"] <= pd.Timestamp(complete_until or date.max)


def file_of(rows: pd.DataFrame, measure: Measure, *keys: str) -> pd.DataFrame:
    """The rows of a chart's download: its keys, the counts, and the measure under its name."""
    return rows[[*keys, *COUNTS, "value"]].rename(columns={"value": measure.axis})


def bar_colours(counts: pd.Series[float]) -> list[str]:
    """The colours of bars by the number of flights that each is of: grey below the minimum."""
    return [_FEW_COLOUR if few else _COLOUR for few in counts < FEW_FLIGHTS]


def flights_said(number: float) -> str:
    return text.OF_FLIGHTS.format(flights=formats.count(number))


def tooltips(rows: pd.DataFrame, measure: Measure) -> list[str]:
    """A value of each row in words, with the number of flights."""
    words = text.PER_DAY_HOVER if measure.by == "days" else text.VALUE_HOVER
    values = zip(rows["value"], rows["flights"], strict=True)
    return [words.format(value=measure.said(value), flights=formats.count(count)) for value, count in values]


def hour_name(hour: float) -> str:
    return text.HOUR.format(int(hour))


def hour_ticks(hours: Iterable[float]) -> dict[str, list[str]]:
    """The labels of an axis of hours, short enough not to be rotated."""
    known = list(dict.fromkeys(hours))
    return {
        "tickvals": [hour_name(hour) for hour in known],
        "ticktext": [text.HOUR_SHORT.format(int(hour)) for hour in known],
    }


def day_name(day_of_week: float) -> str:
    return text.DAY_NAMES[int(day_of_week) - 1]
