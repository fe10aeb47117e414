"""Data Quality & Metadata: what became of the records of each run, and whether the row counts match."""

from __future__ import annotations

import math

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from plotly.subplots import make_subplots

from dashboard.app_pages.quality import text
from dashboard.panels import formats
from dashboard.panels.drawings import Chart, Grid
from dashboard.panels.text import column

_MANY_DECADES = 3


def by_run(batches: pd.DataFrame, logarithmic: bool) -> Chart:
    """What became of the records of each run, oldest first: one row of bars a count, for they differ in size."""
    runs = batches.sort_values("batch_id")
    figure = make_subplots(rows=len(text.COUNTS), shared_xaxes=True, vertical_spacing=0.06)
    for place, (name, label) in enumerate(text.COUNTS.items(), start=1):
        bars = go.Bar(
            x=runs["committed_at"].dt.strftime("%Y-%m-%d %H:%M:%S"),
            y=runs[name],
            name=label,
            hovertemplate=f"%{{x}}: %{{y:,}}<extra>{label}</extra>",
        )
        figure.add_trace(bars, row=place, col=1)
        figure.update_yaxes(title_text=label, row=place, col=1)
        if logarithmic:
            _by_tenfold(figure, runs[name].max(), place)
    figure.update_yaxes(rangemode="tozero", nticks=4, tickformat="~s")
    ticks = sorted({0, len(runs) // 2, len(runs) - 1})
    times = runs["committed_at"].dt.strftime("%H:%M<br>%Y-%m-%d").to_list()
    figure.update_xaxes(type="category", tickvals=ticks, ticktext=[times[tick] for tick in ticks], tickangle=0)
    figure.update_xaxes(title_text=text.RUN_AXIS, row=len(text.COUNTS), col=1)
    figure.update_layout(showlegend=False, bargap=0.15)
    unbalanced = int((~runs["counts_match"]).sum())
    sums = {name: formats.count(runs[name].sum()) for name in text.COUNTS}
    balance = text.UNBALANCED.format(formats.count(unbalanced)) if unbalanced else text.BALANCED
    return Chart(figure, text.BATCHES_SAYS.format(runs=formats.count(len(runs)), balance=balance, **sums), height=480)


def _by_tenfold(figure: go.Figure, most: float, place: int) -> None:
    """A logarithmic axis, from a bit below 1, that a run with one record has a bar, to the power of ten above all."""
    decades = max(1, math.ceil(math.log10(max(most, 1))))
    figure.update_yaxes(type="log", range=[-0.3, decades], dtick=1 if decades <= _MANY_DECADES else 2, row=place, col=1)


def batch_metadata(batches: pd.DataFrame) -> Grid:
    """Everything that the warehouse knows of a run."""
    config = formats.grid(batches) | {
        "batch_id": st.column_config.NumberColumn(column("batch_id"), format="%d"),
        "mean_quality_score": st.column_config.NumberColumn(column("mean_quality_score"), format="%.4f"),
        "file_size_mb": st.column_config.NumberColumn(column("file_size_mb"), format="%.3f"),
        **{name: st.column_config.NumberColumn(label, format="localized") for name, label in text.COUNTS.items()},
    }
    return Grid(batches, config)
