"""Prediction & Insights: the accuracy metrics overall, by day and by airline."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dashboard.app_pages.predictions import text
from dashboard.app_pages.predictions.accuracy import overall
from dashboard.app_pages.predictions.queries import ANOMALY_TIMES, PERCENTAGE_FROM_MINUTES
from dashboard.panels import formats
from dashboard.panels.drawings import Chart, Grid, Number
from dashboard.panels.model_terms import STAGE_NAMES
from dashboard.panels.states import limited
from dashboard.panels.text import NO_VALUE, column
from skytier import reference

_FEW = 50
_OFF_TARGET_POINTS = 5.0
"""From this distance to its target on the interval coverage is marked"""
_BLUE = "#0072B2"
GREY = "rgba(128, 128, 128, 0.9)"
_HEIGHT, _BAR_HEIGHT = 440, 24


def written(value: Any, name: str) -> str:
    """A metric of ``accuracy`` with its unit."""
    if pd.isna(value):
        return NO_VALUE
    if not name.endswith("_minutes"):
        return formats.percent(value)
    return formats.minutes(value) if name == "mean_error_minutes" else f"{value:,.1f} min"


def errors(rows: pd.DataFrame) -> list[Number]:
    """The error metrics over all days. ``rows``: ``accuracy`` by day, as in ``intervals`` and ``over_time``."""
    test_mae = overall(rows, "test_mae_minutes")
    known, rated = (overall(rows, name) for name in ("known_pct", "percentage_flights_pct"))
    return [
        Number(
            text.EVALUATED,
            formats.count(rows["predictions"].sum()),
            note=text.KNOWN.format(formats.percent(known)),
            help=text.EVALUATED_HELP,
        ),
        _number(
            text.MAE,
            rows,
            "mean_absolute_error_minutes",
            text.MAE_HELP,
            None if pd.isna(test_mae) else text.TEST_DAYS_NOTE.format(test_mae),
        ),
        _number(text.RMSE, rows, "root_mean_squared_error_minutes", text.RMSE_HELP, text.RMSE_NOTE),
        _number(
            text.BIAS,
            rows,
            "mean_error_minutes",
            text.BIAS_HELP,
            text.BIAS_NOTES[overall(rows, "mean_error_minutes") > 0],
        ),
        _number(
            text.MAPE,
            rows,
            "percentage_error_pct",
            text.MAPE_HELP.format(PERCENTAGE_FROM_MINUTES),
            text.MAPE_ON.format(formats.percent(rated)),
        ),
    ]


def intervals(rows: pd.DataFrame) -> list[Number]:
    stated = written(overall(rows, "confidence_pct"), "confidence_pct")
    anomalies = round((rows["anomalies_pct"] * rows["predictions"]).sum() / 100)
    return [
        replace(
            _number(text.IN_INTERVAL, rows, "in_interval_pct", text.IN_INTERVAL_HELP, text.TARGET),
            state=limited(abs(overall(rows, "in_interval_pct") - text.TARGET_PCT), _OFF_TARGET_POINTS, math.inf),
        ),
        _number(text.WIDTH, rows, "mean_interval_minutes", text.WIDTH_HELP, text.WIDTH_NOTE),
        _number(text.ACCURATE, rows, "accurate_pct", text.ACCURATE_HELP, text.STATED_SHARE.format(stated)),
        _number(text.STATED, rows, "confidence_pct", text.STATED_HELP, text.STATED_NOTE),
        _number(
            text.ANOMALIES,
            rows,
            "anomalies_pct",
            text.ANOMALIES_HELP.format(ANOMALY_TIMES),
            text.ANOMALIES_NOTE.format(formats.count(anomalies)),
        ),
    ]


def _number(label: str, rows: pd.DataFrame, name: str, meaning: str, note: str | None = None) -> Number:
    value = written(overall(rows, name), name)
    return Number(label, value, note=note, help=meaning)


def over_time(rows: pd.DataFrame, name: str) -> Chart:
    """A metric by day, with its target or its value on the test days."""
    days = rows.sort_values("flight_date")
    known, few = days["known_pct"] > 50, days["predictions"] < _FEW
    marked = known | few | (len(days) <= formats.MARKED_DAYS)
    figure = go.Figure(
        go.Scatter(
            x=days["flight_date"],
            y=days[name],
            mode="lines",
            line={"color": _BLUE},
            name=text.MEASURED,
            text=value_hover(days, "flight_date", name),
            hoverinfo="text",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=days["flight_date"][marked],
            y=days[name][marked],
            mode="markers",
            marker={
                "color": _BLUE,
                "size": [5 if is_few else 9 for is_few in few[marked]],
                "symbol": ["circle-open" if is_known else "circle" for is_known in known[marked]],
            },
            hoverinfo="skip",
            showlegend=False,
        )
    )
    if (reference := _reference(days, name)) is not None:
        figure.add_trace(
            go.Scatter(
                x=days["flight_date"],
                y=[reference] * len(days),
                mode="lines",
                name=f"{text.REFERENCE[name]}: {written(reference, name)}",
                line={"dash": "dash", "color": GREY},
                hoverinfo="skip",
            )
        )
    kind = "date" if len(days) > 1 else "category"  # a time axis with a single date has ticks at fractions of a second
    figure.update_layout(
        xaxis={"title": text.DAY, "type": kind}, yaxis_title=axis(name), legend=formats.LEGEND, showlegend=True
    )
    says = _over_time_says(days if few.all() else days[~few], overall(days, name), name) + rests_on(days, name)
    says += (text.SMALL.format(_FEW) if few.any() else "") + (text.HOLLOW if known.any() else "")
    newest = days.iloc[-1]
    said = text.OVER_TIME_HEADLINE.format(
        mean=written(overall(days, name), name), last=written(newest[name], name), day=newest["flight_date"]
    )
    return Chart(figure, says, height=_HEIGHT, headline=said)


def value_hover(rows: pd.DataFrame, key: str, name: str) -> list[str]:
    """A metric of each row in words: what it is of, its value, and the number of predictions."""
    facts = zip(rows[key], rows[name], rows["predictions"], strict=True)
    return [
        text.VALUE_HOVER.format(name=label, value=written(value, name), count=int(count))
        for label, value, count in facts
    ]


def _reference(rows: pd.DataFrame, name: str) -> float | None:
    if name == "in_interval_pct":
        return text.TARGET_PCT
    test_mae = overall(rows, "test_mae_minutes")
    return test_mae if name == "mean_absolute_error_minutes" and pd.notna(test_mae) else None


def _over_time_says(days: pd.DataFrame, mean: float, name: str) -> str:
    newest = days.iloc[-1]
    return text.OVER_TIME_SAYS.format(
        measure=text.MEASURES[name],
        last=written(newest[name], name),
        day=newest["flight_date"],
        mean=written(mean, name),
        low=written(days[name].min(), name),
        high=written(days[name].max(), name),
    )


def axis(name: str) -> str:
    """The title of the axis of a metric."""
    return f"{text.MEASURES[name]}, {text.UNITS[name.rsplit('_', 1)[1]]}"


def rests_on(rows: pd.DataFrame, name: str) -> str:
    """The note on the MAPE; empty for other metrics."""
    if name != "percentage_error_pct":
        return ""
    return text.PERCENTAGE_SAYS.format(share=formats.percent(overall(rows, "percentage_flights_pct")))


def by_airline(rows: pd.DataFrame, name: str) -> Chart:
    """A metric by airline, the maximum on top."""
    names = {airline.iata: airline.name for airline in reference.airlines()}
    ordered = rows[rows[name].notna()].sort_values(name)
    titles = [names.get(code, code) for code in ordered["airline"]]
    figure = go.Figure(
        go.Bar(
            x=ordered[name],
            y=ordered["airline"],
            orientation="h",
            text=[written(value, name) for value in ordered[name]],
            textposition="auto",
            hovertext=value_hover(ordered.assign(title=titles), "title", name),
            hoverinfo="text",
        )
    )
    figure.update_layout(xaxis_title=axis(name), yaxis={"type": "category"})
    says = headline = ""
    if titles:
        low, high = ordered.iloc[0], ordered.iloc[-1]
        says = text.BY_AIRLINE_SAYS.format(
            measure=text.MEASURES[name],
            low_name=titles[0],
            low=written(low[name], name),
            high_name=titles[-1],
            high=written(high[name], name),
        )
        headline = text.BY_AIRLINE_HEADLINE.format(high_name=titles[-1], high=written(high[name], name))
    height = max(_HEIGHT, 80 + _BAR_HEIGHT * len(ordered))
    return Chart(figure, says + rests_on(rows, name), height, headline=headline)


def versions(rows: pd.DataFrame) -> Grid:
    """The metrics by stage and version."""
    shown = rows.drop(columns=["mean_actual_minutes"]).assign(stage=rows["stage"].map(STAGE_NAMES))
    shown = shown.sort_values(["model_version", "stage"], ascending=False)
    config = formats.grid(shown)
    config["predictions"] = st.column_config.NumberColumn(column("predictions"), format="localized")
    return Grid(shown, config, is_full_height=True)
