"""Data Quality & Metadata: rejected records, runs, stores, archives, the event contract."""

from __future__ import annotations

import json
import math

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from plotly.subplots import make_subplots

from dashboard.charts import formats
from dashboard.panels import Chart, Grid
from dashboard.text import NO_VALUE, column
from dashboard.text import quality as text

_SHOWN_REASONS = 15
_MANY_DECADES = 3
_SHORT_HASH = 12
_MINUTES_A_DAY, _MINUTES_AN_HOUR = 1440, 60


def reasons(found: pd.DataFrame) -> Chart:
    """Rejected records by reason, the most frequent on top."""
    named = found.assign(reason=found["reason"].map(text.reason))
    shown = named.head(_SHOWN_REASONS)
    bars = go.Bar(
        x=shown["records"],
        y=shown["reason"],
        orientation="h",
        text=shown["records"].map(formats.count),
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:,}<extra></extra>",
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
    return Chart(figure, says, height=24 * len(shown) + 90, rows=named)


def samples(records: pd.DataFrame) -> Grid:
    """The newest rejected records; Streamlit shows a cell as text, whatever is in it."""
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
    return "; ".join(text.reason(code) for code in json.loads(array))


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
    unbalanced = int((~runs["is_balanced"]).sum())
    sums = {name: formats.count(runs[name].sum()) for name in text.COUNTS}
    balance = text.UNBALANCED.format(formats.count(unbalanced)) if unbalanced else text.BALANCED
    return Chart(figure, text.BATCHES_SAYS.format(runs=formats.count(len(runs)), balance=balance, **sums), height=480)


def _by_tenfold(figure: go.Figure, most: float, place: int) -> None:
    """A logarithmic axis, from a bit below 1, that a run with one record has a bar, to the power of ten above all."""
    decades = max(1, math.ceil(math.log10(max(most, 1))))
    figure.update_yaxes(type="log", range=[-0.3, decades], dtick=1 if decades <= _MANY_DECADES else 2, row=place, col=1)


def books(batches: pd.DataFrame) -> Grid:
    """Everything that the warehouse knows of a run."""
    config = formats.grid(batches) | {
        "batch_id": st.column_config.NumberColumn(column("batch_id"), format="%d"),
        "mean_quality_score": st.column_config.NumberColumn(column("mean_quality_score"), format="%.4f"),
        "file_size_mb": st.column_config.NumberColumn(column("file_size_mb"), format="%.3f"),
        **{name: st.column_config.NumberColumn(label, format="localized") for name, label in text.COUNTS.items()},
    }
    return Grid(batches, config)


def archives(found: pd.DataFrame) -> Grid:
    """The archives, with how far each is and what queries see of it."""
    rows = found.assign(
        state=found["state"].map(lambda state: text.STATES.get(state, state)),
        visible=found["visible"].map(lambda state: text.VISIBLE.get(state, state)),
        checksum=found["checksum"].str[:_SHORT_HASH],
    )
    config = {"record_count": st.column_config.NumberColumn(column("record_count"), format="localized")}
    return Grid(rows, formats.grid(rows) | config)


def freshness(stores: pd.DataFrame) -> Grid:
    """Every store that has a time of its own, in the order of ``text.STORES``."""
    known = stores.set_index("store").reindex([*text.STORE_KINDS, *_unknown(stores)])
    kinds = [text.STORE_KINDS.get(name, text.Store(name, NO_VALUE, NO_VALUE)) for name in known.index]
    rows = pd.DataFrame(
        {
            "store": [kind.name for kind in kinds],
            "kind": [kind.kind for kind in kinds],
            "newest": known["newest"].to_list(),
            "age": [age(minutes) for minutes in known["age_minutes"]],
            "records": known["records"].astype("Int64").to_list(),
            "size_mb": known["size_mb"].to_list(),
            "written": [kind.written for kind in kinds],
        }
    )
    config = formats.grid(rows) | {
        "records": st.column_config.NumberColumn(column("records"), format="localized"),
        "size_mb": st.column_config.NumberColumn(column("size_mb"), format="%.3f"),
    }
    return Grid(rows, config, is_whole=True)


def _unknown(stores: pd.DataFrame) -> list[str]:
    """Tables that are newer than this page; what is only a box of the lineage is no store."""
    return [name for name in stores["store"] if name not in {*text.STORE_KINDS, *text.NODES}]


def age(minutes: float | None) -> str:
    """A time span in the largest unit of which it has one."""
    if minutes is None or math.isnan(minutes):
        return text.NEVER
    if minutes < 1:
        return f"{max(0.0, minutes * 60):.0f} s"
    if minutes < _MINUTES_AN_HOUR:
        return f"{minutes:.0f} min"
    if minutes < _MINUTES_A_DAY:
        return f"{minutes / _MINUTES_AN_HOUR:.1f} h"
    return f"{minutes / _MINUTES_A_DAY:.1f} days"


def contract(fields: pd.DataFrame) -> Grid:
    """The fields of an event, as it goes over the wire."""
    config = {
        "meaning": st.column_config.TextColumn(column("meaning"), width="large"),
        "required": st.column_config.CheckboxColumn(column("required")),
    }
    return Grid(fields, config)


def versions(found: pd.DataFrame) -> Grid:
    """The versions of the contract that the warehouse has had, and what was stored under each."""
    rows = found.assign(fingerprint=found["fingerprint"].str[:_SHORT_HASH])
    numbers = ("runs", "consumed", "stored", "duplicates", "rejected")
    config = {name: st.column_config.NumberColumn(column(name), format="localized") for name in numbers}
    return Grid(rows, formats.grid(rows) | config)
