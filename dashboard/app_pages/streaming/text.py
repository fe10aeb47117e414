"""Streaming Analytics."""

from __future__ import annotations

from typing import NamedTuple

TIME_SERIES, FLIGHTS = VIEWS = "Time series", "Flights"
RANGE, RANGE_HELP = "Range", "Back from the warehouse's clock: its newest event, or that of the flight dates chosen."
METRIC = "Metric"
_UNITS = (("day", 1440), ("hour", 60), ("minute", 1))
RANGES = {"6h": "6 hours", "24h": "24 hours", "3d": "3 days", "7d": "7 days", "28d": "28 days"}


class Measure(NamedTuple):
    """What a metric is called, and how its values are written."""

    label: str
    unit: str
    """of the axis"""
    value: str
    rate: str
    """a change of it"""


METRICS = {
    "events": Measure("Events", "events", "{:,.0f}", "{:+,.2f}"),
    "departures": Measure("Departures", "departures", "{:,.0f}", "{:+,.2f}"),
    "arrivals": Measure("Arrivals", "arrivals", "{:,.0f}", "{:+,.2f}"),
    "cancellations": Measure("Cancellations", "cancellations", "{:,.0f}", "{:+,.2f}"),
    "departure_delay": Measure("Mean departure delay", "min", "{:+.1f} min", "{:+.2f} min"),
    "arrival_delay": Measure("Mean arrival delay", "min", "{:+.1f} min", "{:+.2f} min"),
    "delayed": Measure("Share delayed", "% of arrivals", "{:.1f}%", "{:+.2f} percentage points"),
    "quality": Measure("Mean quality", "0 to 1", "{:.3f}", "{:+.4f}"),
}
METRICS_HELP = (
    "Events are counted in the interval of their own time. Delayed: arrived 15 minutes late or more. "
    "Quality: 1 is an event without any doubt."
)

SUMMARY, SERIES, WINDOWS, TREND = "The whole range", "Over time", "Windows", "Trend"
PER = "{label} in {minutes}"
OF = "{label} ({unit})"
AVERAGES, AVERAGES_HELP = "Moving averages", "Over this long before each point; a mean counts every flight once."
AVERAGE = "average of {}"
UNFINISHED = "unfinished interval"
SERIES_SAYS = (
    "{label} in intervals of {step}: {last} in the last full one (to {at} UTC); the least was {least}, the most "
    "{most}. The ring is the interval that is not over yet."
)
NO_VALUE = "no value"
NO_VALUES = "No full interval of this range has a value of this metric yet: {label}."

KIND, TUMBLING, SLIDING = "Kind", "tumbling", "sliding"
KINDS = {TUMBLING: "Tumbling", SLIDING: "Sliding"}
KIND_HELP = "Tumbling windows follow each other; sliding ones overlap, a new one every interval."
SIZE = "Window"
TUMBLING_SAYS = "{count} full windows of {size}, one after the other: {last} in the newest, the most was {most}."
SLIDING_SAYS = "{count} windows of {size}, a new one every {step}: {last} in the newest, the most was {most}."
WINDOW_ENDS = "End of the window (UTC)"
NO_WINDOWS = "The range holds no full window of {size} with a value yet."

LINE, BAND, MEASURED = "fitted line", "95% confidence", "measured"
TREND_SAYS = (
    "{label}: {slope} {per} (95% confidence: {low} to {high}), so {verdict}. The line is fitted to {count} intervals "
    "of {step}; the band takes them as independent, which a daily rhythm makes them only roughly."
)
BEYOND = "Points beyond the axis: {count}; a double click shows them."
RISES, FALLS, UNCLEAR = "it rises", "it falls", "no direction can be told"
A_DAY, AN_HOUR = "a day", "an hour"
NO_TREND = "A trend needs {least} full intervals with a value; this range has {count}."

RANKED_BY = "Ranked by"
RANKS = {"flights": "Flights", "arrival_delay": "Mean arrival delay", "delayed": "Share delayed"}
RANK_UNITS = {"flights": "Flights", "arrival_delay": "Mean arrival delay (min)", "delayed": "Share delayed (%)"}
RANK_VALUES = {"flights": "{:,.0f}", "arrival_delay": "{:+.1f} min", "delayed": "{:.0f}%"}
ENDS, END = {"destination": "Destinations", "origin": "Origins"}, "Airports"
AIRLINES, AIRPORTS = "Top airlines", "Top airports"
RANK_SAYS = "First of {count} by {rank}: {name} with {value}. {others}"
RANK_LEAST = "Only those with {least} arrivals or more are ranked."
RANK_ALL = "Flights that left or were cancelled in the range."
RANK_HOVER = "{name}: {flights} flights, {cancelled} cancelled, arrived {delay} on average, {delayed} delayed"
NO_RANKS = "None has {least} arrivals in this range yet."

STATUS, HISTOGRAM = "What became of the flights", "How late flights were"
STATUSES = {"arrived": "Arrived", "on_the_way": "Still on the way", "cancelled": "Cancelled", "diverted": "Diverted"}
STATUS_SAYS = (
    "Of {flights} flights that left or were cancelled in the range, {arrived} arrived, {on_the_way} are still on the "
    "way, {cancelled} were cancelled and {diverted} diverted."
)
FLIGHTS, STATUS_LABEL = "Flights", "{count} ({share})"
DELAY = "Which delay"
DELAYS = {"arrival_delay": "Arrival delay", "departure_delay": "Departure delay"}
DELAY_AXIS = "{} (min); the last bars hold all beyond"
DELAY_BIN = "{low:.0f} to under {high:.0f} min: {count:,} flights"
DELAY_FIRST, DELAY_LAST = "under {high:.0f} min: {count:,} flights", "{low:.0f} min or more: {count:,} flights"
ON_TIME, LATE = "under 15 min", "15 min or more"
DELAY_SAYS = (
    "{kind} of {flights} flights: {early} were early, {slightly} less than 15 minutes late, {late} 15 minutes or more."
)
NO_FLIGHTS = "No flight left or was cancelled in this range."
NO_DELAYS = "No flight of this range has this delay yet."


def duration(minutes: int) -> str:
    """A length of time in the largest unit that divides it."""
    unit, size = next((unit, size) for unit, size in _UNITS if minutes % size == 0)
    return f"{minutes // size} {unit}{'' if minutes == size else 's'}"
