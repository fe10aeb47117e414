"""A panel: a query, a function that draws its result, and what all panels share: states, freshness, download.

Panels run in parallel. An error stays within its panel. A result is drawn once for all viewers. ``live`` has the page
drawn again when newer results are there.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from datetime import datetime

import pandas as pd
import pyarrow as pa
import streamlit as st

from dashboard.panels import live, text, tiers
from dashboard.panels.drawings import CHART_HEIGHT, Chart, Draw, Drawing, Grid, Inputs
from dashboard.panels.margins import make_room
from dashboard.panels.plain import plain
from dashboard.panels.rendering import show, show_menu
from dashboard.panels.tiers import Tier
from dashboard.panels.views import is_new
from dashboard.plain_text import for_markdown, marked, unmarked
from skytier import logs
from skytier.cache import CachedResult, Origin, Query
from skytier.errors import SkytierError

_DRAWINGS = 256  # cached: of all pages, with the filters of several viewers

log = logs.logger("dashboard")

# Drawing runs Python only. In parallel it would end no sooner, and the thread that sends would get few turns.
_draw_lock = threading.Lock()

Controls = Callable[[], None]


def panel(
    title: str,
    query: Callable[[], Query],
    draw: Draw,
    *,
    tier: Tier,
    key: str,
    inputs: Inputs = tuple,
    controls: Controls | None = None,
    empty: str = text.EMPTY,
    height: int = CHART_HEIGHT,
) -> None:
    """Show a panel of the page.

    ``draw`` is a function of a module: drawings are cached by it, and a function of this run of the page would be
    another one for each viewer. It gets the rows of the result, then the ``inputs``. These and ``query`` are called
    each time that the panel is drawn, so that they can depend on its own ``controls``, which are shown above the
    content. ``key`` is unique on the page: it keeps the state of the panel's controls. ``empty`` explains a result
    without rows. ``height`` (in pixels) is that of the content, so that little moves when it arrives.
    """
    skeleton_height = height if is_new(key) else None
    with st.container(border=True, key=f"panel-{key}", height="stretch"):  # as high as its neighbour
        _body(title, query, draw, inputs, tier, key, controls, empty, skeleton_height)


def _body(
    title: str,
    query: Callable[[], Query],
    draw: Draw,
    inputs: Inputs,
    tier: Tier,
    key: str,
    controls: Controls | None,
    empty: str,
    skeleton_height: int | None,
) -> None:
    runs = iter([True])

    @st.fragment(parallel=True)
    def body() -> None:
        header = st.container(horizontal=True, vertical_alignment="center", key=f"header-{key}", gap="small")
        header.markdown(f"##### {title}", width="stretch")
        if controls is not None:
            controls()
        place = None
        if skeleton_height and next(runs, False):
            place = st.empty()
            place.skeleton(height=skeleton_height)
        try:
            current = query()
            result = _fetched(current)
            with _draw_lock:
                drawing, rows = _drawn(_DrawingKey(current.name, result.as_of, draw, inputs(), key, result.table))
                with place.container() if place else st.container():
                    show(_nothing(result, empty) if rows is None else drawing, key)
                    show_menu(header, result, drawing, rows, tier, key)
        except SkytierError as error:
            log.warning("panel failed", panel=key, reason=str(error))
            (place or st).error(for_markdown(text.FAILED.format(reason=error)), icon=":material/cloud_off:")
        except Exception:
            log.exception("panel raised an unexpected error", panel=key)
            (place or st).error(text.BROKEN, icon=":material/error:")

    body()


def _fetched(query: Query) -> CachedResult:
    """The result of a query, which the page's watch replaces once a newer one is there."""
    watch = live.of_page()
    watch.show(query, None)
    result = tiers.fetch(query)
    if result.origin is Origin.STALE and result.problem is None:
        result = replace(result, problem=watch.problems.get(query.name))
    watch.show(query, result)
    return result


def _nothing(result: CachedResult, empty: str) -> str:
    """What a result without rows means. A stale one does not tell that there is nothing now."""
    return text.EMPTY_BEFORE.format(result.as_of) if result.origin is Origin.STALE else empty


@dataclass(frozen=True)
class _DrawingKey:
    """Everything that a drawing depends on. The result's time stands for its rows, which are not compared."""

    query: str
    as_of: datetime
    draw: Draw
    inputs: tuple[Hashable, ...]
    key: str
    table: pa.Table = field(compare=False)


@functools.lru_cache(maxsize=_DRAWINGS)
def _drawn(drawing_key: _DrawingKey) -> tuple[Drawing, pd.DataFrame | None]:
    """The drawing, ready to be shown, and the rows of the download; no rows where the result has none."""
    frame = drawing_key.table.to_pandas()
    if frame.empty:
        return "", None
    drawing = drawing_key.draw(marked(frame), *drawing_key.inputs)
    if isinstance(drawing, Chart):
        # Streamlit passes each figure to Plotly three times, in copies: the revision tells Plotly that the data are the
        # same. Another figure is another chart to Streamlit, so that the revision need not change.
        drawing.figure.update_layout(height=drawing.height, uirevision=drawing_key.key, datarevision=1)
        make_room(drawing.figure)
        rows = frame if drawing.rows is None else unmarked(drawing.rows)
        return replace(drawing, figure=plain(drawing.figure)), rows
    if isinstance(drawing, Grid):
        drawing = replace(drawing, rows=unmarked(drawing.rows))
        return drawing, drawing.rows if drawing.file is None else unmarked(drawing.file)
    return drawing, frame
