"""How Streamlit shows the drawing of a panel, and the line below it: freshness, source, download."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.panels import text
from dashboard.panels.drawings import Chart, Drawing, Grid, Number
from dashboard.panels.tiers import Tier
from dashboard.plain_text import for_label, for_markdown, plain_words
from skytier.cache import CachedResult

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
        st.plotly_chart(drawing.figure, key=f"chart-{key}", config=_MODE_BAR, alt=plain_words(drawing.says))
        st.caption(for_markdown(drawing.says))
    elif isinstance(drawing, Grid):
        _show_table(drawing, key)
    else:
        _show_numbers(drawing)


def _show_table(grid: Grid, key: str) -> None:
    names = {name: st.column_config.Column(text.column(name)) for name in grid.rows.columns}
    st.dataframe(
        grid.rows,
        hide_index=True,
        height="content" if grid.is_full_height else "auto",
        placeholder=text.NO_VALUE,
        column_config=names | grid.config,
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
                for_label(number.change or number.note or "") or None,
                delta_color=number.more_is if number.change else "off",
                delta_arrow="auto" if number.change else "off",
                chart_data=sparkline(number.trend) or None,
                chart_type="area",
                help=for_markdown(number.help) if number.help else None,
            )


def sparkline(trend: Sequence[float]) -> list[float]:
    """The points of a sparkline: means of neighbours where there are more than it has room for.

    A browser takes long to draw a year of days.
    """
    if len(trend) <= _SPARKLINE_POINTS:
        return list(trend)
    values = pd.Series(trend, dtype=float)
    return values.groupby(np.arange(len(values)) * _SPARKLINE_POINTS // len(values)).mean().tolist()


def show_footer(result: CachedResult, rows: pd.DataFrame | None, tier: Tier, key: str) -> None:
    """Show freshness and source of a result, and the download of its rows."""
    if result.problem:
        st.warning(for_markdown(text.STALE.format(reason=result.problem)), icon=":material/history:")
    footer = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute")
    footer.caption(text.source(result, tier))
    if rows is not None and not rows.empty:
        footer.download_button(
            text.DOWNLOAD,
            data=lambda: csv(rows),  # built when somebody downloads it
            file_name=f"skytier-{key}.csv",
            mime="text/csv",
            key=f"download-{key}",
            on_click="ignore",
            type="tertiary",
            icon=":material/download:",
            help=text.DOWNLOAD_HELP,
        )


def csv(rows: pd.DataFrame) -> bytes:
    """The rows as a CSV file. Text that a spreadsheet would run as a formula starts with an apostrophe.

    Events and rejected records contain text of unknown origin
    (https://owasp.org/www-community/attacks/CSV_Injection).
    """
    texts = rows.select_dtypes(["object", "string"])
    escaped = texts.map(lambda cell: f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell)
    return rows.assign(**escaped).rename(columns=text.column).to_csv(index=False).encode()
