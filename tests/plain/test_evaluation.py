"""The metrics of a model, on numbers small enough to compute by hand."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.delay import evaluation
from models.delay.delay_model import PREDICTION_COLUMNS
from models.delay.evaluation import Floats

pytestmark = pytest.mark.plain

minutes = st.integers(-60, 240).map(float)


def _floats(*values: float) -> Floats:
    return np.array(values, dtype=np.float64)


def test_errors_of_four_flights() -> None:
    made = evaluation.errors(_floats(0, 10, 20, 30), _floats(4, 10, 18, 24))
    assert made == pytest.approx({"mae": 3, "rmse": math.sqrt(14), "r2": 1 - 56 / 500, "bias": -1})


def test_a_perfect_prediction_has_no_error() -> None:
    actual = _floats(-5, 0, 60)
    assert evaluation.errors(actual, actual) == {"mae": 0, "rmse": 0, "r2": 1, "bias": 0}


def test_the_mean_of_the_flights_explains_nothing() -> None:
    actual = _floats(-5, 0, 65)
    assert evaluation.errors(actual, np.full(3, actual.mean()))["r2"] == pytest.approx(0)


def test_flights_that_are_all_alike_have_no_r2() -> None:
    made = evaluation.errors(_floats(5, 5), _floats(4, 8))
    assert math.isnan(made["r2"])
    assert (made["mae"], made["bias"]) == (2, 1)


def _constant(plus_minus: float, best: float) -> dict[str, float]:
    return {"plus_minus_interval_minutes": plus_minus, "constant_interval_minutes": best}


def test_intervals_of_four_flights() -> None:
    actual, point = _floats(0, 10, 20, 100), _floats(1, 9, 25, 40)
    made = evaluation.intervals(actual, point - 5, point + 5, point)
    assert made == {"coverage": 0.75, "mean_interval_minutes": 10, **_constant(10, 6)}


def test_the_ends_of_an_interval_are_inside() -> None:
    made = evaluation.intervals(_floats(5, 15, 16), _floats(5, 5, 5), _floats(15, 15, 15), _floats(10, 10, 10))
    assert made["coverage"] == pytest.approx(2 / 3)


def test_intervals_that_hold_nothing_compare_with_no_width() -> None:
    made = evaluation.intervals(_floats(50, 60), _floats(0, 0), _floats(4, 2), _floats(1, 1))
    assert made == {"coverage": 0, "mean_interval_minutes": 3, **_constant(98, 0)}


def _narrowest(residuals: Floats, least: int) -> float:
    """The width of the narrowest interval with ``least`` residuals, by trying all that begin and end at one."""
    ends = [*combinations(sorted(residuals), 2), *((value, value) for value in residuals)]
    widths = [high - low for low, high in ends if ((residuals >= low) & (residuals <= high)).sum() >= least]
    return float(min(widths))


@given(st.lists(st.tuples(minutes, minutes, st.booleans()), min_size=1, max_size=14))
def test_the_constant_interval_is_the_narrowest_of_the_same_coverage(flights: list[tuple[float, float, bool]]) -> None:
    actual, point = (np.array([flight[i] for flight in flights]) for i in range(2))
    is_inside = np.array([flight[2] for flight in flights])
    lower = np.where(is_inside, actual - 3, actual + 1)
    made = evaluation.intervals(actual, lower, lower + 7, point)
    count = int(is_inside.sum())
    assert made["coverage"] == pytest.approx(count / len(flights))
    assert made["mean_interval_minutes"] == pytest.approx(7)
    assert made["constant_interval_minutes"] == _narrowest(actual - point, max(count, 1))


def test_the_constant_interval_covers_no_flight_more_than_the_others() -> None:
    actual = np.arange(25.0)
    lower = np.where(actual < 7, actual - 1, actual + 1)
    made = evaluation.intervals(actual, lower, lower + 2, np.zeros(25))
    assert made["coverage"] == 0.28
    assert made["constant_interval_minutes"] == 6


def test_the_confidence_table_has_ten_bins_of_equal_size() -> None:
    stated = np.arange(100) / 100
    actual = np.where(np.arange(100) % 10 < 3, 15.0, 15.1)
    made = evaluation.confidence(actual, np.zeros(100), stated)
    table = made["confidence_table"]
    assert isinstance(table, list)
    assert [row["flights"] for row in table] == [10] * 10
    assert [row["stated"] for row in table] == pytest.approx([0.045 + i / 10 for i in range(10)])
    assert [row["accurate"] for row in table] == pytest.approx([0.3] * 10)
    gaps = [abs(0.045 + i / 10 - 0.3) for i in range(10)]
    assert made["confidence_gap"] == pytest.approx(sum(gaps) / 10)


def test_accurate_is_off_by_a_quarter_of_an_hour_at_most_either_way() -> None:
    made = evaluation.confidence(_floats(15, -15, 15.01, -15.01), np.zeros(4), _floats(0.1, 0.2, 0.3, 0.4))
    assert made["confidence_table"] == [
        {"stated": 0.1, "accurate": 1, "flights": 1},
        {"stated": 0.2, "accurate": 1, "flights": 1},
        {"stated": 0.3, "accurate": 0, "flights": 1},
        {"stated": 0.4, "accurate": 0, "flights": 1},
    ]
    assert made["confidence_gap"] == pytest.approx((0.9 + 0.8 + 0.3 + 0.4) / 4)


def test_a_gap_is_weighed_by_the_flights_of_its_bin() -> None:
    stated = _floats(*[0.0] * 2, *[1.0] * 9)
    made = evaluation.confidence(np.zeros(11), np.zeros(11), stated)
    assert made["confidence_gap"] == pytest.approx(2 / 11)


@given(st.lists(st.tuples(minutes, st.floats(0, 1)), min_size=1, max_size=40))
def test_the_table_has_every_flight_once_in_the_order_of_what_was_stated(flights: list[tuple[float, float]]) -> None:
    actual, stated = (np.array([flight[i] for flight in flights]) for i in range(2))
    made = evaluation.confidence(actual, np.zeros(len(flights)), stated)
    table = made["confidence_table"]
    assert isinstance(table, list)
    assert sum(row["flights"] for row in table) == len(flights)
    assert [row["stated"] for row in table] == pytest.approx(sorted(row["stated"] for row in table))
    accurate = sum(row["accurate"] * row["flights"] for row in table)
    assert accurate == pytest.approx(float((np.abs(actual) <= 15).sum()))
    assert 0 <= float(str(made["confidence_gap"])) <= 1


def test_all_figures_come_from_the_columns_of_a_prediction() -> None:
    predictions = pd.DataFrame(
        [[10.0, 0.0, 20.0, 0.9, "before_departure", "v"], [30.0, 25.0, 70.0, 0.4, "before_departure", "v"]],
        columns=list(PREDICTION_COLUMNS),
    )
    made = evaluation.measure(_floats(12, 60), predictions)
    assert {name: made[name] for name in ("flights", "mae", "bias", "coverage", "mean_interval_minutes")} == {
        "flights": 2,
        "mae": 16,
        "bias": -16,
        "coverage": 1,
        "mean_interval_minutes": 32.5,
    }
    assert made["constant_interval_minutes"] == 28
    assert made["confidence_gap"] == pytest.approx((0.1 + 0.4) / 2)


TRAIN = pd.DataFrame(
    {
        "airline": ["UA", "UA", "UA", "B6", "B6"],
        "scheduled_departure_minute": np.array([480, 539, 540, 480, 1439], dtype=np.float32),
        "actual": [0.0, 10.0, 40.0, -10.0, 100.0],
    }
)


@pytest.mark.parametrize(
    ("airline", "minute", "mean"),
    [
        ("UA", 500, 5),
        ("UA", 599, 40),
        ("B6", 480, -10),
        ("B6", 1380, 100),
        ("UA", 600, 28),
        ("B6", 540, 28),
        ("ZZ", 480, 28),
        ("UA", np.nan, 28),
    ],
)
def test_baselines_know_the_training_flights_only(airline: str, minute: float, mean: float) -> None:
    flight = pd.DataFrame({"airline": [airline], "scheduled_departure_minute": [minute], "actual": [7.0]}, index=[99])
    made = evaluation.baselines(TRAIN, flight)
    assert made["train_median"]["bias"] == 10 - 7
    assert made["airline_hour_mean"]["bias"] == mean - 7


def test_baselines_are_measured_over_all_test_flights() -> None:
    test = TRAIN.iloc[:3].assign(actual=[5.0, 5.0, 50.0])
    made = evaluation.baselines(TRAIN, test)
    assert made["train_median"] == pytest.approx(evaluation.errors(_floats(5, 5, 50), _floats(10, 10, 10)))
    assert made["airline_hour_mean"] == pytest.approx(evaluation.errors(_floats(5, 5, 50), _floats(5, 5, 40)))


def test_airlines_may_be_categories() -> None:
    categories = TRAIN.assign(airline=TRAIN["airline"].astype("category"))
    assert evaluation.baselines(categories, categories) == evaluation.baselines(TRAIN, TRAIN)
