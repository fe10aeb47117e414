"""Training separates its months, writes the files of its card, and is reproducible."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.card import CARD
from models.delay import delay_model, drift_reference, evaluation, features, stage_training, training, training_data
from models.delay.samples import MIN_DAYS, Samples, Split, TooFewDaysError, split
from models.delay.samples import samples as make_samples
from models.delay.training_data import History
from models.training_progress import OnProgress, ignore_progress
from skytier.errors import TerminalError

pytestmark = pytest.mark.plain

SPRING = date(2013, 3, 1), date(2013, 5, 4)
EVERY = 8
ROUNDS = 3


@pytest.fixture(scope="module")
def history() -> History:
    """Some of the flights of 65 days."""
    events = training_data.from_package(*SPRING).events
    is_chosen = events["flight_id"].map(lambda flight: crc32(flight.encode()) % EVERY == 0)
    return training_data.describe(events[is_chosen].reset_index(drop=True), "package")


@pytest.fixture(scope="module")
def samples(history: History) -> Samples:
    return make_samples(history)


def _train(samples: Samples, folder: Path, on_progress: OnProgress = ignore_progress) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage_training, "POINT_ROUNDS", ROUNDS)
        patch.setattr(stage_training, "INTERVAL_ROUNDS", ROUNDS)
        return training.train(samples, folder, on_progress)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models") / "new" / "first"


@pytest.fixture(scope="module")
def card(samples: Samples, folder: Path) -> dict[str, Any]:
    return _train(samples, folder)


def _learned(card: dict[str, Any]) -> dict[str, Any]:
    """All of a card that predictions rest on; the reference also holds the errors on the test days."""
    files = {name: digest for name, digest in card["files"].items() if name != drift_reference.REFERENCE}
    return {name: card[name] for name in ("stages", "categories", "split")} | {"files": files}


def _later(history: History, is_later: pd.Series[bool]) -> Samples:
    """Samples of a history in which these flights have arrived later."""
    events = history.events.copy()
    is_changed = is_later & (events["event_type"] == "arrived")
    assert is_changed.sum() > 100
    events.loc[is_changed, "arrival_delay_minutes"] += 111
    return make_samples(replace(history, events=events))


def _days(history: History) -> pd.Series[pd.Timestamp]:
    return pd.to_datetime(history.events["flight_id"].str[:10])


def test_the_real_year_is_trained_to_september_and_tested_from_november() -> None:
    assert split(date(2013, 1, 1), date(2013, 12, 31)) == Split(
        first=date(2013, 1, 1), tune=date(2013, 10, 1), test=date(2013, 11, 1), last=date(2013, 12, 31)
    )


@given(st.dates(date(2000, 1, 1), date(2030, 1, 1)), st.integers(MIN_DAYS, 1500))
def test_any_days_are_split_in_the_proportions_of_the_year(first: date, days: int) -> None:
    made = split(first, first + timedelta(days=days - 1))
    assert made.first == first
    assert (made.last - first).days == days - 1
    parts = [(made.tune - made.first).days, (made.test - made.tune).days, (made.last - made.test).days + 1]
    assert sum(parts) == days
    assert parts == pytest.approx(days * np.array([273, 31, 61]) / 365, abs=1.01)


@pytest.mark.parametrize("days", [1, 31, 59])
def test_too_few_days_are_refused(days: int) -> None:
    with pytest.raises(TooFewDaysError, match=rf"^{days} days .*60 are needed"):
        split(date(2013, 2, 1), date(2013, 2, 1) + timedelta(days=days - 1))


def test_a_history_of_too_few_days_is_refused(history: History) -> None:
    week = history.events[_days(history) < pd.Timestamp("2013-03-08")]
    with pytest.raises(TooFewDaysError, match=r"^7 days of flights \(2013-03-01 to 2013-03-07\)"):
        make_samples(replace(history, events=week))


def test_a_history_without_outcomes_is_refused(history: History) -> None:
    unknown = history.events[history.events["event_type"] != "arrived"]
    with pytest.raises(TerminalError, match="no flight with a known arrival delay"):
        make_samples(replace(history, events=unknown))


@pytest.mark.parametrize("flights", [0, 12])
def test_days_to_tune_on_without_enough_flights_are_refused(history: History, tmp_path: Path, flights: int) -> None:
    days = _days(history)
    is_tune = days.between(pd.Timestamp("2013-04-19"), pd.Timestamp("2013-04-24"))
    kept = history.events.loc[is_tune, "flight_id"].unique()[:flights]
    is_kept = history.events["flight_id"].isin(kept) | ~is_tune & (days.dt.dayofweek == 4)
    gap = history.events[is_kept | days.isin([days.min(), days.max()])]
    with pytest.raises(TooFewDaysError):
        _train(make_samples(replace(history, events=gap)), tmp_path)


def test_samples_are_the_flights_whose_outcome_is_known(history: History, samples: Samples) -> None:
    events = history.events
    arrived = events[(events["event_type"] == "arrived") & events["arrival_delay_minutes"].notna()]
    outcomes = arrived.set_index("flight_id")["arrival_delay_minutes"]
    rows = events.loc[samples.frame.index]
    assert samples.frame["actual"].notna().all()
    assert samples.frame["actual"].tolist() == outcomes[rows["flight_id"]].tolist()
    assert sorted(rows["event_id"]) == sorted(
        f"{flight}:{kind}" for flight in outcomes.index for kind in features.STAGES
    )
    unknown = set(events["flight_id"]) - set(outcomes.index)
    assert len(unknown) > 100
    assert samples.frame["stage"].tolist() == rows["event_type"].map(features.STAGES).tolist()
    assert (samples.frame["day"].dt.strftime("%Y-%m-%d") == rows["flight_id"].str[:10]).all()


def test_the_outcome_is_no_feature(history: History, samples: Samples) -> None:
    assert set(samples.frame.columns) - set(features.FEATURES) == {"stage", "day", "actual"}
    before = samples.frame[samples.frame["stage"] == features.BEFORE]
    assert before["departure_delay_minutes"].isna().all()
    rows = history.events.loc[samples.frame.index]
    assert rows["arrival_delay_minutes"].isna().all()


def test_each_sample_is_in_one_part(samples: Samples) -> None:
    parts = [samples.of(stage, part) for stage in features.STAGES.values() for part in ("train", "tune", "test")]
    assert all(len(part) > 300 for part in parts)
    pd.testing.assert_frame_equal(pd.concat(parts).sort_index(), samples.frame.sort_index())
    for train, tune, test in (parts[:3], parts[3:]):
        assert train["day"].max() < tune["day"].min()
        assert tune["day"].max() < test["day"].min()


def test_a_training_writes_the_files_of_its_card(card: dict[str, Any], folder: Path) -> None:
    names = {
        delay_model.model_file(stage, part) for stage in features.STAGES.values() for part in ("point", "interval")
    }
    assert set(card["files"]) == names | {drift_reference.REFERENCE}
    assert {path.name for path in folder.iterdir()} == set(card["files"]) | {CARD}
    for name, digest in card["files"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert json.loads((folder / CARD).read_text()) == card


def test_a_card_says_what_was_trained_on_what(card: dict[str, Any], history: History, samples: Samples) -> None:
    assert card["data"].items() >= {"source": "package", "from": "2013-03-01", "to": "2013-05-04"}.items()
    assert card["data"]["sha256"] == history.description["sha256"]
    assert card["data"]["rows"] == len(samples.frame)
    assert card["split"] == {
        "train": ["2013-03-01", "2013-04-18"],
        "tune": ["2013-04-19", "2013-04-24"],
        "test": ["2013-04-25", "2013-05-04"],
    }
    for stage, part in card["stages"].items():
        assert not stage_training.NOT_USED[stage] & set(part["features"])
        assert part["parameters"]["interval"]["rounds"] == ROUNDS
        assert 1 <= part["parameters"]["point"]["rounds"] <= ROUNDS
        assert set(part["importance"]) <= set(part["features"])
        assert sum(part["importance"].values()) == pytest.approx(1, abs=1e-3)


def test_the_stated_confidence_falls_with_the_width(card: dict[str, Any]) -> None:
    for part in card["stages"].values():
        widths, values = part["confidence"]["widths"], part["confidence"]["values"]
        assert widths == sorted(widths)
        assert values == sorted(values, reverse=True)
        assert 0 <= values[-1] <= values[0] <= 1


def test_the_reference_for_drift_is_that_of_the_training_days(folder: Path, samples: Samples) -> None:
    written = json.loads((folder / drift_reference.REFERENCE).read_text())
    for stage in features.STAGES.values():
        errors = written[stage].pop(drift_reference.ERRORS)
        assert sum(errors["shares"]) == pytest.approx(1)
        assert all(bins.pop(drift_reference.LARGEST_OF_A_DAY) >= 0 for bins in written[stage].values())
        assert written[stage] == drift_reference.feature_bins(samples.of(stage, "train"))


def test_what_was_written_predicts_and_was_measured_on_the_test_days(
    card: dict[str, Any], folder: Path, samples: Samples
) -> None:
    model = delay_model.load(folder)
    assert model.version == card["version"]
    assert json.loads(json.dumps(evaluation.metrics_on_test_days(model, samples))) == card["metrics"]
    for stage, metrics in card["metrics"].items():
        assert metrics["flights"] == len(samples.of(stage, "test"))
        assert 0.75 < metrics["coverage"] < 0.99
        assert set(card["baselines"][stage]) == {"train_median", "airline_hour_mean"}


def test_the_interval_covers_its_share_of_the_days_to_tune_on(folder: Path, samples: Samples) -> None:
    model = delay_model.load(folder)
    for stage in features.STAGES.values():
        rows = samples.of(stage, "tune")
        made = model.predict(rows, rows["stage"])
        inside = rows["actual"].between(made["predicted_delay_lower_minutes"], made["predicted_delay_upper_minutes"])
        assert inside.mean() == pytest.approx(stage_training.COVERAGE, abs=0.02)


def test_the_same_history_gives_the_same_files(card: dict[str, Any], history: History, tmp_path: Path) -> None:
    (tmp_path / CARD).write_text("of a training that was broken off")
    shares: list[float] = []
    again = _train(make_samples(history), tmp_path, lambda share, _what: shares.append(share))
    assert shares == sorted(shares), "progress never decreases"
    assert shares[-1] == pytest.approx(1)
    assert again["files"] == card["files"]
    assert _learned(again) == _learned(card)


def test_nothing_of_the_test_days_is_learned(card: dict[str, Any], history: History, tmp_path: Path) -> None:
    events = history.events
    is_test = _days(history) >= pd.Timestamp(card["split"]["test"][0])
    # A flight to tune on that leaves after midnight may know of arrivals of the first test day: those stay as they are.
    is_tuned_on = ~is_test & features.is_predicted_on(events)
    is_afterwards = events["event_time"] > events.loc[is_tuned_on, "event_time"].max()
    changed = _later(history, is_test & is_afterwards)
    changed.frame.loc[changed.frame["day"] >= pd.Timestamp(changed.split.test), ["airline", "distance_miles"]] = "ZZ", 9
    other = _train(changed, tmp_path)
    assert _learned(other) == _learned(card)
    for stage, metrics in card["metrics"].items():
        assert other["metrics"][stage]["bias"] < metrics["bias"] - 50


def test_outcomes_of_the_training_days_are_learned(card: dict[str, Any], history: History, tmp_path: Path) -> None:
    is_train = _days(history) < pd.Timestamp(card["split"]["tune"][0])
    other = _train(_later(history, is_train), tmp_path)
    assert not {name for name, digest in other["files"].items() if card["files"][name] == digest}
    assert other["version"] != card["version"]


def test_the_hash_of_a_history_is_that_of_its_content(history: History) -> None:
    shuffled = training_data.describe(history.events.sample(frac=1, random_state=1), "package")
    assert shuffled.description == history.description
    less = training_data.describe(history.events.iloc[1:], "package")
    assert less.description["sha256"] != history.description["sha256"]
