"""Metrics of a day are of that day's flights only; a warning is of the newest complete day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from models.delay import features, training_data
from models.delay.drift_metrics import EVENT_COLUMNS, DriftMetric, is_complete, metrics, warnings
from models.delay.drift_reference import ERRORS, LARGEST_OF_A_DAY, feature_bins
from models.stability_index import stability_index

pytestmark = pytest.mark.plain

DAYS = [date(2013, 3, 5), date(2013, 3, 6)]
BEGINNING = datetime(2013, 3, 3, tzinfo=UTC)
VERSION = "v1"
PREDICTED = 10.0
WATCHED = ("departure_delay_all_1h", "month", "airline")
CARD: dict[str, Any] = {
    "version": VERSION,
    "stages": {
        stage: {"features": list(features.FEATURES), "importance": dict.fromkeys(WATCHED, 0.1)}
        for stage in features.STAGES.values()
    },
    "metrics": {stage: {"mae": 20.0, "coverage": 0.9} for stage in features.STAGES.values()},
}
ERROR_BINS = {"cuts": [0.0], "shares": [0.5, 0.5, 0.0, 0.0]}
SHIFTED = DriftMetric(DAYS[1], features.BEFORE, "feature", "airline", 0.26, None, 900)
NOON_AFTER = datetime(2013, 3, 7, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def events() -> pd.DataFrame:
    """Four real days, every flight predicted to be ``PREDICTED`` minutes late, from 0 to 20."""
    known = training_data.from_package(date(2013, 3, 3), DAYS[1]).events
    is_arrived = known["event_type"] == "arrived"
    error = (known["arrival_delay_minutes"] - PREDICTED).where(is_arrived)
    return known.assign(
        model_version=VERSION,
        predicted_delay_lower_minutes=np.where(features.is_predicted_on(known), 0.0, np.nan),
        predicted_delay_upper_minutes=np.where(features.is_predicted_on(known), 20.0, np.nan),
        error_before_departure_minutes=error,
        error_after_departure_minutes=error,
    )[list(EVENT_COLUMNS)]


@pytest.fixture(scope="module")
def reference(events: pd.DataFrame) -> dict[str, Any]:
    """As of a training on the flights of the first of the days, by stage."""
    targets = events[features.is_predicted_on(events) & events["flight_id"].str.startswith("2013-03-05")]
    frame, stages = features.build(targets, events), targets["event_type"].map(features.STAGES)
    found = {stage: feature_bins(frame[stages == stage]) for stage in features.STAGES.values()}
    return {stage: _with_largest(of, 0.0) | {ERRORS: ERROR_BINS} for stage, of in found.items()}


def _with_largest(bins: dict[str, Any], largest: float) -> dict[str, Any]:
    return {name: bins[name] | {LARGEST_OF_A_DAY: largest} for name in features.FEATURES}


def _found(events: pd.DataFrame, reference: dict[str, Any], first: date = DAYS[0]) -> list[DriftMetric]:
    return metrics(events, CARD, reference, first, BEGINNING)


def _value(found: list[DriftMetric], day: date, stage: str, name: str) -> DriftMetric:
    (metric,) = [metric for metric in found if (metric.flight_date, metric.stage, metric.name) == (day, stage, name)]
    return metric


def test_the_day_of_the_reference_has_not_drifted_and_the_next_has(
    events: pd.DataFrame, reference: dict[str, Any]
) -> None:
    found = [metric for metric in _found(events, reference) if metric.measure == "feature"]
    assert len(found) == len(DAYS) * len(features.STAGES) * len(features.FEATURES)
    assert {metric.value for metric in found if metric.flight_date == DAYS[0]} == {0.0}
    day_of_week = _value(found, DAYS[1], features.BEFORE, "day_of_week")
    assert day_of_week.value > 5
    assert day_of_week.flights == events["event_id"].str.match("2013-03-06.*:scheduled").sum()
    assert day_of_week.reference == 0.0


@pytest.mark.parametrize("stage", features.STAGES.values())
def test_errors_are_the_days_own(events: pd.DataFrame, reference: dict[str, Any], stage: str) -> None:
    found = _found(events, reference)
    arrived = events[(events["event_type"] == "arrived") & events["flight_id"].str.startswith("2013-03-06")]
    delays = arrived["arrival_delay_minutes"].dropna()
    error = _value(found, DAYS[1], stage, "mean_absolute_error_minutes")
    assert error.value == pytest.approx((delays - PREDICTED).abs().mean())
    share = _value(found, DAYS[1], stage, "in_interval_pct")
    assert share.value == pytest.approx(100 * ((delays >= 0) & (delays <= 20)).mean())
    assert (error.reference, share.reference) == (20.0, 90.0)
    assert error.flights == share.flights == len(delays)


def test_errors_of_another_version_are_not_the_champions(events: pd.DataFrame, reference: dict[str, Any]) -> None:
    found = _found(events.assign(model_version="v0"), reference)
    assert {metric.measure for metric in found} == {"feature"}


def test_the_distribution_of_errors_is_compared(events: pd.DataFrame, reference: dict[str, Any]) -> None:
    found = _found(events, reference)
    errors = events.loc[events["event_id"].str.match("2013-03-06.*:arrived"), "error_before_departure_minutes"]
    metric = _value(found, DAYS[1], features.BEFORE, "error_distribution")
    assert metric.value == pytest.approx(stability_index(errors.dropna(), ERROR_BINS))
    assert metric.reference is None


def test_a_day_with_few_flights_is_left_out(events: pd.DataFrame, reference: dict[str, Any]) -> None:
    is_late = events["event_id"].str.startswith("2013-03-06") & features.is_predicted_on(events)
    fewer = events.drop(events[is_late].index[99:])
    assert {metric.flight_date for metric in _found(fewer, reference)} == {DAYS[0]}


def test_a_day_whose_time_before_is_not_known_is_left_out(events: pd.DataFrame, reference: dict[str, Any]) -> None:
    """The flights of 3 and 4 March look back on what is not in the hot tier."""
    found = _found(events, reference, first=date(2013, 3, 3))
    assert sorted({metric.flight_date for metric in found}) == DAYS
    assert found == _found(events, reference)


def test_no_events_have_no_metrics(events: pd.DataFrame, reference: dict[str, Any]) -> None:
    assert _found(events[:0], reference) == []
    assert warnings([], CARD, NOON_AFTER) == {}


def test_a_day_is_complete_at_noon_of_the_next() -> None:
    assert is_complete(DAYS[1], NOON_AFTER)
    assert not is_complete(DAYS[1], datetime(2013, 3, 7, 11, 59, tzinfo=UTC))


def test_a_shift_of_an_important_feature_is_a_warning() -> None:
    found = warnings([SHIFTED], CARD, NOON_AFTER)
    assert found == {
        "before_departure:airline": "before_departure on 2013-03-06: airline has shifted from the training of v1: "
        "its stability index is 0.26, above 0.25. See 'skytier models drift'."
    }


@pytest.mark.parametrize(
    "metric",
    [
        replace(SHIFTED, value=0.25),
        replace(SHIFTED, name="month"),
        replace(SHIFTED, name="aircraft_seats"),
        replace(SHIFTED, reference=0.3),
        replace(SHIFTED, measure="error", name="mean_absolute_error_minutes", value=30.0, reference=20.0),
        replace(SHIFTED, measure="error", name="in_interval_pct", value=10.0, reference=90.0),
    ],
)
def test_what_is_no_warning(metric: DriftMetric) -> None:
    assert warnings([metric], CARD, NOON_AFTER) == {}


def test_a_large_error_is_a_warning() -> None:
    error = replace(SHIFTED, measure="error", name="mean_absolute_error_minutes", value=30.1, reference=20.0)
    assert warnings([error], CARD, NOON_AFTER) == {
        "before_departure:mean_absolute_error_minutes": "before_departure on 2013-03-06: the mean absolute error of "
        "v1 is 30.1 min, more than 1.5 times the 20.0 min of its test days. See 'skytier models drift'."
    }


def test_only_the_newest_complete_day_warns() -> None:
    earlier, of_today = replace(SHIFTED, flight_date=DAYS[0]), replace(SHIFTED, flight_date=date(2013, 3, 7))
    assert warnings([earlier, replace(SHIFTED, value=0.1), of_today], CARD, NOON_AFTER) == {}
    assert len(warnings([earlier, SHIFTED], CARD, NOON_AFTER)) == 1


def test_a_feature_is_compared_with_the_days_of_the_training(events: pd.DataFrame, reference: dict[str, Any]) -> None:
    known = {stage: of | _with_largest(of, 50.0) for stage, of in reference.items()}
    found = [metric for metric in _found(events, known) if metric.measure == "feature"]
    assert {metric.reference for metric in found} == {50.0}
    assert warnings(found, CARD, NOON_AFTER) == {}
    assert warnings(_found(events, reference), CARD, NOON_AFTER)
