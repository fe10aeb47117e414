"""Historical Analytics."""

from typing import Any

import streamlit as st

from dashboard.app_pages.history import (
    cancellation_charts,
    comparison_charts,
    daily_charts,
    drill_charts,
    drill_down,
    queries,
    text,
    weekly_charts,
)
from dashboard.app_pages.history.measures import MEASURES
from dashboard.panels.drawings import NUMBERS_HEIGHT
from dashboard.panels.filters import Filters, codes, day, newest_day
from dashboard.panels.panel import panel
from dashboard.panels.views import views
from dashboard.plain_text import for_label
from skytier.cache import Query

filters, tier = st.session_state["filters"], queries.tier()
kept: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}


def summary() -> Query:
    return queries.summary(filters)


def crumbs() -> None:
    here = drill_down.path()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for depth in range(len(here)):
            above = here[:depth]
            st.button(
                for_label(drill_down.crumb(above)),
                key=f"history-crumb-{depth}",
                type="tertiary",
                on_click=drill_down.go,
                args=(above,),
            )
            st.markdown(text.BELOW, width="content")
        st.markdown(f"**{for_label(drill_down.crumb(here))}**", width="content")


def side(name: str, known: dict[str, dict[str, str]]) -> Filters:
    columns, key, newest = st.columns(4), f"history-{name.lower()}", newest_day(known)
    first = day(columns[0], text.SIDE_FROM.format(name), f"{key}-from", newest)
    last = day(columns[1], text.SIDE_TO.format(name), f"{key}-to", newest)
    airline, origin = (
        column.selectbox(
            label.format(name),
            sorted(known.get(kind, {})),
            None,
            key=f"{key}-{kind}",
            placeholder=text.AS_SIDEBAR,
            **kept,
        )
        for column, label, kind in (
            (columns[2], text.SIDE_AIRLINE, "airline"),
            (columns[3], text.SIDE_ORIGIN, "origin"),
        )
    )
    return Filters((airline,) if airline else (), (origin,) if origin else (), first, last)


def axis() -> None:
    st.segmented_control(
        text.AXIS, list(comparison_charts.AXES), default=text.BY_HOUR, required=True, key="history-axis", **kept
    )


def shown_measure() -> str:
    measure: str = st.segmented_control(
        text.MEASURE,
        list(MEASURES),
        default=text.DELAYED,
        required=True,
        key="history-measure",
        help=text.MEASURE_HELP,
        **kept,
    )
    return measure


def calendar() -> None:
    measure = shown_measure()
    panel(
        text.DAILY,
        summary,
        daily_charts.daily,
        inputs=lambda: (measure, queries.last_complete_day()),
        tier=tier,
        key="daily",
    )
    left, right = st.columns([3, 2])
    with left:
        panel(text.HOURLY, summary, weekly_charts.hourly, inputs=lambda: (measure,), tier=tier, key="hourly")
    with right:
        panel(text.WEEKDAY, summary, weekly_charts.weekday, inputs=lambda: (measure,), tier=tier, key="weekday")
    panel(text.HEAT, summary, weekly_charts.heat, inputs=lambda: (measure,), tier=tier, key="heat")


def drill() -> None:
    panel(
        text.DRILL,
        lambda: queries.below(filters, drill_down.path()),
        drill_down.below,
        inputs=lambda: (drill_down.path(),),
        tier=tier,
        key="drill",
        controls=crumbs,
    )
    measure = shown_measure() if len(drill_down.path()) < len(queries.STEPS) else text.ARRIVAL
    panel(
        text.DRILL_CHART,
        lambda: queries.below(filters, drill_down.path()),
        drill_charts.below,
        inputs=lambda: (drill_down.path(), measure),
        tier=tier,
        key="drill-chart",
    )


def comparison() -> None:
    st.caption(text.COMPARE_SCOPE)
    known = codes()
    chosen = [side(name, known) for name in queries.SIDES]

    def sides() -> tuple[Filters, Filters]:
        return queries.sides(filters, chosen)

    measure = shown_measure()
    left, right = st.columns(2)
    with left:
        panel(
            text.COMPARED,
            lambda: queries.comparison(filters, chosen),
            comparison_charts.table,
            inputs=lambda: (sides(),),
            tier=tier,
            key="compared",
        )
    with right:
        panel(
            text.SIDE_BY_SIDE,
            lambda: queries.comparison(filters, chosen),
            comparison_charts.side_by_side,
            inputs=lambda: (measure, st.session_state["history-axis"], sides()),
            tier=tier,
            key="side-by-side",
            controls=axis,
        )


def cancelled() -> None:
    left, right = st.columns([3, 2])
    with left:
        panel(
            text.CANCELLED_DAYS,
            summary,
            cancellation_charts.by_date,
            inputs=lambda: (queries.last_complete_day(),),
            tier=tier,
            key="cancelled-days",
        )
    with right:
        panel(text.CANCELLED_AIRLINES, summary, cancellation_charts.by_airline, tier=tier, key="cancelled-airlines")


st.caption(text.SCOPE)
panel(text.HEADLINE, summary, daily_charts.summary, tier=tier, key="headline", height=NUMBERS_HEIGHT)
views(
    "history-view",
    {text.CALENDAR: calendar, text.DRILL: drill, text.COMPARE: comparison, text.CANCELLATIONS: cancelled},
)
