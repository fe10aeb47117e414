"""Prediction & Insights: metrics and feature importance of the champion, feature drift, and largest errors."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dashboard.app_pages.predictions import text
from dashboard.app_pages.predictions.queries import ANOMALY_TIMES, STAGES
from dashboard.panels import formats
from dashboard.panels.drawings import Chart, Grid
from dashboard.panels.model_terms import STAGE_NAMES, feature_name
from dashboard.panels.text import column
from models.delay import features

STABLE_BELOW, SHIFTED_ABOVE = 0.1, 0.25
"""The usual thresholds of the population stability index (see ``models.drift``)"""
_FEATURES_SHOWN, _DRIFT_SHOWN = 15, 15
_MOVED, _SHIFTED, _BEYOND = 1, 2, 3
_COLOURS = ("#A9D8C0", "#F6DDA6", "#E8A33D", "#B5301A")  # good to bad, each with a readable text colour
_SCALE = [[(number + end) / 4, colour] for number, colour in enumerate(_COLOURS) for end in (0, 1)]


def largest(rows: pd.DataFrame) -> Grid:
    """The predictions with the largest errors, with a mark on anomalies."""
    shown = rows.assign(is_in_training=rows["is_in_training"].astype("boolean"))
    shown.insert(list(rows).index("times_margin") + 1, "is_anomaly", rows["times_margin"] >= ANOMALY_TIMES)
    config = formats.grid(shown)
    for name in ("is_anomaly", "is_in_training"):
        config[name] = st.column_config.CheckboxColumn(column(name))
    return Grid(shown, config, says=text.LARGEST_SAYS.format(ANOMALY_TIMES))


def test_days(rows: pd.DataFrame) -> Grid:
    """The metrics of the champion and the baselines on the test days."""
    ordered = rows.sort_values("stage", key=lambda stages: stages.map(STAGES.index), kind="stable")
    shown = ordered.assign(stage=ordered["stage"].map(STAGE_NAMES), predictor=ordered["predictor"].map(text.PREDICTORS))
    config = formats.grid(shown)
    first = shown.iloc[0]
    says = text.TEST_DAYS_SAYS.format(first=first["test_from"], last=first["test_to"], version=first["model_version"])
    shown = shown.drop(columns=["model_version", "test_from", "test_to"])
    return Grid(shown, config, says=says)


def importance(rows: pd.DataFrame, stage: str) -> Chart:
    """The feature importance of a stage."""
    ordered = rows[rows["stage"] == stage].sort_values("gain_pct", ascending=False)
    shown = ordered.head(_FEATURES_SHOWN).iloc[::-1]
    figure = go.Figure(
        go.Bar(
            x=shown["gain_pct"],
            y=[feature_name(name) for name in shown["feature"]],
            orientation="h",
            text=[formats.percent(share) for share in shown["gain_pct"]],
            hovertext=[
                text.GAIN_HOVER.format(name=feature_name(name), share=formats.percent(share))
                for name, share in zip(shown["feature"], shown["gain_pct"], strict=True)
            ],
            hoverinfo="text",
        )
    )
    figure.update_layout(xaxis_title=text.GAIN)
    says = text.IMPORTANCE_SAYS.format(
        count=len(ordered),
        first=feature_name(ordered.iloc[0]["feature"]).lower(),
        share=formats.percent(ordered.iloc[0]["gain_pct"]),
        five=formats.percent(ordered["gain_pct"].head(5).sum()),
    )
    first, share = feature_name(ordered.iloc[0]["feature"]), formats.percent(ordered.iloc[0]["gain_pct"])
    headline = text.IMPORTANCE_HEADLINE.format(first=first, share=share)
    return Chart(figure, says, height=470, headline=headline)


def drift(rows: pd.DataFrame, stage: str) -> Chart:
    """The population stability index by feature and day of one stage, without calendar features, in bands."""
    rows = rows[(rows["stage"] == stage) & ~rows["name"].isin(features.CALENDAR)]
    newest = rows[rows["flight_date"] == rows["flight_date"].max()]
    of_features = newest[newest["measure"] == "feature"]
    order = [*rows.loc[rows["measure"] == "error", "name"].unique(), *_top_features(rows)]
    cells = rows.assign(
        band=[_band(*row) for row in rows[["value", "reference"]].itertuples(index=False)],
        said=[_cell(*row) for row in rows[["value", "reference"]].itertuples(index=False)],
        hover=[_hover(row) for row in rows.to_dict("records")],
    )
    bands, said, hover = (
        cells.pivot(index="name", columns="flight_date", values=shown).reindex(order)
        for shown in ("band", "said", "hover")
    )
    figure = go.Figure(
        go.Heatmap(
            x=[str(day) for day in bands.columns],
            y=[feature_name(name) for name in order],
            z=bands,
            zmin=0,
            zmax=3,
            colorscale=_SCALE,
            colorbar={
                "title": text.STABILITY,
                "thickness": 12,
                "tickvals": [3 / 8, 9 / 8, 15 / 8, 21 / 8],
                "ticktext": text.BANDS,
            },
            text=said.fillna(""),
            texttemplate="%{text}",
            hovertext=hover.fillna(""),
            hoverinfo="text",
            xgap=2,
            ygap=2,
        )
    )
    figure.update_layout(
        xaxis={"title": text.DAY, "type": "category"},
        yaxis={"autorange": "reversed"},
    )
    height = 90 + 26 * (len(order) + 1)
    return Chart(figure, _drift_says(newest, of_features), height, headline=_drift_headline(of_features))


def _drift_headline(of_features: pd.DataFrame) -> str:
    if of_features.empty:
        return ""
    shifted = int((of_features["value"] > SHIFTED_ABOVE).sum())
    return text.DRIFT_HEADLINE.format(shifted=shifted, all=len(of_features), day=of_features["flight_date"].iloc[0])


def _top_features(rows: pd.DataFrame) -> list[str]:
    """The features to show: those above every training day first, then by mean index."""
    of_features = rows[rows["measure"] == "feature"]
    is_beyond = [_band(*row) == _BEYOND for row in of_features[["value", "reference"]].itertuples(index=False)]
    found = of_features.assign(is_beyond=is_beyond).groupby("name").agg({"is_beyond": "max", "value": "mean"})
    ordered = found.sort_values(["is_beyond", "value"], ascending=False)
    return [str(name) for name in ordered.head(_DRIFT_SHOWN).index]


def _band(value: float, usual: float) -> int:
    """0 stable, 1 moderate, 2 significant, 3 significant and above every single training day, if known."""
    if value > SHIFTED_ABOVE:
        return _BEYOND if value > usual else _SHIFTED
    return 0 if value < STABLE_BELOW else _MOVED


def _cell(value: float, usual: float) -> str:
    return f"{value:.2f}{' ' + text.BEYOND if _band(value, usual) == _BEYOND else ''}"


def _hover(row: dict[Any, Any]) -> str:
    usual = "" if pd.isna(row["reference"]) else text.DRIFT_REFERENCE.format(row["reference"])
    return text.DRIFT_HOVER.format(
        name=feature_name(row["name"]),
        day=row["flight_date"],
        value=row["value"],
        reference=usual,
        flights=row["flights"],
    )


def _drift_says(newest: pd.DataFrame, of_features: pd.DataFrame) -> str:
    errors = newest.loc[newest["measure"] == "error", "value"]
    bands = [_band(*row) for row in of_features[["value", "reference"]].itertuples(index=False)]
    return text.DRIFT_SAYS.format(
        day=newest["flight_date"].iloc[0],
        shifted=bands.count(_SHIFTED) + bands.count(_BEYOND),
        all=len(of_features),
        moved=bands.count(_MOVED),
        beyond=bands.count(_BEYOND),
        mark=text.BEYOND,
        errors=f"{errors.iloc[0]:.2f}" if len(errors) else text.UNKNOWN,
        shown=min(len(of_features), _DRIFT_SHOWN),
    )
