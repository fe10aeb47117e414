"""The texts that all pages share. Texts of one page are in the page's folder, names of columns in ``columns``."""

from __future__ import annotations

from datetime import UTC, datetime

from dashboard.panels.columns import COLUMNS
from dashboard.panels.tiers import Tier
from skytier.cache import CachedResult, Origin

PRODUCT = "Skytier"

BAR_REPLAY, BAR_LIVE, BAR_NEWEST = "Replay", "Live", "Newest data"
BAR_CLOCK_HELP = "Warehouse clock: the newest event time of the hot tier"
BAR_NO_DATA, BAR_LOADING, BAR_PAUSED = "No events yet", "Loading", "Refresh paused"
BAR_HEALTH, BAR_HEALTH_UNKNOWN = "{word} ({score} of 100)", "Health unknown"

FILTERS, ALL = "Filters", "all"
AIRLINES, ORIGINS, FIRST_DAY, LAST_DAY = "Airlines", "Origins", "From", "To"
DAYS_REVERSED = "'From' ({}) is after 'To' ({}): no flight date is in this range."
PAUSE = "Pause refresh"
PAUSE_HELP = "Panels refresh when a batch or an archive is committed, and every {:g} s otherwise."
NO_FILTERS = "The filters by airline and origin are not available: the SQL endpoint does not answer."

EMPTY = "No event matches the filters. Widen the filters, or wait for the next run of the minute job."
EMPTY_BEFORE = "There were no rows at {:%H:%M:%S} UTC. The query is running again."
FAILED = "This panel could not load its data. {reason}"
BROKEN = "This panel failed with an unexpected error. See the dashboard's log ('skytier stack status' shows its path)."
NO_VALUE = "-"
STALE = "This result is stale: the query failed. {reason}"
MENU, DOWNLOAD = "Source, download, link", "Download the rows (CSV)"
LINK, LINK_DONE, FULL_SCREEN = "Copy a link to this panel", "Copied", "Full screen"
OLD = "▲ {} old"

_ORIGINS = {
    Origin.COMPUTED: "just queried",
    Origin.CACHED: "cached",
    Origin.STALE: "cached, refresh in progress",
    Origin.UNCACHED: "just queried: the cache is down, which makes pages slower",
}


def source(result: CachedResult, tier: Tier) -> str:
    """Freshness and source of a result. The date is included unless it is today."""
    day = "" if result.as_of.date() == datetime.now(UTC).date() else f"{result.as_of:%Y-%m-%d} "
    return f"As of {day}{result.as_of:%H:%M:%S} UTC · {tier} · {_ORIGINS[result.origin]}"


def column(name: str) -> str:
    """The label of a column of a result, with its unit."""
    return COLUMNS.get(name, name.replace("_", " ").capitalize())


TIME_UTC = "Time (UTC)"
EVENT_TYPES = {
    "scheduled": "Scheduled",
    "departed": "Departed",
    "arrived": "Arrived",
    "cancelled": "Cancelled",
    "diverted": "Diverted",
}
