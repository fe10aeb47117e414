"""How Streamlit shows the drawing of a panel, and what its header has: age, source, download."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.panels import formats, text
from dashboard.panels.drawings import Chart, Drawing, Grid, Number
from dashboard.panels.states import COLOURS, state_column
from dashboard.panels.tiers import Tier
from dashboard.plain_text import for_label, for_markdown, plain_words
from skytier.cache import CachedResult

OLD_SECONDS = 120.0
"""From this age on a result is marked"""
_SPARKLINE_POINTS = 48
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_MODE_BAR = {
    "displaylogo": False,
    "modeBarButtonsToRemove": ["lasso2d", "select2d", "autoScale2d"],
    "topojsonURL": "app/static/topojson/",
}


def show(drawing: Drawing, key: str) -> None:
    """Show a drawing in the current container."""
    if isinstance(drawing, str):
        st.info(for_markdown(drawing), icon=":material/inbox:")
    elif isinstance(drawing, Chart):
        if drawing.headline:
            st.markdown(f"**{for_markdown(drawing.headline)}**")
        st.plotly_chart(drawing.figure, key=f"chart-{key}", config=_MODE_BAR, alt=plain_words(drawing.says))
        st.caption(for_markdown(drawing.says))
    elif isinstance(drawing, Grid):
        _show_table(drawing, key)
    else:
        _show_numbers(drawing)


def _show_table(grid: Grid, key: str) -> None:
    names = {name: st.column_config.Column(text.column(name)) for name in grid.rows.columns}
    states = {name: state_column(name, grid.rows[name]) for name in grid.states}
    st.dataframe(
        grid.rows.assign(**{name: labels for name, (labels, _) in states.items()}),
        hide_index=True,
        height="content" if grid.is_full_height else "auto",
        placeholder=text.NO_VALUE,
        column_config=names | grid.config | {name: config for name, (_, config) in states.items()},
        key=f"grid-{key}",
    )
    if grid.says:
        st.caption(for_markdown(grid.says))


def _show_numbers(numbers: Sequence[Number]) -> None:
    for column, number in zip(st.columns(len(numbers)), numbers, strict=True):
        with column:
            st.metric(
                for_label(number.label),
                for_label(number.value),
                for_label(number.change or _note(number)) or None,
                delta_color=number.more_is if number.change else COLOURS[number.state] if number.state else "off",
                delta_arrow="auto" if number.change else "off",
                chart_data=sparkline(number.trend) or None,
                chart_type="area",
                help=for_markdown(number.help) if number.help else None,
            )


def _note(number: Number) -> str:
    note = number.note or ""
    return number.state.called(note) if number.state else note


def sparkline(trend: Sequence[float]) -> list[float]:
    """The points of a sparkline: means of neighbours where there are more than it has room for.

    A browser takes long to draw a year of days.
    """
    if len(trend) <= _SPARKLINE_POINTS:
        return list(trend)
    values = pd.Series(trend, dtype=float)
    return values.groupby(np.arange(len(values)) * _SPARKLINE_POINTS // len(values)).mean().tolist()


def show_menu(
    header: DeltaGenerator,
    result: CachedResult,
    drawing: Drawing,
    rows: pd.DataFrame | None,
    tier: Tier,
    key: str,
) -> None:
    """Show the age of a result, and a menu with its source, the download of its rows, a link and full screen."""
    if result.problem:
        st.warning(for_markdown(text.STALE.format(reason=result.problem)), icon=":material/history:")
    header.html(age_html(result.as_of, datetime.now(UTC)), width="content")
    menu = header.popover(":material/more_horiz:", type="tertiary", help=text.MENU, width="content", key=f"menu-{key}")
    menu.caption(text.source(result, tier))
    if rows is not None and not rows.empty:
        menu.download_button(
            text.DOWNLOAD,
            data=lambda: csv(rows),  # built when somebody downloads it
            file_name=f"skytier-{key}.csv",
            mime="text/csv",
            key=f"download-{key}",
            on_click="ignore",
            icon=":material/download:",
        )
    menu.html(actions_html(key, has_full_screen=rows is not None and isinstance(drawing, Chart | Grid)))


def actions_html(key: str, *, has_full_screen: bool) -> str:
    """The buttons of a panel's menu that ``static/page.js`` acts on: numbers have no full screen."""
    buttons = [f'<button type="button" data-link="{key}" data-done="{text.LINK_DONE}">{text.LINK}</button>']
    if has_full_screen:
        buttons.append(f'<button type="button" data-full="{key}">{text.FULL_SCREEN}</button>')
    return f'<div class="skytier-actions">{"".join(buttons)}</div>'


def age_html(as_of: datetime, now: datetime, limit_seconds: float = OLD_SECONDS) -> str:
    """The time since then, which ``static/page.js`` counts up; amber, with a mark, beyond the limit."""
    seconds = (now - as_of).total_seconds()
    is_old = seconds > limit_seconds
    words = text.OLD.format(formats.age(seconds)) if is_old else formats.age(seconds)
    return (
        f'<time class="skytier-age{" skytier-old" if is_old else ""}" datetime="{as_of.isoformat()}" '
        f'data-seconds="{seconds:.1f}" data-limit="{limit_seconds:g}">{words}</time>'
    )


def csv(rows: pd.DataFrame) -> bytes:
    """The rows as a CSV file. Text that a spreadsheet would run as a formula starts with an apostrophe.

    Events and rejected records contain text of unknown origin
    (https://owasp.org/www-community/attacks/CSV_Injection).
    """
    texts = rows.select_dtypes(["object", "string"])
    escaped = texts.map(lambda cell: f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell)
    return rows.assign(**escaped).rename(columns=text.column).to_csv(index=False).encode()
