"""Operations & Monitoring: storage by tier, and the archives."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dashboard.app_pages.operations import text
from dashboard.panels import formats
from dashboard.panels.drawings import Chart, Grid
from dashboard.panels.formats import pattern
from dashboard.panels.text import column

_BAR_HEIGHT, _LEAST_HEIGHT = 34, 260
_WITHOUT_EVENTS = ("planned", "exported", "verified", "failed", "merged", "expired")


def storage(parts: pd.DataFrame) -> Chart:
    """A bar for each part of the hot tier and each top-level folder of HDFS."""
    shown = parts[parts["kind"] != "table"].sort_values(["tier", "size_mb"])
    shown = shown.assign(label=shown["name"].map(text.STORAGE_PARTS).fillna(shown["name"]))
    figure = go.Figure()
    for number, (tier, label) in enumerate((("hot", text.HOT_TIER), ("cold", text.COLD_TIER))):
        of_tier = shown[shown["tier"] == tier]
        figure.add_trace(
            go.Bar(
                y=of_tier["label"],
                x=of_tier["size_mb"],
                name=label,
                orientation="h",
                marker={"pattern": pattern(number)},
                text=[formats.size(size) for size in of_tier["size_mb"]],
                textposition="outside",
                cliponaxis=False,
                hoverinfo="y+text+name",
            )
        )
    figure.update_layout(
        xaxis={"title": text.SIZE_AXIS, "range": [0, shown["size_mb"].max() * 1.2]},
        yaxis={"categoryorder": "array", "categoryarray": shown["label"].tolist()},
        legend=formats.LEGEND,
    )
    return Chart(figure, _storage_says(shown), height=360, headline=_hot_headline(shown[shown["tier"] == "hot"]))


def _hot_headline(hot: pd.DataFrame) -> str:
    if hot.empty:
        return ""
    return text.HOT_HEADLINE.format(share=formats.share(hot["size_mb"].sum() / hot["limit_mb"].iloc[0]))


def _storage_says(parts: pd.DataFrame) -> str:
    hot, cold = parts[parts["tier"] == "hot"], parts[parts["tier"] == "cold"]
    said = []
    if hot.empty:
        said.append(text.HOT_NOT_KNOWN)
    else:
        size, limit = hot["size_mb"].sum(), hot["limit_mb"].iloc[0]
        of_limit = {"share": formats.share(size / limit), "limit": formats.size(limit)}
        said.append(text.HOT_SAYS.format(hot=formats.size(size), **of_limit))
    if cold.empty:
        said.append(text.COLD_NOT_KNOWN)
    else:
        largest = str(cold["name"].iloc[int(cold["size_mb"].argmax())])
        cold_size = formats.size(cold["size_mb"].sum())
        said.append(text.COLD_SAYS.format(cold=cold_size, largest=text.STORAGE_PARTS.get(largest, largest).lower()))
    return " ".join(said)


def tables(parts: pd.DataFrame) -> Grid | str:
    """The tables on HDFS with size and share, largest first."""
    found = parts[parts["kind"] == "table"].sort_values("size_mb", ascending=False)
    if found.empty:
        return text.COLD_NOT_KNOWN
    share_pct = 100 * found["size_mb"] / found["size_mb"].sum()
    rows = pd.DataFrame({"table": found["name"], "size_mb": found["size_mb"], "share_pct": share_pct})
    return Grid(rows, formats.grid(rows))


def timeline(steps: pd.DataFrame) -> Chart:
    """A bar for each archive, the newest on top, stacked by its steps."""
    ordered = _labelled(steps.sort_values(["archive_id", "until"]))
    figure = go.Figure()
    for number, (step, name) in enumerate(text.ARCHIVE_STEPS.items()):
        taken = ordered[(ordered["step"] == step) & (ordered["step"] != "planned")]
        if not taken.empty:
            figure.add_trace(
                go.Bar(
                    y=taken["label"],
                    x=taken["step_seconds"],
                    name=name,
                    orientation="h",
                    marker={"pattern": pattern(number)},
                    text=[_step_hover(name, *row) for row in _facts(taken)],
                    textposition="none",
                    hoverinfo="text",
                )
            )
    labels = ordered["label"].drop_duplicates().tolist()
    figure.update_layout(
        barmode="stack",
        xaxis_title=text.TIMELINE_AXIS,
        yaxis={"type": "category", "categoryorder": "array", "categoryarray": labels},
        legend=formats.LEGEND,
    )
    height = max(_LEAST_HEIGHT, 120 + _BAR_HEIGHT * len(labels))
    newest = ordered.iloc[-1]
    state = text.ARCHIVE_STATES.get(newest["archive_state"], newest["archive_state"])
    headline = text.TIMELINE_HEADLINE.format(state=state, size=formats.size(newest["size_mb"]))
    return Chart(figure, _timeline_says(ordered), height=height, headline=headline)


def _labelled(steps: pd.DataFrame) -> pd.DataFrame:
    """With the label of each archive: when it was planned, and its state."""
    planned = steps.groupby("archive_id")["since"].transform("min").dt.strftime("%m-%d %H:%M:%S")
    state = steps["archive_state"].map(text.ARCHIVE_STATES).fillna(steps["archive_state"])
    return steps.assign(label=planned + " · " + state)


def _facts(steps: pd.DataFrame) -> Iterator[tuple[str, float, datetime, int, float]]:
    columns = ["archive_id", "step_seconds", "until", "documents", "size_mb"]
    return steps[columns].itertuples(index=False, name=None)


def _step_hover(step: str, archive: str, seconds: float, until: datetime, documents: int, size_mb: float) -> str:
    return text.ARCHIVE_HOVER.format(
        archive=archive,
        step=step,
        seconds=formats.seconds(seconds),
        until=until,
        events=formats.count(documents),
        size=formats.size(size_mb),
    )


def _timeline_says(steps: pd.DataFrame) -> str:
    archives = steps.groupby("archive_id").agg(
        state=("archive_state", "first"),
        documents=("documents", "first"),
        size_mb=("size_mb", "first"),
        planned=("since", "min"),
        seconds=("step_seconds", "sum"),
    )
    states = archives["state"].map(text.ARCHIVE_STATES).fillna(archives["state"]).value_counts()
    newest, holding = archives.iloc[-1], archives[~archives["state"].isin(_WITHOUT_EVENTS)]
    return text.TIMELINE_SAYS.format(
        archives=formats.count(len(archives)),
        events=formats.count(holding["documents"].sum()),
        size=formats.size(holding["size_mb"].sum()),
        states=", ".join(f"{count} {state}" for state, count in states.items()),
        planned=newest["planned"],
        took=formats.seconds(newest["seconds"]),
    )


def audit(rows: pd.DataFrame) -> Grid:
    return Grid(rows, formats.grid(rows) | {"details": st.column_config.TextColumn(column("details"))})
