"""Streaming Analytics."""

from collections.abc import Mapping
from typing import TypeVar

import streamlit as st

from dashboard.app_pages.streaming import flight_charts, interval_charts, queries, text
from dashboard.panels.drawings import NUMBERS_HEIGHT
from dashboard.panels.panel import panel
from dashboard.panels.tiers import Tier
from dashboard.panels.views import views

V = TypeVar("V")


def one_of(label: str, names: Mapping[V, str], key: str, default: V, meaning: str | None = None) -> V:
    return st.segmented_control(
        label,
        list(names),
        default=default,
        required=True,
        format_func=names.__getitem__,
        key=f"streaming-{key}",
        help=meaning,
        bind="query-params",
        persist_state="session",
    )


def averages() -> None:
    st.pills(
        text.AVERAGES,
        list(sizes),
        selection_mode="multi",
        default=middle,
        format_func=sizes.__getitem__,
        key=f"streaming-averages-{span}",  # each range offers other lengths
        help=text.AVERAGES_HELP,
        bind="query-params",
        persist_state="session",
    )


def windows() -> None:
    with st.container(horizontal=True):
        one_of(text.KIND, text.KINDS, "kind", text.TUMBLING, text.KIND_HELP)
        one_of(text.SIZE, sizes, f"window-{span}", middle)


def airlines() -> None:
    one_of(text.RANKED_BY, text.RANKS, "airlines", "flights")


def airports() -> None:
    with st.container(horizontal=True):
        one_of(text.END, text.ENDS, "end", "destination")
        one_of(text.RANKED_BY, text.RANKS, "airports", "flights")


def delays() -> None:
    one_of(text.DELAY, text.DELAYS, "delay", "arrival_delay")


def time_series() -> None:
    metric = st.selectbox(
        text.METRIC,
        list(text.METRICS),
        format_func=lambda name: text.METRICS[name].label,
        key="streaming-metric",
        help=text.METRICS_HELP,
        width=280,
        bind="query-params",
        persist_state="session",
    )
    panel(
        text.SERIES,
        lambda: queries.intervals(filters, span),
        interval_charts.series,
        inputs=lambda: (metric, tuple(chosen[f"streaming-averages-{span}"])),
        tier=Tier.HOT,
        key="series",
        controls=averages,
    )
    left, right = st.columns(2)
    with left:
        panel(
            text.WINDOWS,
            lambda: queries.intervals(filters, span),
            interval_charts.windows,
            inputs=lambda: (metric, chosen["streaming-kind"], chosen[f"streaming-window-{span}"]),
            tier=Tier.HOT,
            key="windows",
            controls=windows,
        )
    with right:
        panel(
            text.TREND,
            lambda: queries.intervals(filters, span),
            interval_charts.trend,
            inputs=lambda: (metric,),
            tier=Tier.HOT,
            key="trend",
        )


def flights() -> None:
    left, right = st.columns(2)
    with left:
        panel(
            text.AIRLINES,
            lambda: queries.flights(filters, span),
            flight_charts.ranking,
            inputs=lambda: ("airline", chosen["streaming-airlines"]),
            tier=Tier.HOT,
            key="airlines",
            controls=airlines,
        )
    with right:
        panel(
            text.AIRPORTS,
            lambda: queries.flights(filters, span),
            flight_charts.ranking,
            inputs=lambda: (chosen["streaming-end"], chosen["streaming-airports"]),
            tier=Tier.HOT,
            key="airports",
            controls=airports,
        )
    left, right = st.columns(2)
    with left:
        panel(text.STATUS, lambda: queries.flights(filters, span), flight_charts.status, tier=Tier.HOT, key="status")
    with right:
        panel(
            text.HISTOGRAM,
            lambda: queries.flights(filters, span),
            flight_charts.histogram,
            inputs=lambda: (chosen["streaming-delay"],),
            tier=Tier.HOT,
            key="histogram",
            controls=delays,
        )


chosen, filters = st.session_state, st.session_state["filters"]
span = one_of(text.RANGE, text.RANGES, "range", "24h", text.RANGE_HELP)
sizes = {minutes: text.duration(minutes) for minutes in queries.RANGES[span].windows_minutes}
middle = list(sizes)[1]

panel(
    text.SUMMARY,
    lambda: queries.intervals(filters, span),
    interval_charts.summary,
    tier=Tier.HOT,
    key="summary",
    height=NUMBERS_HEIGHT,
)
views("streaming-view", {text.TIME_SERIES: time_series, text.FLIGHTS: flights})
