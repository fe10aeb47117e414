"""Data Quality & Metadata: the row counts of each batch, and whether they match."""

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


def by_batch(batches: pd.DataFrame, logarithmic: bool) -> Chart:
    """The row counts of each batch, oldest first: a row of bars for each count, because they differ in magnitude."""
    ordered = batches.sort_values("batch_id")
    figure = make_subplots(rows=len(text.COUNTS), shared_xaxes=True, vertical_spacing=0.06)
    for place, (name, label) in enumerate(text.COUNTS.items(), start=1):
        bars = go.Bar(
            x=ordered["committed_at"].dt.strftime("%Y-%m-%d %H:%M:%S"),
            y=ordered[name],
            name=label,
            hovertemplate=text.BATCH_HOVER,
        )
        figure.add_trace(bars, row=place, col=1)
        figure.update_yaxes(title_text=label, row=place, col=1)
        if logarithmic:
            _logarithmic(figure, ordered[name].max(), place)
    figure.update_yaxes(rangemode="tozero", nticks=4, tickformat="~s")
    ticks = sorted({0, len(ordered) // 2, len(ordered) - 1})
    times = ordered["committed_at"].dt.strftime("%H:%M<br>%Y-%m-%d").to_list()
    figure.update_xaxes(type="category", tickvals=ticks, ticktext=[times[tick] for tick in ticks], tickangle=0)
    figure.update_xaxes(title_text=text.BATCH_AXIS, row=len(text.COUNTS), col=1)
    figure.update_layout(showlegend=False, bargap=0.15)
    mismatches = int((~ordered["counts_match"]).sum())
    reconciliation = text.NOT_RECONCILED.format(formats.count(mismatches)) if mismatches else text.RECONCILED
    sums = {name: formats.count(ordered[name].sum()) for name in text.COUNTS}
    says = text.BATCHES_SAYS.format(batches=formats.count(len(ordered)), reconciliation=reconciliation, **sums)
    return Chart(figure, says, height=480, headline=reconciliation.rstrip("."))


def _logarithmic(figure: go.Figure, most: float, place: int) -> None:
    """A logarithmic axis. It starts below 1, so that a count of one has a bar, and ends at a power of ten."""
    decades = max(1, math.ceil(math.log10(max(most, 1))))
    figure.update_yaxes(type="log", range=[-0.3, decades], dtick=1 if decades <= _MANY_DECADES else 2, row=place, col=1)


def batch_metadata(batches: pd.DataFrame) -> Grid:
    """The metadata of each batch."""
    config = formats.grid(batches) | {
        "batch_id": st.column_config.NumberColumn(column("batch_id"), format="%d"),
        **{name: st.column_config.NumberColumn(label, format="localized") for name, label in text.COUNTS.items()},
    }
    rows = batches.assign(counts_match=batches["counts_match"].map(text.COUNTS_MATCH))
    return Grid(rows, config, file=batches, states=("counts_match",))
