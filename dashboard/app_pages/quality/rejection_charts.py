"""Data Quality & Metadata: rejected records by reason, and the newest of them."""

from __future__ import annotations

import json

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dashboard.app_pages.quality import text
from dashboard.panels import formats, rejections
from dashboard.panels.drawings import Chart, Grid
from dashboard.panels.text import column

_SHOWN_REASONS = 15


def reasons(found: pd.DataFrame) -> Chart:
    """Rejected records by reason, the most frequent on top."""
    named = found.assign(reason=found["reason"].map(rejections.reason))
    shown = named.head(_SHOWN_REASONS)
    bars = go.Bar(
        x=shown["records"],
        y=shown["reason"],
        orientation="h",
        text=shown["records"].map(formats.count),
        textposition="outside",
        cliponaxis=False,
        hovertemplate=text.RECORDS_HOVER,
    )
    figure = go.Figure(bars)
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(title_text=text.RECORDS_AXIS, rangemode="tozero")
    figure.update_layout(margin={"r": 40})
    most = named.iloc[0]
    says = text.REASONS_SAYS.format(
        records=formats.count(named["records"].sum()),
        reasons=formats.count(len(named)),
        most=most["reason"],
        number=formats.count(most["records"]),
    )
    if len(named) > len(shown):
        says += text.REASONS_REST.format(shown=len(shown))
    headline = text.REASONS_HEADLINE.format(most=most["reason"], number=formats.count(most["records"]))
    return Chart(figure, says, height=24 * len(shown) + 90, rows=named, headline=headline)


def samples(records: pd.DataFrame) -> Grid:
    """The newest rejected records. Streamlit shows each cell as plain text."""
    rows = records.assign(reasons=records["reasons"].map(_reasons))
    config = formats.grid(rows) | {
        "reasons": st.column_config.TextColumn(column("reasons"), width="medium"),
        "raw": st.column_config.TextColumn(column("raw"), width="large"),
        "characters": st.column_config.NumberColumn(column("characters"), format="localized"),
        "batch_id": st.column_config.NumberColumn(column("batch_id"), format="%d"),
        "kafka_offset": st.column_config.NumberColumn(column("kafka_offset"), format="%d"),
    }
    return Grid(rows, config)


def _reasons(array: str) -> str:
    return "; ".join(rejections.reason(code) for code in json.loads(array))
