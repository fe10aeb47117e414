"""Prediction & Insights."""

from collections.abc import Hashable
from typing import Any

import streamlit as st

from dashboard.app_pages.predictions import accuracy_charts, calibration_charts, model_charts, queries, text
from dashboard.app_pages.predictions.accuracy import draw_accuracy
from dashboard.panels.drawings import CHART_HEIGHT, NUMBERS_HEIGHT, Draw
from dashboard.panels.model_terms import STAGE_NAMES
from dashboard.panels.panel import panel
from dashboard.panels.tiers import Tier
from dashboard.panels.views import views

OVER_TIME, BY_AIRLINE, ORDER = "predictions-measure", "predictions-airline-measure", "predictions-order"
KEPT: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}
filters, state = st.session_state["filters"], st.session_state


def choice(label: str, names: dict[Any, str], key: str, meaning: str | None = None) -> Any:
    options, name = list(names), names.__getitem__
    default: Any = options[0]
    return st.segmented_control(
        label, options, required=True, default=default, format_func=name, help=meaning, key=key, **KEPT
    )


def measure(key: str) -> None:
    st.selectbox(text.MEASURE, list(text.MEASURES), format_func=text.MEASURES.__getitem__, key=key, **KEPT)


def accuracy_panel(
    title: str, draw: Draw, part: str, *by: str, key: str, measured: str | None = None, height: int = CHART_HEIGHT
) -> None:
    def given() -> tuple[Hashable, ...]:
        return (draw, by, part, stage, seen, *([state[measured]] if measured else []))

    panel(
        title,
        lambda: queries.evaluated(filters),
        draw_accuracy,
        inputs=given,
        tier=Tier.COLD,
        key=key,
        controls=(lambda: measure(measured)) if measured else None,
        empty=text.EMPTY,
        height=height,
    )


def accuracy() -> None:
    left, right = st.columns([3, 2])
    with left:
        accuracy_panel(
            text.OVER_TIME, accuracy_charts.over_time, "day", "flight_date", key="over-time", measured=OVER_TIME
        )
    with right:
        accuracy_panel(
            text.BY_AIRLINE, accuracy_charts.by_airline, "airline", "airline", key="by-airline", measured=BY_AIRLINE
        )
    panel(
        text.VERSIONS,
        lambda: queries.evaluated(filters),
        draw_accuracy,
        inputs=lambda: (accuracy_charts.versions, ("stage", "model_version"), "version", None, seen),
        tier=Tier.COLD,
        key="versions",
        empty=text.EMPTY,
    )


def delays() -> None:
    left, right = st.columns(2)
    with left:
        accuracy_panel(text.ACTUAL, calibration_charts.actual, "cell", "predicted_bin", "actual_bin", key="actual")
    with right:
        accuracy_panel(
            text.DISTRIBUTION,
            calibration_charts.distribution,
            "cell",
            "predicted_bin",
            "actual_bin",
            key="distribution",
        )
    left, right = st.columns(2)
    with left:
        accuracy_panel(
            text.CALIBRATION, calibration_charts.calibration, "confidence", "confidence_bin", key="calibration"
        )
    with right:
        accuracy_panel(
            text.BY_CONFIDENCE, calibration_charts.by_confidence, "confidence", "confidence_bin", key="by-confidence"
        )
    accuracy_panel(text.COVERAGE, calibration_charts.coverage, "cell", "predicted_bin", key="coverage")


def outliers() -> None:
    panel(
        text.LARGEST,
        lambda: queries.largest(filters, stage, by_margin=state[ORDER], seen=seen),
        model_charts.largest,
        tier=Tier.COLD,
        key="largest",
        controls=lambda: choice(text.ORDER, text.ORDERS, ORDER),
        empty=text.EMPTY if seen else text.ALL_KNOWN,
    )


def champion() -> None:
    panel(
        text.TEST_DAYS,
        queries.test_days,
        model_charts.test_days,
        tier=Tier.MODELS,
        key="test-days",
        empty=text.NO_CHAMPION,
    )
    panel(
        text.IMPORTANCE,
        queries.importance,
        model_charts.importance,
        inputs=lambda: (stage,),
        tier=Tier.MODELS,
        key="importance",
        empty=text.NO_CHAMPION,
    )
    panel(
        text.DRIFT,
        lambda: queries.drift(filters),
        model_charts.drift,
        inputs=lambda: (stage,),
        tier=Tier.COLD,
        key="drift",
        empty=text.NO_DRIFT,
    )


st.caption(text.INTRODUCTION)
left, right = st.columns(2)
with left:
    stage = choice(text.STAGE, STAGE_NAMES, "predictions-stage")
with right:
    seen = choice(text.FLIGHTS, text.SEEN, "predictions-flights", text.SEEN_HELP)
accuracy_panel(text.ERRORS, accuracy_charts.errors, "day", "flight_date", key="errors", height=NUMBERS_HEIGHT)
accuracy_panel(text.INTERVALS, accuracy_charts.intervals, "day", "flight_date", key="intervals", height=NUMBERS_HEIGHT)
views(
    "predictions-view",
    {text.ACCURACY: accuracy, text.DELAYS: delays, text.OUTLIERS: outliers, text.MODEL: champion},
)
