"""A panel: a question, how to draw its answer, and what every panel has: state, source, time, download.

Panels run side by side and refresh by themselves. What goes wrong in one stays in it. What an answer looks like is
drawn once, for all who look at it.
"""

from __future__ import annotations

import functools
import itertools
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pyarrow as pa
import streamlit as st

from dashboard import text
from dashboard.charts.margins import make_room
from dashboard.charts.plain import plain
from dashboard.plain_text import for_label, for_markdown, marked, plain_words, unmarked
from dashboard.queries import tiers
from dashboard.queries.tiers import Tier
from skytier import logs
from skytier.cache import Answer, Question
from skytier.errors import SkytierError
from skytier.settings.dashboard import DashboardSettings

CHART_HEIGHT, NUMBERS_HEIGHT = 320, 103
_SPARKLINE_POINTS = 48
_DRAWINGS = 256  # kept: of all pages, as several viewers filter them
_PAUSED = "refresh_paused"
_PAGE, _THERE, _DRAWN, _OPENED = "page", "panels_there", "panels_drawn", "views_opened"
_REFRESH_PATIENCE_SECONDS = 20.0
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_MODE_BAR = {
    "displaylogo": False,
    "modeBarButtonsToRemove": ["lasso2d", "select2d", "autoScale2d"],
    "topojsonURL": "app/static/topojson/",
}

log = logs.logger("dashboard")

# Drawing is Python's work alone, and who sends what is drawn would get one turn in as many as there are panels at it.
_one_draws = threading.Lock()


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
    says: str = ""
    """what to know of them, below them"""
    is_whole: bool = False
    """whether all are seen at once; else ten, and the others by scrolling"""


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
Draw = Callable[..., Drawing]
"""Draws the rows of an answer and what else it is given; the same of the same, for a drawing is kept."""
Given = Callable[[], tuple[Hashable, ...]]


def panel(
    title: str,
    question: Callable[[], Question],
    draw: Draw,
    *,
    tier: Tier,
    key: str,
    given: Given = tuple,
    controls: Controls | None = None,
    empty: str = text.EMPTY,
    height: int = CHART_HEIGHT,
) -> None:
    """Show a panel of the page.

    ``draw`` is a function of a module: drawings are kept by it, and one made for this run of the page would be a new
    one to each viewer. What it needs beside the answer is ``given`` to it, after the rows. That and ``question`` are
    called anew at each refresh, so that they may depend on the panel's own ``controls``, which are drawn above its
    content. ``key`` is unique on the page: it keeps what was chosen in the panel over refreshes. ``empty`` is what an
    answer without rows means, ``height`` (in pixels) that of what is shown, so that little moves when it comes.
    """
    is_new = key not in st.session_state[_THERE]
    st.session_state[_THERE].add(key)
    st.session_state[_DRAWN].add(key)
    with st.container(border=True, key=f"panel-{key}", height="stretch"):  # as high as its neighbour
        _refreshing(title, question, draw, given, tier, key, controls, empty, height if is_new else None)


Controls = Callable[[], None]


def _refreshing(
    title: str,
    question: Callable[[], Question],
    draw: Draw,
    given: Given,
    tier: Tier,
    key: str,
    controls: Controls | None,
    empty: str,
    skeleton_height: int | None,
) -> None:
    seconds = None if st.session_state.get(_PAUSED) else refresh_seconds()
    runs = itertools.count()

    @st.fragment(run_every=seconds, parallel=True)
    def body() -> None:
        st.markdown(f"##### {title}")
        if controls is not None:
            controls()
        # A refresh may wait: what is there is seen meanwhile. Who opens the page is not to.
        is_refresh = next(runs) > 0
        patience_seconds = _REFRESH_PATIENCE_SECONDS if is_refresh else None
        place = None
        if skeleton_height and not is_refresh:
            place = st.empty()
            place.skeleton(height=skeleton_height)
        try:
            asked = question()
            answer = tiers.answer(asked, patience_seconds)
            with _one_draws:
                drawing, rows = _drawn(_Picture(asked.name, answer.as_of, draw, given(), key, answer.table))
                with place.container() if place else st.container():
                    _show(empty if rows is None else drawing, key)
                    _foot(answer, rows, tier, key)
        except SkytierError as error:
            log.warning("panel failed", panel=key, reason=str(error))
            (place or st).error(for_markdown(text.FAILED.format(reason=error)), icon=":material/cloud_off:")
        except Exception:
            log.exception("panel broken", panel=key)
            (place or st).error(text.BROKEN, icon=":material/error:")

    body()


@functools.cache
def refresh_seconds() -> float:
    """How often panels refresh, as this process was told: not read anew for each of them."""
    return DashboardSettings().refresh_seconds


@contextmanager
def shown_on(page: str) -> Iterator[None]:
    """What a run of a page shows. What is not there yet begins as a skeleton, else what is there stays meanwhile."""
    if st.session_state.get(_PAGE) != page:
        st.session_state[_PAGE], st.session_state[_THERE] = page, set()
    st.session_state[_DRAWN] = set()
    yield
    # A run that is broken off does not come here: what it did not draw is still there.
    st.session_state[_THERE] = st.session_state[_DRAWN]


def views(key: str, contents: Mapping[str, Callable[[], None]]) -> None:
    """Show groups of panels by name, one at a time: what nobody looks at is not asked, drawn or sent.

    The address carries the name of the one that is open, under ``key``; it stays open while other pages are looked at.
    """
    opened: dict[str, str] = st.session_state.setdefault(_OPENED, {})
    if key in opened and key not in st.session_state and key not in st.query_params:
        st.session_state[key] = opened[key]
    tabs = st.tabs(list(contents), key=key, bind="query-params")
    opened[key] = st.session_state[key]
    for tab, content in zip(tabs, contents.values(), strict=True):
        if tab.open:
            with tab:
                content()


@dataclass(frozen=True)
class _Picture:
    """What a drawing is of: all that it depends on, and the rows themselves, which the answer's time stands for."""

    question: str
    as_of: datetime
    draw: Draw
    given: tuple[Hashable, ...]
    key: str
    table: pa.Table = field(compare=False)


@functools.lru_cache(maxsize=_DRAWINGS)
def _drawn(picture: _Picture) -> tuple[Drawing, pd.DataFrame | None]:
    """The drawing, ready to be shown, and the rows to download; no rows where the answer has none."""
    frame = picture.table.to_pandas()
    if frame.empty:
        return "", None
    drawing = picture.draw(marked(frame), *picture.given)
    if isinstance(drawing, Chart):
        # Streamlit gives Plotly each figure three times, in copies: by the revision Plotly knows that the data are the
        # same. Another figure is another chart to Streamlit, so that the revision need not change.
        drawing.figure.update_layout(height=drawing.height, uirevision=picture.key, datarevision=1)
        make_room(drawing.figure)
        rows = frame if drawing.rows is None else unmarked(drawing.rows)
        return replace(drawing, figure=plain(drawing.figure)), rows
    if isinstance(drawing, Grid):
        drawing = replace(drawing, rows=unmarked(drawing.rows))
        return drawing, drawing.rows
    return drawing, frame


def _show(drawing: Drawing, key: str) -> None:
    if isinstance(drawing, str):
        st.info(for_markdown(drawing), icon=":material/inbox:")
    elif isinstance(drawing, Chart):
        st.plotly_chart(drawing.figure, key=f"chart-{key}", config=_MODE_BAR, alt=plain_words(drawing.says))
        st.caption(for_markdown(drawing.says))
    elif isinstance(drawing, Grid):
        _table(drawing, key)
    else:
        _numbers(drawing)


def _table(grid: Grid, key: str) -> None:
    names = {name: st.column_config.Column(text.column(name)) for name in grid.rows.columns}
    st.dataframe(
        grid.rows,
        hide_index=True,
        height="content" if grid.is_whole else "auto",
        placeholder=text.NO_VALUE,
        column_config=names | grid.config,
        key=f"grid-{key}",
    )
    if grid.says:
        st.caption(for_markdown(grid.says))


def _numbers(numbers: Sequence[Number]) -> None:
    for column, number in zip(st.columns(len(numbers)), numbers, strict=True):
        with column:
            st.metric(
                for_label(number.label),
                for_label(number.value),
                for_label(number.change or number.note or "") or None,
                delta_color=number.more_is if number.change else "off",
                delta_arrow="auto" if number.change else "off",
                chart_data=_thinned(number.trend) or None,
                chart_type="area",
                help=for_markdown(number.help) if number.help else None,
            )


def _thinned(trend: Sequence[float]) -> list[float]:
    """As many means of neighbours as a sparkline has room for: a browser takes its time for a year of days."""
    if len(trend) <= _SPARKLINE_POINTS:
        return list(trend)
    values = pd.Series(trend, dtype=float)
    return values.groupby(np.arange(len(values)) * _SPARKLINE_POINTS // len(values)).mean().tolist()


def _foot(answer: Answer, rows: pd.DataFrame | None, tier: Tier, key: str) -> None:
    """Where it comes from and how old it is, and the rows as a file."""
    if answer.problem:
        st.warning(for_markdown(text.STALE.format(reason=answer.problem)), icon=":material/history:")
    foot = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute")
    foot.caption(text.source(answer, tier))
    if rows is not None and not rows.empty:
        foot.download_button(
            text.DOWNLOAD,
            data=lambda: _csv(rows),  # made for who asks for it
            file_name=f"skytier-{key}.csv",
            mime="text/csv",
            key=f"download-{key}",
            on_click="ignore",
            type="tertiary",
            icon=":material/download:",
            help=text.DOWNLOAD_HELP,
        )


def _csv(rows: pd.DataFrame) -> bytes:
    """The rows as a file. Text that a spreadsheet would run as a formula begins with an apostrophe.

    The events and the records that were rejected hold what strangers wrote
    (https://owasp.org/www-community/attacks/CSV_Injection).
    """
    texts = rows.select_dtypes(["object", "string"])
    harmless = texts.map(lambda cell: f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell)
    return rows.assign(**harmless).rename(columns=text.column).to_csv(index=False).encode()
