"""A panel: a question, how to draw its answer, and what every panel has: state, source, time, download.

Panels run side by side and refresh by themselves. What goes wrong in one stays in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dashboard import text
from dashboard.queries import tiers
from dashboard.queries.tiers import Tier
from skytier import logs
from skytier.cache import Answer, Question
from skytier.errors import SkytierError
from skytier.settings import DashboardSettings

CHART_HEIGHT = 320
_PAUSED = "refresh_paused"
_MODE_BAR = {
    "displaylogo": False,
    "modeBarButtonsToRemove": ["lasso2d", "select2d", "autoScale2d"],
    "topojsonURL": "app/static/topojson/",
}

log = logs.logger("dashboard")


MoreIs = Literal["normal", "inverse", "off"]


@dataclass(frozen=True)
class Chart:
    """A figure, and in words what it shows: for those who do not see it, and below it for all."""

    figure: go.Figure
    says: str
    height: int = CHART_HEIGHT


@dataclass(frozen=True)
class Grid:
    """Rows to read. Columns are named by ``text.COLUMNS``; ``config`` says how Streamlit shows some of them."""

    rows: pd.DataFrame
    config: dict[str, Any] = field(default_factory=dict)
    height: int = CHART_HEIGHT


@dataclass(frozen=True)
class Number:
    """A number with its unit, what it changed by, and its way here."""

    label: str
    value: str
    change: str | None = None
    more_is: MoreIs = "normal"
    """``normal``: more is good; ``inverse``: more is bad; ``off``: neither"""
    note: str | None = None
    """what to know of it, where there is no change to show"""
    trend: Sequence[float] = ()
    help: str | None = None


Drawing = Chart | Grid | Sequence[Number]
Draw = Callable[[pd.DataFrame], Drawing]


def panel(
    title: str, question: Callable[[], Question], draw: Draw, *, tier: Tier, key: str, controls: Controls | None = None
) -> None:
    """Show a panel of the page.

    ``question`` is called anew at each refresh, so that it may depend on the panel's own ``controls``, which are drawn
    above its content. ``key`` is unique on the page: it keeps what was chosen in the panel over refreshes.
    """
    with st.container(border=True, key=f"panel-{key}"):
        _refreshing(title, question, draw, tier, key, controls)


Controls = Callable[[], None]


def _refreshing(
    title: str, question: Callable[[], Question], draw: Draw, tier: Tier, key: str, controls: Controls | None
) -> None:
    seconds = None if st.session_state.get(_PAUSED) else DashboardSettings().refresh_seconds

    @st.fragment(run_every=seconds, parallel=True)
    def body() -> None:
        st.markdown(f"##### {title}")
        if controls is not None:
            controls()
        place, shown = st.empty(), f"shown-{key}"
        if shown not in st.session_state:
            place.skeleton(height=CHART_HEIGHT)  # the first time only: later what is there stays until the new comes
        try:
            answer = tiers.answer(question())
            frame = answer.table.to_pandas()
            with place.container():
                _content(frame, draw, key)
                _foot(answer, frame, tier, key)
        except SkytierError as error:
            log.warning("panel failed", panel=key, reason=str(error))
            place.error(text.FAILED.format(reason=error), icon=":material/cloud_off:")
        except Exception:
            log.exception("panel broken", panel=key)
            place.error(text.BROKEN, icon=":material/error:")
        st.session_state[shown] = True

    body()


def _content(frame: pd.DataFrame, draw: Draw, key: str) -> None:
    if frame.empty:
        st.info(text.EMPTY, icon=":material/inbox:")
        return
    drawing = draw(frame)
    if isinstance(drawing, Chart):
        drawing.figure.update_layout(height=drawing.height, uirevision=key)
        st.plotly_chart(drawing.figure, key=f"chart-{key}", config=_MODE_BAR, alt=drawing.says)
        st.caption(drawing.says)
    elif isinstance(drawing, Grid):
        names = {name: st.column_config.Column(text.column(name)) for name in drawing.rows.columns}
        st.dataframe(
            drawing.rows,
            hide_index=True,
            height=drawing.height,
            placeholder=text.NO_VALUE,
            column_config=names | drawing.config,
            key=f"grid-{key}",
        )
    else:
        _numbers(drawing)


def _numbers(numbers: Sequence[Number]) -> None:
    for column, number in zip(st.columns(len(numbers)), numbers, strict=True):
        with column:
            st.metric(
                number.label,
                number.value,
                number.change or number.note,
                delta_color=number.more_is if number.change else "off",
                delta_arrow="auto" if number.change else "off",
                chart_data=list(number.trend) or None,
                chart_type="area",
                help=number.help,
            )


def _foot(answer: Answer, frame: pd.DataFrame, tier: Tier, key: str) -> None:
    """Where it comes from and how old it is, and the rows as a file."""
    if answer.problem:
        st.warning(text.STALE.format(reason=answer.problem), icon=":material/history:")
    foot = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute")
    foot.caption(text.source(answer, tier))
    if not frame.empty:
        foot.download_button(
            text.DOWNLOAD,
            data=frame.rename(columns=text.column).to_csv(index=False).encode(),
            file_name=f"skytier-{key}.csv",
            mime="text/csv",
            key=f"download-{key}",
            on_click="ignore",
            type="tertiary",
            icon=":material/download:",
            help=text.DOWNLOAD_HELP,
        )
