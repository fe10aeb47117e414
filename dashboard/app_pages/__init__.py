"""The pages of the dashboard: a folder each, in the order of the navigation."""

from __future__ import annotations

from typing import NamedTuple


class Page(NamedTuple):
    """A page: its folder here, which is its path in the address as well, its title and icon."""

    path: str
    title: str
    icon: str
    has_filters: bool = True
    """whether the filters of the sidebar change anything on it"""


PAGES = (
    Page("overview", "Real-Time Overview", ":material/radar:"),
    Page("streaming", "Streaming Analytics", ":material/show_chart:"),
    Page("history", "Historical Analytics", ":material/calendar_month:"),
    Page("predictions", "Prediction & Insights", ":material/insights:"),
    Page("quality", "Data Quality & Metadata", ":material/fact_check:"),
    Page("operations", "Operations & Monitoring", ":material/monitor_heart:", has_filters=False),
)
