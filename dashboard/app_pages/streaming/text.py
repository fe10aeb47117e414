"""The texts of Streaming Analytics."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from dashboard.panels import formats

TIME_SERIES, FLIGHTS = VIEWS = "Time series", "Flights"
RANGE, RANGE_HELP = "Range", "Ends at the warehouse clock: the newest event time, or that of the selected flight dates."
METRIC = "Metric"
_UNITS = (("day", 1440), ("hour", 60), ("minute", 1))
RANGES = {"6h": "6 hours", "24h": "24 hours", "3d": "3 days", "7d": "7 days", "28d": "28 days"}


class Measure(NamedTuple):
    """The label of a metric and the format of its values."""

    label: str
    unit: str
    """of the axis"""
    value: Callable[[float], str]
    rate: str
    """a change of it"""


METRICS = {
    "events": Measure("Events", "events", formats.count, "{:+,.2f}"),
    "departures": Measure("Departures", "departures", formats.count, "{:+,.2f}"),
    "arrivals": Measure("Arrivals", "arrivals", formats.count, "{:+,.2f}"),
    "cancellations": Measure("Cancellations", "cancellations", formats.count, "{:+,.2f}"),
    "departure_delay": Measure("Mean departure delay", "min", formats.minutes, "{:+.2f} min"),
    "arrival_delay": Measure("Mean arrival delay", "min", formats.minutes, "{:+.2f} min"),
    "delayed": Measure("Share delayed", "% of arrivals", formats.percent, "{:+.2f} percentage points"),
    "quality": Measure("Mean quality", "0 to 1", formats.score, "{:+.4f}"),
}
METRICS_HELP = (
    "Events are counted in the interval of their event time. Delayed: arrived at least 15 minutes late. "
    "Quality: 1 means an event without a quality flag."
)

SUMMARY, SERIES, WINDOWS, TREND = "Summary of the range", "Time series", "Windows", "Trend"
PER = "{label} per {minutes}"
OF = "{label} ({unit})"
AVERAGES, AVERAGES_HELP = "Moving averages", "Length of the window before each point; means are weighted by flights."
AVERAGE = "moving average, {}"
UNFINISHED = "incomplete interval"
SERIES_SAYS = (
    "{label} in intervals of {step}: {last} in the last complete one (to {at} UTC); minimum {least}, maximum {most}. "
    "The ring marks the incomplete interval."
)
SERIES_HEADLINE = "{label}: {last} (newest interval of {step})"
WINDOWS_HEADLINE = "{label}: {last} (newest window of {size})"
NO_VALUE = "no value"
NO_VALUES = "No complete interval of this range has a value of the metric {label}."

KIND, TUMBLING, SLIDING = "Kind", "tumbling", "sliding"
KINDS = {TUMBLING: "Tumbling", SLIDING: "Sliding"}
KIND_HELP = "Tumbling windows do not overlap; sliding windows start at every interval and overlap."
SIZE = "Window"
TUMBLING_SAYS = "{count} complete tumbling windows of {size}: {last} in the newest, maximum {most}."
SLIDING_SAYS = "{count} sliding windows of {size}, one every {step}: {last} in the newest, maximum {most}."
WINDOW_HOVER = "{start:%Y-%m-%d %H:%M} to {end:%H:%M} UTC: {value}"
WINDOW_ENDS = "End of the window (UTC)"
NO_WINDOWS = "The range contains no complete window of {size} with a value."

LINE, BAND, MEASURED = "fitted line", "95% confidence", "measured"
TREND_SAYS = (
    "{label}: {slope} {per} (95% confidence: {low} to {high}): {verdict}. The line is a least-squares fit to {count} "
    "intervals of {step}. The band assumes independent intervals, which a daily cycle only approximates."
)
TREND_HEADLINE = "{verdict}: {slope} {per}"
BEYOND = "Points outside the axis range: {count}. Double-click to show them."
RISES, FALLS, UNCLEAR = "increasing", "decreasing", "no significant trend"
A_DAY, AN_HOUR = "per day", "per hour"
NO_TREND = "A trend needs at least {least} complete intervals with a value; this range has {count}."

RANKED_BY = "Ranked by"
RANKS = {"flights": "Flights", "arrival_delay": "Mean arrival delay", "delayed": "Share delayed"}
RANK_UNITS = {"flights": "Flights", "arrival_delay": "Mean arrival delay (min)", "delayed": "Share delayed (%)"}
RANK_VALUES = {"flights": formats.count, "arrival_delay": formats.minutes, "delayed": formats.percent}
ENDS, END = {"destination": "Destinations", "origin": "Origins"}, "Airports"
AIRLINES, AIRPORTS = "Top airlines", "Top airports"
RANK_SAYS = "Top of {count} by {rank}: {name} with {value}. {others}"
RANK_HEADLINE = "{name} leads: {value}"
RANK_UNIT = {"flights": " flights", "arrival_delay": " at arrival", "delayed": " of arrivals late"}
RANK_LEAST = "Ranked are those with at least {least} arrivals."
RANK_ALL = "Counted are flights that departed or were cancelled in the range."
RANK_HOVER = "{name}: {flights} flights, {cancelled} cancelled, mean arrival delay {delay}, {delayed} delayed"
NO_RANKS = "None has at least {least} arrivals in this range."

STATUS, HISTOGRAM = "Flights by status", "Distribution of delays"
STATUSES = {"arrived": "Arrived", "on_the_way": "En route", "cancelled": "Cancelled", "diverted": "Diverted"}
STATUS_SAYS = (
    "Of {flights} flights that departed or were cancelled in the range, {arrived} arrived, {on_the_way} are en route, "
    "{cancelled} were cancelled and {diverted} diverted."
)
STATUS_HEADLINE = "{arrived} arrived, {cancelled} cancelled"
FLIGHTS, STATUS_LABEL = "Flights", "{count} ({share})"
DELAY = "Delay"
DELAYS = {"arrival_delay": "Arrival delay", "departure_delay": "Departure delay"}
DELAY_AXIS = "{} (min); first and last bar: all values beyond"
DELAY_BIN = "{low:.0f} to under {high:.0f} min: {count:,} flights"
DELAY_FIRST, DELAY_LAST = "under {high:.0f} min: {count:,} flights", "{low:.0f} min or more: {count:,} flights"
ON_TIME, LATE = "under 15 min", "15 min or more"
DELAY_SAYS = (
    "{kind} of {flights} flights: {early} early, {slightly} less than 15 minutes late, {late} at least 15 minutes late."
)
DELAY_HEADLINE = "{late} of flights at least 15 minutes late"
NO_FLIGHTS = "No flight departed or was cancelled in this range."
NO_DELAYS = "No flight of this range has a value of this delay."


def duration(minutes: int) -> str:
    """A duration in the largest unit that divides it."""
    unit, size = next((unit, size) for unit, size in _UNITS if minutes % size == 0)
    return f"{minutes // size} {unit}{'' if minutes == size else 's'}"
