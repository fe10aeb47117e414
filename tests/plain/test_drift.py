"""The stability index is near zero for the same distribution, and large for a shifted one."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.delay import features
from models.delay.drift_reference import feature_bins
from models.stability_index import stability_index

pytestmark = pytest.mark.plain

SHIFT = 0.25
EMPTY = 1e-4
AIRLINES = ["AA", "B6", "DL", "UA"]
TWO_BINS: dict[str, Any] = {"cuts": [0.5], "shares": [0.5, 0.5, 0.0, 0.0]}
TWO_AIRLINES: dict[str, Any] = {"values": ["AA", "UA"], "shares": [0.5, 0.5, 0.0, 0.0]}


def _flights(count: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    columns: dict[str, object] = {}
    for name in features.FEATURES:
        if name in features.CATEGORIES:
            columns[name] = rng.choice(AIRLINES, count, p=[0.1, 0.2, 0.3, 0.4])
        else:
            values = rng.normal(10, 5, count).astype(np.float32)
            columns[name] = np.where(rng.random(count) < 0.2, np.float32(np.nan), values)
    return pd.DataFrame(columns)


def _term(recent: float, trained: float) -> float:
    return (recent - trained) * math.log(recent / trained)


@pytest.fixture(scope="module")
def trained() -> pd.DataFrame:
    return _flights(4000, seed=1)


@pytest.fixture(scope="module")
def reference(trained: pd.DataFrame) -> dict[str, Any]:
    return feature_bins(trained)


def test_the_training_flights_have_not_drifted(trained: pd.DataFrame, reference: dict[str, Any]) -> None:
    assert set(reference) == set(features.FEATURES)
    assert [stability_index(trained[name], bins) for name, bins in reference.items()] == [0.0] * len(reference)


def test_more_of_the_same_has_not_drifted(reference: dict[str, Any]) -> None:
    recent = _flights(4000, seed=2)
    assert max(stability_index(recent[name], bins) for name, bins in reference.items()) < 0.02


@pytest.mark.parametrize("moved", [5.0, -5.0, 1000.0])
def test_values_that_have_moved_by_their_spread_are_a_shift(reference: dict[str, Any], moved: float) -> None:
    recent = _flights(1000, seed=3)
    for name in ("weather_temperature_f", "departure_delay_origin_2h", "aircraft_slack_minutes"):
        assert stability_index(recent[name] + moved, reference[name]) > SHIFT


def test_another_mix_of_airlines_is_a_shift(reference: dict[str, Any]) -> None:
    recent = pd.Series(np.repeat(AIRLINES, [400, 300, 200, 100]))
    assert stability_index(recent, reference["airline"]) > SHIFT


def test_airlines_that_were_never_trained_on_are_a_shift(reference: dict[str, Any]) -> None:
    recent = _flights(1000, seed=4)["airline"]
    few, many = (recent.where(np.arange(1000) >= count, "ZZ") for count in (10, 300))
    assert stability_index(recent, reference["airline"]) < stability_index(few, reference["airline"])
    assert stability_index(many, reference["airline"]) > SHIFT


def test_values_that_have_gone_missing_are_a_shift(reference: dict[str, Any]) -> None:
    recent = _flights(1000, seed=5)
    for name in ("airline", "weather_wind_gust_mph"):
        gone = recent[name].where(np.arange(1000) >= 600)
        assert stability_index(gone, reference[name]) > SHIFT


def test_two_bins_by_hand() -> None:
    recent = pd.Series([0.0, 1.0, 1.0, 1.0])
    expected = (0.25 - 0.5) * math.log(0.25 / 0.5) + (0.75 - 0.5) * math.log(0.75 / 0.5)
    assert stability_index(recent, TWO_BINS) == pytest.approx(expected)
    assert expected == pytest.approx(0.25 * math.log(3))


def test_a_value_at_the_cut_belongs_to_the_bin_below() -> None:
    assert stability_index(pd.Series([0.5, 0.6]), TWO_BINS) == 0


def test_missing_and_unknown_airlines_are_two_bins_of_their_own() -> None:
    recent = pd.Series(["AA", "UA", "ZZ", None])
    assert stability_index(recent, TWO_AIRLINES) == pytest.approx(2 * _term(0.25, 0.5) + 2 * _term(0.25, EMPTY))


def test_missing_numbers_are_a_bin_of_their_own() -> None:
    recent = pd.Series([0.0, 1.0, np.nan, np.nan])
    assert stability_index(recent, TWO_BINS) == pytest.approx(2 * _term(0.25, 0.5) + _term(0.5, EMPTY))


def test_an_infinite_number_is_in_the_last_bin() -> None:
    assert stability_index(pd.Series([-np.inf, np.inf]), TWO_BINS) == 0


def test_the_bins_of_a_number_are_tenths_of_what_is_known() -> None:
    frame = _flights(200, seed=6).assign(distance_miles=[*range(100), *[np.nan] * 100])
    bins = feature_bins(frame)["distance_miles"]
    assert bins["cuts"] == pytest.approx([9.9 * i for i in range(1, 10)])
    assert bins["shares"] == pytest.approx([0.05] * 10 + [0, 0.5])


@pytest.mark.parametrize(
    ("values", "cuts", "shares"), [([3.0] * 4, [3.0], [1, 0, 0, 0]), ([np.nan] * 4, [], [0, 0, 1])]
)
def test_a_number_that_never_changes_has_few_bins(values: list[float], cuts: list[float], shares: list[float]) -> None:
    bins = feature_bins(_flights(4, seed=7).assign(origin_queue=values))["origin_queue"]
    assert bins == {"cuts": cuts, "shares": shares}
    assert stability_index(pd.Series(values), bins) == 0
    assert stability_index(pd.Series([5.0] * 4), bins) > SHIFT


def test_the_airlines_of_the_reference_are_those_of_the_training_flights() -> None:
    frame = _flights(4, seed=8).assign(airline=pd.Series(["UA", "AA", None, "UA"], dtype=object))
    assert feature_bins(frame)["airline"] == {"values": ["AA", "UA"], "shares": [0.25, 0.5, 0, 0.25]}


def test_a_reference_is_the_same_after_a_file(reference: dict[str, Any]) -> None:
    read = json.loads(json.dumps(reference, allow_nan=False))
    assert read == reference
    recent = _flights(500, seed=9)
    for name in features.FEATURES:
        assert stability_index(recent[name], read[name]) == stability_index(recent[name], reference[name])


@settings(max_examples=40)
@given(
    st.lists(st.one_of(st.floats(-50, 50, width=32), st.just(np.nan)), max_size=30),
    st.lists(st.floats(-50, 50, width=32), min_size=1, max_size=30),
)
def test_the_index_is_a_finite_number_that_is_never_negative(recent: list[float], known: list[float]) -> None:
    bins = feature_bins(_flights(len(known), seed=10).assign(origin_queue=known))["origin_queue"]
    assert sum(bins["shares"]) == pytest.approx(1)
    index = stability_index(pd.Series(recent, dtype=np.float32), bins)
    assert 0 <= index < math.inf
