"""Data Quality & Metadata: scores, flags and missing values of the stored events."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from plotly.subplots import make_subplots

from dashboard.app_pages.quality import text
from dashboard.panels import formats, rejections
from dashboard.panels.drawings import Chart, Grid, Number
from dashboard.panels.text import EVENT_TYPES, column
from events.flight import CONTRACT

# From good (green) to bad (red), all dark enough for white text, and light enough to be visible in the dark theme.
_MISSING_SCALE = [[0.0, "#2F6B4F"], [0.02, "#6E6A1E"], [0.2, "#9A5B00"], [1.0, "#A3261E"]]
_MISSING, _FLAG = "missing_", "flag_"
_FEW_POINTS = 60
_ALL, _NEVER_PCT = "all", 100.0


def stored(events: pd.DataFrame) -> list[Number]:
    """The quality of the stored events that match the filters."""
    total = int(events["events"].sum())
    clean = total - int(events["flagged"].sum())
    return [
        Number(
            text.MEAN_QUALITY,
            formats.score(events["quality_sum"].sum() / total),
            note=text.OF_EVENTS.format(formats.count(total)),
            help=text.MEAN_QUALITY_HELP,
        ),
        Number(text.WITHOUT_FLAGS, formats.share(clean / total), note=text.EVENTS_NOTE.format(formats.count(clean))),
    ]


def records(versions: pd.DataFrame) -> list[Number]:
    """The outcome of all records that the minute job consumed."""
    sums = versions[["batches", "consumed", "stored", "duplicates", "rejected"]].sum()
    note = text.CONSUMED_NOTE.format(formats.count(sums["stored"]))
    shares = sums / sums["consumed"] if sums["consumed"] else sums * 0
    return [
        Number(
            text.CONSUMED,
            formats.count(sums["consumed"]),
            note=note,
            help=text.CONSUMED_HELP.format(formats.count(sums["batches"])),
        ),
        Number(
            text.DUPLICATES,
            formats.count(sums["duplicates"]),
            note=text.SHARE_NOTE.format(formats.share(shares["duplicates"])),
            help=text.DUPLICATES_HELP,
        ),
        Number(
            text.REJECTED,
            formats.count(sums["rejected"]),
            note=text.SHARE_NOTE.format(formats.share(shares["rejected"])),
            help=text.REJECTED_HELP,
        ),
    ]


def by_day(events: pd.DataFrame) -> pd.DataFrame:
    """``flight_date``, ``events``, ``mean_quality`` (0 to 1) and ``flagged_pct``, oldest first."""
    sums = events.groupby("flight_date")[["events", "flagged", "quality_sum"]].sum().reset_index()
    return pd.DataFrame(
        {
            "flight_date": sums["flight_date"],
            "events": sums["events"],
            "mean_quality": sums["quality_sum"] / sums["events"],
            "flagged_pct": 100 * sums["flagged"] / sums["events"],
        }
    )


def scores(events: pd.DataFrame) -> Chart:
    """Mean quality and share of flagged events by flight date."""
    days = by_day(events)
    figure = make_subplots(rows=2, shared_xaxes=True, vertical_spacing=0.09, row_heights=[0.6, 0.4])
    mode = "lines+markers" if len(days) <= _FEW_POINTS else "lines"
    marks = (
        ("mean_quality", text.SCORE_NAME, "circle", formats.score),
        ("flagged_pct", text.FLAGGED_NAME, "square", formats.percent),
    )
    for place, (name, label, symbol, said) in enumerate(marks, start=1):
        line = go.Scatter(
            x=days["flight_date"],
            y=days[name],
            name=label,
            mode=mode,
            marker={"symbol": symbol},
            customdata=[said(value) for value in days[name]],
            hovertemplate=f"%{{x|{formats.DAY}}}: %{{customdata}}<extra>{label}</extra>",
        )
        figure.add_trace(line, row=place, col=1)
    figure.update_yaxes(title_text=text.SCORE_AXIS, row=1, col=1)
    figure.update_yaxes(title_text=text.FLAGGED_AXIS, rangemode="tozero", row=2, col=1)
    figure.update_xaxes(title_text=text.DAY_AXIS, row=2, col=1)
    figure.update_layout(showlegend=False)
    worst = days.iloc[int(days["mean_quality"].argmin())]
    says = text.SCORES_SAYS.format(
        days=formats.count(len(days)),
        mean=formats.score(events["quality_sum"].sum() / events["events"].sum()),
        low=formats.score(worst["mean_quality"]),
        day=worst["flight_date"],
        flagged=formats.share(events["flagged"].sum() / events["events"].sum()),
    )
    headline = text.SCORES_HEADLINE.format(
        mean=formats.score(events["quality_sum"].sum() / events["events"].sum()),
        low=formats.score(worst["mean_quality"]),
        day=worst["flight_date"],
    )
    return Chart(figure, says, height=400, rows=days, headline=headline)


def flags(events: pd.DataFrame) -> Grid:
    """Every quality flag with its meaning and weight, the most frequent first."""
    total = events["events"].sum()
    found = [(flag, events[f"{_FLAG}{name}"].sum()) for name, flag in text.FLAGS.items()]
    rows = pd.DataFrame(
        {
            "flag": [flag.meaning for flag, _ in found],
            "events": [number for _, number in found],
            "share_pct": [100 * number / total for _, number in found],
            "weight": [flag.weight for flag, _ in found],
        }
    ).sort_values("events", ascending=False, kind="stable")
    first = rows.iloc[0]
    says = text.FLAGS_SAYS if first["events"] else text.NO_FLAGS
    says = says.format(flag=first["flag"], share=formats.share(first["share_pct"] / 100), events=formats.count(total))
    config = formats.grid(rows) | {
        "flag": st.column_config.TextColumn(column("flag"), width=235),
        "events": st.column_config.NumberColumn(column("events"), format="localized"),
        "share_pct": st.column_config.ProgressColumn(
            column("share_pct"), format="%.1f", width=110, min_value=0, max_value=max(first["share_pct"], 1.0)
        ),
    }
    return Grid(rows, config, says=says)


def missing_by_field(events: pd.DataFrame) -> pd.DataFrame:
    """``field``, ``event_type`` (``all`` for the sum), ``events``, ``missing`` (without it), ``missing_pct``."""
    names = [name for name in events.columns if name.startswith(_MISSING)]
    sums = events.groupby("event_type")[["events", *names]].sum()
    sums.loc[_ALL] = sums.sum()
    rows = sums.reset_index().melt(["event_type", "events"], names, "field", "missing")
    rows["field"] = rows["field"].str.removeprefix(_MISSING)
    rows["missing_pct"] = 100 * rows["missing"] / rows["events"]
    return rows[["field", "event_type", "events", "missing", "missing_pct"]]


def missing(events: pd.DataFrame) -> Chart:
    """The share of events without a value, by field and event type."""
    rows = missing_by_field(events)
    kinds = [kind for kind in (*EVENT_TYPES, _ALL) if kind in set(rows["event_type"])]
    fields = list(dict.fromkeys(rows["field"]))
    table = rows.pivot_table("missing_pct", "field", "event_type", sort=False).loc[fields, kinds]
    heat = go.Heatmap(
        x=[text.ALL_EVENTS if kind == _ALL else EVENT_TYPES[kind] for kind in kinds],
        y=[rejections.field(field) for field in fields],
        z=_without_absent(table),
        text=table.map(formats.percent),
        texttemplate="%{text}",
        textfont={"color": "white"},
        colorscale=_MISSING_SCALE,
        zmin=0,
        zmax=100,
        xgap=2,
        ygap=2,
        colorbar={"title": text.MISSING_BAR, "thickness": 12},
        hovertemplate=text.MISSING_HOVER,
    )
    figure = go.Figure(heat)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(side="top", showgrid=False)
    overall = rows[rows["event_type"] == _ALL]
    most = overall.iloc[int(overall["missing_pct"].argmax())]
    says = text.MISSING_SAYS.format(
        field=rejections.field(most["field"]),
        share=formats.share(most["missing_pct"] / 100),
        events=formats.count(most["events"]),
        required=sum(not field.nullable for field in CONTRACT.fields()),
    )
    named = rows.assign(
        field=rows["field"].map(rejections.field),
        event_type=rows["event_type"].map(EVENT_TYPES | {_ALL: text.ALL_EVENTS}),
    )
    share = formats.percent(most["missing_pct"])
    headline = (
        text.MISSING_HEADLINE.format(field=rejections.field(most["field"]), share=share) if most["missing"] else ""
    )
    return Chart(figure, says, height=26 * len(fields) + 60, rows=named, headline=headline)


def _without_absent(table: pd.DataFrame) -> pd.DataFrame:
    """Without the fields that an event type never has: what is not known before the flight has landed is not bad."""
    return table.where((table < _NEVER_PCT) | (table.columns == _ALL))
