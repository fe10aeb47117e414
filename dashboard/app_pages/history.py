"""Historical Analytics."""

from typing import Any

import streamlit as st

from dashboard.charts import history as charts
from dashboard.charts import history_cancellations as cancellations
from dashboard.charts import history_compare as compare
from dashboard.charts import history_drill as drill
from dashboard.charts import history_week as week
from dashboard.charts.history_measures import MEASURES
from dashboard.filters import Filters, codes, day
from dashboard.panels import NUMBERS_HEIGHT, panel, views
from dashboard.plain_text import for_label
from dashboard.queries import history as queries
from dashboard.text import history as text
from skytier.cache import Question

filters, tier = st.session_state["filters"], queries.tier()
kept: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}


def summary() -> Question:
    return queries.summary(filters)


def crumbs() -> None:
    here = drill.path()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for depth in range(len(here)):
            above = here[:depth]
            st.button(
                for_label(drill.crumb(above)),
                key=f"history-crumb-{depth}",
                type="tertiary",
                on_click=drill.go,
                args=(above,),
            )
            st.markdown(text.BELOW, width="content")
        st.markdown(f"**{for_label(drill.crumb(here))}**", width="content")


def side(name: str, known: dict[str, dict[str, str]]) -> Filters:
    columns, key = st.columns(4), f"history-{name.lower()}"
    first = day(columns[0], text.SIDE_FROM.format(name), f"{key}-from")
    last = day(columns[1], text.SIDE_TO.format(name), f"{key}-to")
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
    st.segmented_control(text.AXIS, list(compare.AXES), default=text.BY_HOUR, required=True, key="history-axis", **kept)


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
        charts.daily,
        given=lambda: (measure, queries.last_whole_day()),
        tier=tier,
        key="daily",
    )
    left, right = st.columns([3, 2])
    with left:
        panel(text.HOURLY, summary, week.hourly, given=lambda: (measure,), tier=tier, key="hourly")
    with right:
        panel(text.WEEKDAY, summary, week.weekday, given=lambda: (measure,), tier=tier, key="weekday")
    panel(text.HEAT, summary, week.heat, given=lambda: (measure,), tier=tier, key="heat")


def drill_down() -> None:
    panel(
        text.DRILL,
        lambda: queries.below(filters, drill.path()),
        drill.below,
        given=lambda: (drill.path(),),
        tier=tier,
        key="drill",
        controls=crumbs,
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
            compare.table,
            given=lambda: (sides(),),
            tier=tier,
            key="compared",
        )
    with right:
        panel(
            text.SIDE_BY_SIDE,
            lambda: queries.comparison(filters, chosen),
            compare.side_by_side,
            given=lambda: (measure, st.session_state["history-axis"], sides()),
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
            cancellations.by_date,
            given=lambda: (queries.last_whole_day(),),
            tier=tier,
            key="cancelled-days",
        )
    with right:
        panel(text.CANCELLED_AIRLINES, summary, cancellations.by_airline, tier=tier, key="cancelled-airlines")


st.caption(text.SCOPE)
panel(text.HEADLINE, summary, charts.headline, tier=tier, key="headline", height=NUMBERS_HEIGHT)
views(
    "history-view",
    {text.CALENDAR: calendar, text.DRILL: drill_down, text.COMPARE: comparison, text.CANCELLATIONS: cancelled},
)
