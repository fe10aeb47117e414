"""A panel: a query, a function that draws its result, and what all panels share: states, freshness, download.

Panels run in parallel and refresh by themselves. An error stays within its panel. A result is drawn once for all
viewers.
"""

from __future__ import annotations

import functools
import itertools
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from datetime import datetime

import pandas as pd
import pyarrow as pa
import streamlit as st

from dashboard.panels import text, tiers
from dashboard.panels.drawings import CHART_HEIGHT, Chart, Draw, Drawing, Grid, Inputs
from dashboard.panels.margins import make_room
from dashboard.panels.plain import plain
from dashboard.panels.rendering import show, show_footer
from dashboard.panels.tiers import Tier
from dashboard.panels.views import is_new, refresh_seconds
from dashboard.plain_text import for_markdown, marked, unmarked
from skytier import logs
from skytier.cache import Query
from skytier.errors import SkytierError

_DRAWINGS = 256  # cached: of all pages, with the filters of several viewers
_REFRESH_WAIT_BUDGET_SECONDS = 20.0

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
    another one for each viewer. It gets the rows of the result, then the ``inputs``. These and ``query`` are called at
    each refresh, so that they can depend on the panel's own ``controls``, which are shown above the content. ``key`` is
    unique on the page: it keeps the state of the panel's controls over refreshes. ``empty`` explains a result without
    rows. ``height`` (in pixels) is that of the content, so that little moves when it arrives.
    """
    skeleton_height = height if is_new(key) else None
    with st.container(border=True, key=f"panel-{key}", height="stretch"):  # as high as its neighbour
        _refreshing(title, query, draw, inputs, tier, key, controls, empty, skeleton_height)


def _refreshing(
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
    runs = itertools.count()

    @st.fragment(run_every=refresh_seconds(), parallel=True)
    def body() -> None:
        st.markdown(f"##### {title}")
        if controls is not None:
            controls()
        # A refresh may wait, because the viewer sees the content of before. Opening a page may not.
        is_refresh = next(runs) > 0
        wait_budget_seconds = _REFRESH_WAIT_BUDGET_SECONDS if is_refresh else None
        place = None
        if skeleton_height and not is_refresh:
            place = st.empty()
            place.skeleton(height=skeleton_height)
        try:
            current = query()
            result = tiers.fetch(current, wait_budget_seconds)
            with _draw_lock:
                drawing, rows = _drawn(_DrawingKey(current.name, result.as_of, draw, inputs(), key, result.table))
                with place.container() if place else st.container():
                    show(empty if rows is None else drawing, key)
                    show_footer(result, rows, tier, key)
        except SkytierError as error:
            log.warning("panel failed", panel=key, reason=str(error))
            (place or st).error(for_markdown(text.FAILED.format(reason=error)), icon=":material/cloud_off:")
        except Exception:
            log.exception("panel raised an unexpected error", panel=key)
            (place or st).error(text.BROKEN, icon=":material/error:")

    body()


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
        return drawing, drawing.rows
    return drawing, frame
