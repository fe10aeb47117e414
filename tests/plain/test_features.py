"""Features of real flights use only earlier events, and are equal in training and in the minute job."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest

from models.delay import features, training_data
from tests.feature_windows import ARRIVAL_WINDOWS, CANCELLATION_WINDOWS, COUNTS, DEPARTURE_WINDOWS, MEANS

pytestmark = pytest.mark.plain

# The blizzard of 8 and 9 February: many cancellations, long delays, then a late recovery.
BLIZZARD = date(2013, 2, 7), date(2013, 2, 10)


def _same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(left, right, check_exact=True)


@pytest.fixture(scope="module")
def events() -> pd.DataFrame:
    return training_data.from_package(*BLIZZARD).events


@pytest.fixture(scope="module")
def targets(events: pd.DataFrame) -> pd.DataFrame:
    return events[features.is_predicted_on(events)]


@pytest.fixture(scope="module")
def batch(targets: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    return features.build(targets, events)


@pytest.fixture(scope="module")
def sample(targets: pd.DataFrame) -> list[pd.DataFrame]:
    """Targets, each alone, late enough for older events to be there; the flight that left latest among them."""
    late = targets[targets["event_time"] > targets["event_time"].min() + features.LOOKBACK + pd.Timedelta(hours=6)]
    chosen = [late["departure_delay_minutes"].idxmax(), *late.sample(24, random_state=5).index]
    return [late.loc[[row]] for row in chosen]


def test_nothing_at_or_after_the_event_changes_its_features(
    events: pd.DataFrame, batch: pd.DataFrame, sample: list[pd.DataFrame]
) -> None:
    for target in sample:
        earlier = events[events["event_time"] < target["event_time"].iloc[0]]
        _same(features.build(target, earlier), batch.loc[target.index])


def test_events_older_than_the_lookback_change_nothing(
    events: pd.DataFrame, batch: pd.DataFrame, sample: list[pd.DataFrame]
) -> None:
    for target in sample:
        recent = events[events["event_time"] >= target["event_time"].iloc[0] - features.LOOKBACK]
        assert len(recent) < len(events)
        _same(features.build(target, recent), batch.loc[target.index])


def test_a_target_alone_has_the_features_that_it_has_among_thousands(
    events: pd.DataFrame, batch: pd.DataFrame, sample: list[pd.DataFrame]
) -> None:
    assert len(batch) > 5000
    for target in sample[:12]:
        _same(features.build(target, events), batch.loc[target.index])


def test_neither_order_nor_repetition_of_events_matters(
    events: pd.DataFrame, targets: pd.DataFrame, batch: pd.DataFrame
) -> None:
    for seed in range(3):
        repeated = pd.concat([events, events.sample(frac=0.3, random_state=seed)])
        shuffled = repeated.sample(frac=1, random_state=seed)
        _same(features.build(targets, shuffled), batch)


def test_the_order_of_the_targets_is_that_of_the_rows(
    events: pd.DataFrame, targets: pd.DataFrame, batch: pd.DataFrame
) -> None:
    shuffled = targets.sample(frac=1, random_state=1)
    _same(features.build(shuffled, events), batch.loc[shuffled.index])


def test_the_inputs_are_left_as_they_are(events: pd.DataFrame, targets: pd.DataFrame) -> None:
    few, copy, known = targets.iloc[:50].copy(), targets.iloc[:50].copy(), events.copy()
    features.build(few, events)
    _same(few, copy)
    _same(events, known)


def _window(
    events: pd.DataFrame, target: pd.Series[Any], kind: str, shared: tuple[str, ...], minutes: int
) -> pd.DataFrame:
    end = target["event_time"]
    is_inside = events["event_time"].between(end - pd.Timedelta(minutes=minutes), end, inclusive="left")
    is_inside &= events["event_type"] == kind
    for name in shared:
        is_inside &= events[name] == target[name]
    return events[is_inside]


def test_windows_agree_with_a_search_through_all_events(
    events: pd.DataFrame, batch: pd.DataFrame, sample: list[pd.DataFrame]
) -> None:
    chosen = pd.concat(sample[:15])
    for (_, target), (_, made) in zip(chosen.iterrows(), batch.loc[chosen.index].iterrows(), strict=True):
        expected: dict[str, float] = {}
        for name, window in DEPARTURE_WINDOWS.items():
            rows = _window(events, target, *window)
            expected[f"departures_{name}"] = len(rows)
            expected[f"departure_delay_{name}"] = rows["departure_delay_minutes"].clip(-30, 240).mean()
        for name, window in ARRIVAL_WINDOWS.items():
            delays = _window(events, target, *window)["arrival_delay_minutes"]
            expected[f"arrival_delay_{name}"] = delays.clip(-30, 240).mean()
        for name, window in CANCELLATION_WINDOWS.items():
            expected[f"cancellations_{name}"] = len(_window(events, target, *window))
        assert set(expected) == {*COUNTS, *MEANS}
        assert made[list(expected)].to_dict() == pytest.approx(expected, rel=1e-6, nan_ok=True)


def test_the_blizzard_shows_in_the_features(batch: pd.DataFrame) -> None:
    assert batch["cancellations_origin_4h"].max() > 50
    assert batch["departure_delay_origin_2h"].max() > 60
    assert batch["aircraft_last_delay"].notna().mean() > 0.3


def test_without_targets_there_are_the_columns_only(events: pd.DataFrame) -> None:
    made = features.build(events.iloc[:0], events)
    assert list(made.columns) == list(features.FEATURES)
    assert made.empty
