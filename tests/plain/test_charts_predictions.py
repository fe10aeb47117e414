"""Prediction & Insights: from sums to figures, and from figures to charts."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dashboard.app_pages.predictions import accuracy_charts as charts
from dashboard.app_pages.predictions import calibration_charts as calibration
from dashboard.app_pages.predictions import model_charts as model
from dashboard.app_pages.predictions import text
from dashboard.app_pages.predictions.accuracy import accuracy, draw_accuracy, overall
from dashboard.panels.drawings import Chart, Grid, Number
from dashboard.panels.model_terms import ERROR_DISTRIBUTION, STAGE_NAMES, feature_name
from models.delay import features

pytestmark = pytest.mark.plain

DAYS = (date(2013, 1, 1), date(2013, 1, 2))


def sums(**changes: Any) -> dict[str, Any]:
    """Two predictions: one 10 min off with an actual delay of 40, one 0 min off with one of 0."""
    return {
        "part": "day",
        "is_in_training": True,
        "flight_date": DAYS[0],
        "airline": None,
        "predicted_bin": np.nan,
        "actual_bin": np.nan,
        "confidence_bin": np.nan,
        "predictions": 2,
        "absolute_error_sum": 10.0,
        "squared_error_sum": 100.0,
        "error_sum": 10.0,
        "percentage_predictions": 1,
        "percentage_error_sum": 0.25,
        "in_interval": 1,
        "interval_sum": 60.0,
        "accurate": 2,
        "confidence_sum": 1.5,
        "anomalies": 0,
        "actual_sum": 40.0,
        "with_test_mae": 2,
        "test_mae_sum": 22.0,
    } | changes


def result(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(list(rows))


def test_accuracy_is_what_the_sums_say() -> None:
    (row,) = accuracy(result(sums()), "flight_date", part="day").to_dict("records")
    assert row == pytest.approx(
        {
            "flight_date": DAYS[0],
            "predictions": 2,
            "mean_absolute_error_minutes": 5.0,
            "root_mean_squared_error_minutes": 50**0.5,
            "mean_error_minutes": 5.0,
            "percentage_error_pct": 25.0,
            "percentage_flights_pct": 50.0,
            "in_interval_pct": 50.0,
            "mean_interval_minutes": 30.0,
            "accurate_pct": 100.0,
            "confidence_pct": 75.0,
            "anomalies_pct": 0.0,
            "known_pct": 100.0,
            "mean_actual_minutes": 20.0,
            "test_mae_minutes": 11.0,
        }
    )


def test_flights_of_the_training_can_be_left_out_and_what_is_not_known_stays() -> None:
    rows = result(sums(), sums(is_in_training=False, predictions=3), sums(is_in_training=None, predictions=4))
    assert accuracy(rows, part="day")["predictions"].tolist() == [9]
    assert accuracy(rows, part="day")["known_pct"].tolist() == pytest.approx([100 * 2 / 9])
    assert accuracy(rows, part="day", seen=False)["predictions"].tolist() == [7]
    assert accuracy(result(sums()), part="day", seen=False).empty


def test_a_percentage_error_of_flights_on_time_is_not_made_up() -> None:
    on_time = accuracy(result(sums(percentage_predictions=0, percentage_error_sum=0.0)), "flight_date", part="day")
    assert np.isnan(on_time["percentage_error_pct"].iloc[0])
    assert charts.errors(on_time)[-1].value == "-"


def test_over_all_days_each_counts_by_its_predictions() -> None:
    rows = accuracy(result(sums(), sums(flight_date=DAYS[1], predictions=6, percentage_predictions=3)), "flight_date")
    both = accuracy(result(sums(), sums(flight_date=DAYS[1], predictions=6, percentage_predictions=3)))
    for name in text.MEASURES:
        assert overall(rows, name) == pytest.approx(both[name].iloc[0]), name


def test_the_mean_absolute_error_of_an_unknown_version_on_its_test_days_is_not_known() -> None:
    rows = accuracy(result(sums(with_test_mae=0, test_mae_sum=None)), "flight_date")
    assert charts.errors(rows)[1].note is None
    assert len(charts.over_time(rows, "mean_absolute_error_minutes").figure.data) == 2


def test_numbers_carry_their_units_and_what_they_rest_on() -> None:
    rows = accuracy(result(sums()), "flight_date", part="day")
    shown = {number.label: (number.value, number.note) for number in charts.errors(rows) + charts.intervals(rows)}
    assert shown[text.EVALUATED] == ("2", "100% in training data")
    assert shown[text.MAE] == ("5.0 min", "test days 11.0 min")
    assert shown[text.MAPE] == ("25.0%", "on 50.0% of flights")
    assert shown[text.BIAS] == ("+5.0 min", text.BIAS_NOTES[True])
    assert shown[text.IN_INTERVAL] == ("50.0%", text.TARGET)
    assert shown[text.ACCURATE] == ("100%", "predicted 75.0%")
    assert shown[text.ANOMALIES] == ("0%", "0 flights")


def test_days_of_the_training_are_hollow_and_days_of_few_flights_small() -> None:
    rows = accuracy(result(sums(predictions=80), sums(flight_date=DAYS[1], is_in_training=False)), "flight_date")
    chart = charts.over_time(rows, "mean_absolute_error_minutes")
    line, points, reference = chart.figure.data
    assert list(line.x) == list(points.x) == list(DAYS)
    assert list(points.marker.symbol) == ["circle-open", "circle"]
    assert points.marker.size[0] > points.marker.size[1]
    assert set(reference.y) == {overall(rows, "test_mae_minutes")}
    assert text.HOLLOW in chart.says
    assert "Small points" in chart.says


def test_of_many_days_only_those_that_differ_have_a_point() -> None:
    days = [date(2013, 1, 1) + timedelta(days=number) for number in range(100)]
    sure = [sums(flight_date=day, predictions=80, is_in_training=False) for day in days[2:]]
    rows = result(sums(flight_date=days[0], predictions=80), sums(flight_date=days[1], is_in_training=False), *sure)
    line, points, _ = charts.over_time(accuracy(rows, "flight_date"), "mean_absolute_error_minutes").figure.data
    assert list(line.x) == days
    assert list(points.x) == days[:2]


@pytest.mark.parametrize("name", text.MEASURES)
def test_every_measure_is_drawn_of_a_single_row(name: str) -> None:
    rows = accuracy(result(sums()), "flight_date")
    assert text.MEASURES[name] in charts.over_time(rows, name).says
    airline = accuracy(result(sums(part="airline", airline="UA")), "airline", part="airline")
    assert "United" in charts.by_airline(airline, name).says


def test_airlines_are_ordered_and_one_without_the_measure_is_left_out() -> None:
    rows = result(
        *(sums(part="airline", airline=code, absolute_error_sum=total) for code, total in (("UA", 9), ("AA", 3)))
    )
    rows = pd.concat([rows, result(sums(part="airline", airline="ZZ", absolute_error_sum=np.nan))])
    chart = charts.by_airline(accuracy(rows, "airline", part="airline"), "mean_absolute_error_minutes")
    assert list(chart.figure.data[0].y) == ["AA", "UA"]


def cell(predicted: int, actual: int, flights: int) -> dict[str, Any]:
    return sums(
        part="cell",
        predicted_bin=predicted,
        actual_bin=actual,
        predictions=flights,
        actual_sum=flights * (actual + 5.0),
    )


def cells(*found: dict[str, Any]) -> pd.DataFrame:
    return accuracy(result(*found), "predicted_bin", "actual_bin", part="cell")


def test_actual_against_predicted_has_the_diagonal_and_the_mean_delay_that_followed() -> None:
    chart = calibration.actual(cells(cell(0, 0, 30), cell(0, 40, 10), cell(170, 170, 30), cell(-10, 0, 1)))
    heat, diagonal, mean = chart.figure.data
    assert list(diagonal.x) == list(diagonal.y)
    assert list(mean.x) == [5]  # not the open end, nor where there are few
    assert list(mean.y) == [(30 * 5 + 10 * 45) / 40]
    assert heat.z[list(heat.y).index(45)][list(heat.x).index(5)] == pytest.approx(1)
    assert "predicted +170 to later min, actual +170 to later min: 30 flights" in heat.text[-1]
    assert chart.says.startswith("71 flights")
    assert "85.9%" in chart.says


def test_the_distribution_is_in_shares() -> None:
    chart = calibration.distribution(cells(cell(0, 0, 6), cell(30, 0, 2), cell(0, 60, 2)))
    predicted, actual = chart.figure.data
    for trace in (predicted, actual):
        assert sum(trace.y) == pytest.approx(100)
    assert "20.0% of flights were predicted to be at least 30 minutes late, 20.0% were" in chart.says


def test_calibration_says_how_far_confidence_is_off() -> None:
    rows = result(
        sums(part="confidence", confidence_bin=0.5, predictions=10, accurate=6, confidence_sum=5.2),
        sums(part="confidence", confidence_bin=0.9, predictions=30, accurate=27, confidence_sum=28.2),
    )
    found = accuracy(rows, "confidence_bin", part="confidence")
    says = calibration.calibration(found).says
    assert "5.0 percentage points" in says  # (10 * 8 + 30 * 4) / 40
    assert "94.0%, the share is 90.0%" in says
    assert len(calibration.by_confidence(found).figure.data[0].x) == 2


def test_coverage_leaves_out_steps_of_few_predictions_unless_there_are_no_others() -> None:
    many = cell(0, 0, 40) | {"in_interval": 30}
    chart = calibration.coverage(accuracy(result(many, cell(20, 0, 3)), "predicted_bin", part="cell"))
    assert list(chart.figure.data[0].y) == [75.0]
    assert "75.0% for predictions of +0 to +10 min" in chart.says
    assert (
        len(calibration.coverage(accuracy(result(cell(20, 0, 3)), "predicted_bin", part="cell")).figure.data[0].x) == 1
    )


def test_versions_are_told_by_stage() -> None:
    rows = result(*(sums(stage=stage, model_version="v1") for stage in STAGE_NAMES))
    grid = charts.versions(accuracy(rows, "stage", "model_version"))
    assert set(grid.rows["stage"]) == set(STAGE_NAMES.values())


def test_the_download_of_a_chart_has_its_own_rows_and_none_is_explained() -> None:
    both = result(sums(), sums(part="airline", airline="UA"))
    chart = draw_accuracy(both, charts.over_time, ["flight_date"], "day", None, True, "accurate_pct")
    assert isinstance(chart, Chart)
    assert chart.rows is not None
    assert chart.rows["flight_date"].tolist() == [DAYS[0]]
    assert draw_accuracy(result(sums()), charts.versions, ["flight_date"], part="day", seen=False) == text.ALL_KNOWN
    assert draw_accuracy(result(sums()), charts.versions, ["flight_date"], part="none") == text.EMPTY
    numbers = draw_accuracy(result(sums()), charts.errors, ["flight_date"])
    assert isinstance(numbers, list)
    assert all(isinstance(number, Number) for number in numbers)


def test_anomalies_are_marked() -> None:
    rows = pd.DataFrame(
        {
            "flight_id": ["a", "b"],
            "times_margin": [3.0, 2.9],
            "is_in_training": [None, True],
            "error_minutes": [50.0, 9.0],
        }
    )
    grid = model.largest(rows)
    assert isinstance(grid, Grid)
    assert grid.rows["is_anomaly"].tolist() == [True, False]
    assert grid.rows["is_in_training"].tolist() == [pd.NA, True]


def test_importance_names_features_as_people_do() -> None:
    names = ["departure_delay_origin_30min", *features.FEATURES[:20]]
    rows = pd.DataFrame({"feature": names, "gain_pct": [60.0] + [2.0] * 20, "stage": "before_departure"})
    chart = model.importance(pd.concat([rows, rows.assign(stage="after_departure", gain_pct=1.0)]), "before_departure")
    most = "departure delays from the origin, 30 min has the highest importance (60.0% of the gain)"
    assert f"{most}; the top five have 68.0%" in chart.says
    assert len(chart.figure.data[0].y) == 15


def test_every_feature_has_a_name_of_its_own() -> None:
    names = [feature_name(name) for name in features.FEATURES]
    assert len(set(names)) == len(names)
    assert not [name for name in names if "_" in name]
    assert feature_name("of_a_later_version") == "Of a later version"


def drift_row(name: str, value: float, reference: float | None = 0.5, **changes: Any) -> dict[str, Any]:
    row = {"flight_date": DAYS[0], "stage": "after_departure", "measure": "feature", "name": name}
    return row | {"value": value, "reference": reference, "flights": 800, "model_version": "v1"} | changes


def test_drift_tells_the_thresholds_from_what_the_training_knew() -> None:
    rows = pd.DataFrame(
        [
            drift_row("airline", 0.05),
            drift_row("origin", 0.2),
            drift_row("destination", 0.3),
            drift_row("distance_miles", 0.6),
            drift_row("aircraft_year", 0.9, None),
            drift_row("airline", 0.1, flight_date=DAYS[1]),
            drift_row("error_distribution", 0.04, None, measure="error"),
            drift_row("month", 9.0),
            drift_row("airline", 1.0, stage="before_departure"),
        ]
    )
    chart = model.drift(rows[rows["flight_date"] == DAYS[0]], "after_departure")
    heat = chart.figure.data[0]
    assert "3 of 5 features are above 0.25, 1 between 0.1 and 0.25" in chart.says
    assert "1 features (▲) are above every single" in chart.says
    assert "Index of the prediction errors: 0.04" in chart.says
    bands = dict(zip(heat.y, heat.z, strict=True))
    expected = {"Distance": 3, "Aircraft: year built": 2, "Destination": 2, "Origin": 1, "Airline": 0}
    assert {name: int(band[0]) for name, band in bands.items()} == {ERROR_DISTRIBUTION: 0} | expected
    assert list(heat.y)[1] == "Distance"  # beyond the training comes first, below the errors
    both = model.drift(rows, "after_departure")
    assert both.figure.data[0].text.shape == (6, 2)
    assert text.UNKNOWN in both.says


def test_the_champion_is_told_beside_its_baselines() -> None:
    row = {"model_version": "v1", "stage": "before_departure", "predictor": "model", "test_from": "2013-11-01"}
    numbers = {"test_to": "2013-12-31", "mean_absolute_error_minutes": 20.0, "r2": 0.2}
    rows = pd.DataFrame([row | numbers, row | numbers | {"stage": "after_departure", "predictor": "train_median"}])
    grid = model.test_days(rows)
    assert grid.rows["stage"].tolist() == [STAGE_NAMES["after_departure"], STAGE_NAMES["before_departure"]]
    assert grid.rows["predictor"].tolist() == ["Baseline: median of the training days", "Champion"]
    assert "2013-11-01 to 2013-12-31" in grid.says
