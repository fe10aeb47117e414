"""Every word that the dashboard says: here what all pages share, beside this what each page says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from dashboard.queries.tiers import Tier
from dashboard.text.columns import COLUMNS
from skytier.cache import Answer, Origin

PRODUCT = "Skytier"


class Page(NamedTuple):
    """A page: its file in ``app_pages``, and what it is called."""

    file: str
    title: str
    icon: str
    path: str


PAGES = (
    Page("overview", "Real-Time Overview", ":material/radar:", "overview"),
    Page("streaming", "Streaming Analytics", ":material/show_chart:", "streaming"),
    Page("history", "Historical Analytics", ":material/calendar_month:", "history"),
    Page("predictions", "Prediction & Insights", ":material/insights:", "predictions"),
    Page("quality", "Data Quality & Metadata", ":material/fact_check:", "quality"),
    Page("operations", "Operations & Monitoring", ":material/monitor_heart:", "operations"),
)

FILTERS, ALL = "Filters", "all"
AIRLINES, ORIGINS, FIRST_DAY, LAST_DAY = "Airlines", "Origins", "From", "To"
PAUSE, PAUSE_HELP = "Pause the refresh", "Panels refresh by themselves every {:g} s."
NO_FILTERS = "Airlines and origins cannot be chosen now: the SQL endpoint does not answer."

EMPTY = "Nothing here yet: no event matches the filters. Widen them, or wait for the next minute run."
FAILED = "This panel has no data now. {reason}"
BROKEN = "This panel is broken: the log of the dashboard says why ('skytier stack status' shows where it is)."
NO_VALUE = "-"
STALE = "This is an earlier answer, for the server did not give a new one. {reason}"
DOWNLOAD, DOWNLOAD_HELP = "CSV", "Download the rows of this panel"

_ORIGINS = {
    Origin.COMPUTED: "asked just now",
    Origin.CACHED: "from the cache",
    Origin.STALE: "from the cache, asked anew",
    Origin.UNCACHED: "asked just now: the cache is down, so this is slower",
}


def source(answer: Answer, tier: Tier) -> str:
    """Where an answer comes from and when it was asked: the day only where that is not today."""
    day = "" if answer.as_of.date() == datetime.now(UTC).date() else f"{answer.as_of:%Y-%m-%d} "
    return f"As of {day}{answer.as_of:%H:%M:%S} UTC · {tier} · {_ORIGINS[answer.origin]}"


def column(name: str) -> str:
    """What a column of an answer is called, with its unit."""
    return COLUMNS.get(name, name.replace("_", " ").capitalize())


TIME_UTC = "Time (UTC)"
EVENT_TYPES = {
    "scheduled": "Scheduled",
    "departed": "Departed",
    "arrived": "Arrived",
    "cancelled": "Cancelled",
    "diverted": "Diverted",
}
