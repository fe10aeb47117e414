"""What charts say: headlines, and tooltips in the words and formats of the pages, not in Plotly's own."""

from __future__ import annotations

import re
from datetime import date

import pandas as pd
import plotly.graph_objects as go
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.app_pages.history import (
    cancellation_charts,
    comparison_charts,
    daily_charts,
    drill_charts,
    weekly_charts,
)
from dashboard.app_pages.history import text as history
from dashboard.app_pages.operations import job_charts, run_charts, storage_charts
from dashboard.app_pages.overview import charts as overview
from dashboard.app_pages.predictions import accuracy_charts, calibration_charts, model_charts
from dashboard.app_pages.predictions.accuracy import accuracy
from dashboard.app_pages.quality import reconciliation_charts, rejection_charts, score_charts
from dashboard.app_pages.streaming import flight_charts, interval_charts
from dashboard.app_pages.streaming import text as streaming
from dashboard.panels import formats
from dashboard.panels.drawings import Chart
from skytier.airflow_api import MINUTE
from tests.plain import test_charts_history as of_history
from tests.plain import test_charts_operations as of_operations
from tests.plain import test_charts_overview as of_overview
from tests.plain import test_charts_predictions as of_predictions
from tests.plain import test_charts_quality as of_quality
from tests.plain import test_charts_streaming as of_streaming

pytestmark = pytest.mark.plain

EARLIER = of_history.day("2013-01-06", 20, delayed=1)
WITH_EARLIER = pd.DataFrame([EARLIER, *of_history.SUMMARY.to_dict("records")])
INTERVALS = of_streaming.intervals(delayed_arrivals=[1.0, 2, 0, 3, 1, 2, 1], arrivals_with_status=[4.0] * 7)
DELAYS = of_streaming.groups(arrival_delay=[(0.0, 9, 9, 0.0, 0), (30.0, 1, 1, 30.0, 1)])
CELLS = accuracy(
    of_predictions.result(of_predictions.sums(part="cell", predicted_bin=0.0, actual_bin=10.0, predictions=40)),
    "predicted_bin",
    "actual_bin",
    part="cell",
)
CONFIDENT = of_predictions.result(of_predictions.sums(part="confidence", confidence_bin=0.75))
BY_CONFIDENCE = accuracy(CONFIDENT, "confidence_bin", part="confidence")
DAYS = accuracy(of_predictions.result(of_predictions.sums()), "flight_date", part="day")
AIRLINES = accuracy(of_predictions.result(of_predictions.sums(part="airline", airline="UA")), "airline", part="airline")
GAINS = pd.DataFrame({"stage": "after_departure", "feature": ["distance_miles"], "gain_pct": [60.0]})
REASONS = pd.DataFrame({"reason": ["malformed_json"], "records": [3], "newest": of_quality.NOW})


def charts() -> dict[str, Chart | str]:
    """Every chart with points, bars or cells that has values to tell."""
    summary, delayed = of_history.SUMMARY, history.DELAYED
    sides = (of_history.NOBODY, of_history.NOBODY)
    return {
        "ingestion": overview.ingestion(of_overview.batches(("12h", 5, 2, 1))),
        "daily": daily_charts.daily(WITH_EARLIER, delayed, date(2013, 1, 8)),
        "hourly": weekly_charts.hourly(summary, history.CANCELLED),
        "drill": drill_charts.below(summary, (), delayed),
        "heat": weekly_charts.heat(summary, delayed),
        "side by side": comparison_charts.side_by_side(of_history.BOTH, delayed, history.BY_HOUR, sides),
        "cancellations": cancellation_charts.by_date(summary, None),
        "cancelled airlines": cancellation_charts.by_airline(summary),
        "series": interval_charts.series(INTERVALS, "delayed", [180]),
        "tumbling": interval_charts.windows(INTERVALS, "delayed", streaming.TUMBLING, 120),
        "sliding": interval_charts.windows(INTERVALS, "delayed", streaming.SLIDING, 120),
        "trend": interval_charts.trend(INTERVALS, "delayed"),
        "histogram": flight_charts.histogram(DELAYS, "arrival_delay"),
        "over time": accuracy_charts.over_time(DAYS, "in_interval_pct"),
        "by airline": accuracy_charts.by_airline(AIRLINES, "mean_error_minutes"),
        "actual": calibration_charts.actual(CELLS),
        "distribution": calibration_charts.distribution(CELLS),
        "calibration": calibration_charts.calibration(BY_CONFIDENCE),
        "by confidence": calibration_charts.by_confidence(BY_CONFIDENCE),
        "coverage": calibration_charts.coverage(CELLS),
        "importance": model_charts.importance(GAINS, "after_departure"),
        "scores": score_charts.scores(of_quality.TWO_DAYS),
        "missing": score_charts.missing(of_quality.TWO_DAYS),
        "reasons": rejection_charts.reasons(REASONS),
        "batches": reconciliation_charts.by_batch(of_quality.runs({}), logarithmic=False),
        "durations": job_charts.durations(of_operations.runs(MINUTE, "success", "failed")),
        "runs": run_charts.grid(of_operations.runs(MINUTE, "success", "failed")),
        "jobs": job_charts.jobs(of_operations.batches({"prepare": 1.0})),
        "storage": storage_charts.storage(of_operations.parts(*of_operations.HOT)),
    }


CHARTS = charts()


def in_our_words(trace: go.Figure) -> bool:
    """Whether the tooltip of a trace is text or counts with a unit; a raw value has Plotly's format and no unit."""
    if trace.hoverinfo == "skip":
        return True
    if template := trace.hovertemplate:
        value = "z" if trace.type == "heatmap" else "x" if getattr(trace, "orientation", None) == "h" else "y"
        return not re.search(rf"%\{{{value}(:\.\d+f)?\}}", template)
    return trace.hoverinfo in ("text", "y+text+name") and (trace.hovertext is not None or trace.text is not None)


@pytest.mark.parametrize("name", CHARTS)
def test_tooltips_are_in_our_words(name: str) -> None:
    chart = CHARTS[name]
    assert isinstance(chart, Chart)
    assert [trace.name for trace in chart.figure.data if not in_our_words(trace)] == []


@pytest.mark.parametrize("name", CHARTS)
def test_every_legend_is_above_its_chart(name: str) -> None:
    chart = CHARTS[name]
    assert isinstance(chart, Chart)
    layout = chart.figure.layout
    named = [trace for trace in chart.figure.data if "showlegend" in trace and trace.showlegend is not False]
    if layout.showlegend or (layout.showlegend is None and len(named) > 1):
        assert {part: layout.legend[part] for part in formats.LEGEND} == formats.LEGEND


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_says_first_what_it_shows(name: str) -> None:
    chart = CHARTS[name]
    assert isinstance(chart, Chart)
    assert chart.headline
    assert not re.search(r"nan|None|[{}]", chart.headline)


HEADLINES = {
    "ingestion": "5 stored in the last hour",
    "daily": "Mon 2013-01-07 is worst: 25.0% of arrivals late",
    "heat": "Wednesday 06:00 is worst: 100% of arrivals late",
    "cancelled airlines": "UA is worst: 33.3% of flights cancelled",
    "side by side": "A 25.0%, B 25.0%: 0.0 points",
    "sliding": "Share delayed: 37.5% (newest window of 2 hours)",
    "by airline": "United Air Lines Inc. is highest: +5.0 min",
    "storage": "Hot tier at 35.0% of its limit",
}


@pytest.mark.parametrize("name", HEADLINES)
def test_headlines(name: str) -> None:
    chart = CHARTS[name]
    assert isinstance(chart, Chart)
    assert chart.headline == HEADLINES[name]


def test_a_single_bar_is_not_the_worst() -> None:
    assert weekly_charts.hourly(of_history.ONE_CANCELLED, history.CANCELLED).headline == ""


def page() -> None:
    import streamlit

    from dashboard.panels import rendering

    rendering.show(streamlit.session_state["chart"], "test")


def test_a_panel_shows_the_headline_above_its_chart() -> None:
    app = AppTest.from_function(page, default_timeout=60)
    app.session_state["chart"] = CHARTS["storage"]
    app.run()
    assert not app.exception
    assert [words.value for words in app.markdown] == [f"**{HEADLINES['storage']}**"]


def test_a_tooltip_has_the_value_as_the_page_shows_it_and_what_it_is_of() -> None:
    heat, daily, distribution = (CHARTS[name] for name in ("heat", "daily", "distribution"))
    assert isinstance(heat, Chart)
    assert isinstance(daily, Chart)
    assert isinstance(distribution, Chart)
    assert heat.figure.data[0].customdata[0][0] == "10.0% of 20 flights"
    assert daily.figure.data[0].customdata[0] == "5.0% of 20 flights"
    assert "Predicted +0 to +10 min: 100% of flights" in distribution.figure.data[0].hovertext
