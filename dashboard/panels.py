"""A panel: a question, how to draw its answer, and what every panel has: state, source, time, download.

Panels run side by side and refresh by themselves. What goes wrong in one stays in it.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import text
from dashboard.charts.margins import make_room
from dashboard.queries import tiers
from dashboard.queries.tiers import Tier
from skytier import logs
from skytier.cache import Answer, Question
from skytier.errors import SkytierError
from skytier.settings import DashboardSettings

CHART_HEIGHT = 320
_PAUSED, _SHOWN = "refresh_paused", "panels_shown"
_REFRESH_PATIENCE_SECONDS = 20.0
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
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
    rows: pd.DataFrame | None = None
    """what the download holds, where that is not the whole answer"""


@dataclass(frozen=True)
class Grid:
    """Rows to read. Columns are named by ``text.COLUMNS``; ``config`` says how Streamlit shows some of them."""

    rows: pd.DataFrame
    config: dict[str, Any] = field(default_factory=dict)
    height: int = CHART_HEIGHT
    says: str = ""
    """what to know of them, below them"""


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


Drawing = Chart | Grid | Sequence[Number] | str
"""Words alone say why there is nothing to draw."""
Draw = Callable[[pd.DataFrame], Drawing]


def panel(
    title: str,
    question: Callable[[], Question],
    draw: Draw,
    *,
    tier: Tier,
    key: str,
    controls: Controls | None = None,
    empty: str = text.EMPTY,
) -> None:
    """Show a panel of the page.

    ``question`` is called anew at each refresh, so that it may depend on the panel's own ``controls``, which are drawn
    above its content. ``key`` is unique on the page: it keeps what was chosen in the panel over refreshes. ``empty``
    is what an answer without rows means.
    """

    def drawn(frame: pd.DataFrame) -> Drawing:
        return empty if frame.empty else draw(frame)

    with st.container(border=True, key=f"panel-{key}", height="stretch"):  # as high as its neighbour
        _refreshing(title, question, drawn, tier, key, controls)


Controls = Callable[[], None]


def _refreshing(
    title: str, question: Callable[[], Question], draw: Draw, tier: Tier, key: str, controls: Controls | None
) -> None:
    seconds = None if st.session_state.get(_PAUSED) else refresh_seconds()
    runs = itertools.count()

    @st.fragment(run_every=seconds, parallel=True)
    def body() -> None:
        st.markdown(f"##### {title}")
        if controls is not None:
            controls()
        # A refresh may wait: what is there is seen meanwhile. Who opens the page is not to.
        patience_seconds = _REFRESH_PATIENCE_SECONDS if next(runs) else None
        place = _skeleton(key)
        try:
            answer = tiers.answer(question(), patience_seconds)
            frame = answer.table.to_pandas()
            with place.container() if place else st.container():
                _foot(answer, _content(frame, draw, key), tier, key)
        except SkytierError as error:
            log.warning("panel failed", panel=key, reason=str(error))
            (place or st).error(text.FAILED.format(reason=error), icon=":material/cloud_off:")
        except Exception:
            log.exception("panel broken", panel=key)
            (place or st).error(text.BROKEN, icon=":material/error:")

    body()


@functools.cache
def refresh_seconds() -> float:
    """How often panels refresh, as this process was told: not read anew for each of them."""
    return DashboardSettings().refresh_seconds


def new_page() -> None:
    """Forget what was shown: another page is."""
    st.session_state[_SHOWN] = set()


def _skeleton(key: str) -> DeltaGenerator | None:
    """A place with a skeleton in it, where the panel has not been shown yet: later what is there stays meanwhile."""
    shown: set[str] = st.session_state[_SHOWN]
    if key in shown:
        return None
    shown.add(key)
    place = st.empty()
    place.skeleton(height=CHART_HEIGHT)
    return place


def _content(frame: pd.DataFrame, draw: Draw, key: str) -> pd.DataFrame:
    """Show the answer; the rows to download."""
    drawing = draw(frame)
    if isinstance(drawing, str):
        st.info(drawing, icon=":material/inbox:")
        return frame
    if isinstance(drawing, Chart):
        # Streamlit gives Plotly each figure three times, in copies: by the revision Plotly knows that the data are the
        # same. Another figure is another chart to Streamlit, so that the revision need not change.
        drawing.figure.update_layout(height=drawing.height, uirevision=key, datarevision=1)
        make_room(drawing.figure)
        st.plotly_chart(drawing.figure, key=f"chart-{key}", config=_MODE_BAR, alt=drawing.says)
        st.caption(drawing.says)
        return frame if drawing.rows is None else drawing.rows
    if isinstance(drawing, Grid):
        names = {name: st.column_config.Column(text.column(name)) for name in drawing.rows.columns}
        st.dataframe(
            drawing.rows,
            hide_index=True,
            height=drawing.height,
            placeholder=text.NO_VALUE,
            column_config=names | drawing.config,
            key=f"grid-{key}",
        )
        if drawing.says:
            st.caption(drawing.says)
        return drawing.rows
    _numbers(drawing)
    return frame


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
            data=lambda: _csv(frame),  # made for who asks for it
            file_name=f"skytier-{key}.csv",
            mime="text/csv",
            key=f"download-{key}",
            on_click="ignore",
            type="tertiary",
            icon=":material/download:",
            help=text.DOWNLOAD_HELP,
        )


def _csv(frame: pd.DataFrame) -> bytes:
    """The rows as a file. Text that a spreadsheet would run as a formula begins with an apostrophe.

    The events and the records that were rejected hold what strangers wrote
    (https://owasp.org/www-community/attacks/CSV_Injection).
    """
    texts = frame.select_dtypes(["object", "string"])
    harmless = texts.map(lambda cell: f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell)
    return frame.assign(**harmless).rename(columns=text.column).to_csv(index=False).encode()
