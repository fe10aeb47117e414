"""A loaded model predicts row by row, in order; a damaged model raises an error."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st

from models.card import CARD
from models.delay import delay_model, features
from models.delay.delay_model import PREDICTION_COLUMNS, DelayModel
from skytier.errors import TerminalError
from tests import small_model
from tests.small_model import ADDED_TO, CATEGORIES, NAMES, STAGES

pytestmark = pytest.mark.plain

FILES = [delay_model.model_file(stage, part) for stage in STAGES for part in ("point", "interval")]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_model.train(tmp_path_factory.mktemp("model"))


@pytest.fixture
def damaged(trained: Path, tmp_path: Path) -> Path:
    """A copy of the model, to be damaged."""
    return Path(shutil.copytree(trained, tmp_path / "model"))


@pytest.fixture(scope="module")
def model(trained: Path) -> DelayModel:
    return delay_model.load(trained)


def _of(stage: str, rows: pd.DataFrame) -> pd.Series[str]:
    return pd.Series(stage, index=rows.index)


def _mixed(rows: pd.DataFrame) -> pd.Series[str]:
    return pd.Series(np.random.default_rng(4).choice(list(STAGES), len(rows)), index=rows.index)


def _same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(left, right, check_exact=True)


def test_predictions_have_their_columns_and_the_rows_of_the_features(model: DelayModel) -> None:
    rows = small_model.rows(50, seed=5).sample(frac=1, random_state=1)
    made = model.predict(rows, _mixed(rows))
    assert tuple(made.columns) == PREDICTION_COLUMNS
    assert made.index.tolist() == rows.index.tolist()
    assert [str(made[name].dtype) for name in PREDICTION_COLUMNS[:4]] == ["float64"] * 4
    assert made["prediction_stage"].tolist() == _mixed(rows).tolist()
    assert set(made["model_version"]) == {"20130101T000000Z-tiny"}
    assert made.notna().all(axis=None)


def test_numbers_are_rounded(model: DelayModel) -> None:
    rows = small_model.rows(50, seed=5)
    made = model.predict(rows, _of(features.BEFORE, rows))
    digits = dict.fromkeys(PREDICTION_COLUMNS[:3], 2) | {PREDICTION_COLUMNS[3]: 4}
    _same(made, made.round(digits))
    point, _ = model.stages[features.BEFORE].point_and_quantiles(rows, CATEGORIES)
    assert made["predicted_delay_minutes"].to_numpy() == pytest.approx(point, abs=0.005 + 1e-9)


def test_the_trees_have_learned_something(model: DelayModel) -> None:
    rows = small_model.rows(500, seed=6)
    made = model.predict(rows, _of(features.BEFORE, rows))
    means = made.groupby(rows["airline"])["predicted_delay_minutes"].mean()
    assert means["AA"] < means["B6"] < means["UA"]
    width = made["predicted_delay_upper_minutes"] - made["predicted_delay_lower_minutes"]
    assert width[rows["weather_wind_speed_mph"] > 30].mean() > 2 * width[rows["weather_wind_speed_mph"] < 5].mean()


@settings(max_examples=25)
@given(shift=st.tuples(st.floats(-80, 80), st.floats(-80, 80)), seed=st.integers(0, 1000))
def test_a_prediction_never_lies_outside_its_interval(model: DelayModel, shift: tuple[float, float], seed: int) -> None:
    shifted = {stage: replace(part, interval_shift=shift) for stage, part in model.stages.items()}
    rows = small_model.rows(40, seed)
    made = replace(model, stages=shifted).predict(rows, _mixed(rows))
    assert (made["predicted_delay_lower_minutes"] <= made["predicted_delay_minutes"]).all()
    assert (made["predicted_delay_minutes"] <= made["predicted_delay_upper_minutes"]).all()
    assert made["prediction_confidence"].between(0, 1).all()


def test_the_shift_moves_the_quantiles(model: DelayModel) -> None:
    rows = small_model.rows(40, seed=8)
    stage = model.stages[features.BEFORE]
    point, quantiles = stage.point_and_quantiles(rows, CATEGORIES)
    assert (quantiles[:, 0] <= quantiles[:, 1]).all()
    made = model.predict(rows, _of(features.BEFORE, rows))
    lower, upper = np.minimum(quantiles[:, 0] - 1.5, point), np.maximum(quantiles[:, 1] + 2.5, point)
    assert made["predicted_delay_lower_minutes"].to_numpy() == pytest.approx(lower, abs=0.0051)
    assert made["predicted_delay_upper_minutes"].to_numpy() == pytest.approx(upper, abs=0.0051)


def test_quantiles_that_cross_are_put_in_order(model: DelayModel) -> None:
    rows = small_model.rows(100, seed=17)
    data = delay_model.matrix(rows, NAMES, CATEGORIES)
    data.set_label(rows[ADDED_TO].to_numpy(dtype=float))
    crossed = xgboost.train({"objective": "reg:quantileerror", "quantile_alpha": [0.9, 0.1]}, data, 2)
    raw = np.asarray(crossed.predict(data))
    assert (raw[:, 0] > raw[:, 1]).any()
    _, quantiles = replace(model.stages[features.BEFORE], interval=crossed).point_and_quantiles(rows, CATEGORIES)
    assert (quantiles[:, 0] <= quantiles[:, 1]).all()
    assert quantiles.sum(axis=1) == pytest.approx(raw.sum(axis=1), rel=1e-5)


@pytest.mark.parametrize("stranger", ["ZZ", "", "aa", None, np.nan])
def test_an_unknown_category_counts_as_missing(model: DelayModel, stranger: object) -> None:
    rows = small_model.rows(30, seed=9)
    missing = rows.assign(airline=pd.Series(np.nan, index=rows.index, dtype=object))
    unknown = rows.assign(airline=pd.Series([stranger] * len(rows), index=rows.index, dtype=object))
    for stage in STAGES:
        expected = model.predict(missing, _of(stage, rows))
        _same(model.predict(unknown, _of(stage, rows)), expected)
        assert expected.notna().all(axis=None)
        assert not expected.equals(model.predict(rows, _of(stage, rows)))


def test_both_stages_in_one_frame_keep_their_rows(model: DelayModel) -> None:
    rows = small_model.rows(60, seed=10).sample(frac=1, random_state=2)
    stages = _mixed(rows)
    mixed = model.predict(rows, stages)
    for stage in STAGES:
        of_stage = stages == stage
        assert 10 < of_stage.sum() < 50
        _same(mixed[of_stage], model.predict(rows[of_stage], stages[of_stage]))


def test_after_departure_the_delay_on_the_ground_is_added(model: DelayModel) -> None:
    rows = small_model.rows(30, seed=11)
    later = rows.assign(**{ADDED_TO: rows[ADDED_TO] + 7})
    for stage, added in ((features.BEFORE, 0), (features.AFTER, 7)):
        difference = (
            model.predict(later, _of(stage, rows)).iloc[:, :3] - model.predict(rows, _of(stage, rows)).iloc[:, :3]
        )
        assert difference.to_numpy() == pytest.approx(added, abs=0.011)


def test_a_prediction_does_not_depend_on_the_other_rows(model: DelayModel) -> None:
    rows = small_model.rows(25, seed=12)
    stages = _mixed(rows)
    together = model.predict(rows, stages)
    for row in rows.index:
        _same(model.predict(rows.loc[[row]], stages.loc[[row]]), together.loc[[row]])


def test_columns_that_a_stage_does_not_use_change_nothing(model: DelayModel) -> None:
    rows = small_model.rows(25, seed=13)
    columns = ["month", "weather_wind_speed_mph", "stage", ADDED_TO, "distance_miles", "airline"]
    other = rows.assign(stage="x", month=3.0)[columns]
    _same(model.predict(other, _mixed(rows)), model.predict(rows, _mixed(rows)))


def test_a_stage_without_a_model_has_no_prediction(model: DelayModel) -> None:
    rows = small_model.rows(6, seed=14)
    stages = pd.Series([features.BEFORE, "in_flight"] * 3)
    made = model.predict(rows, stages)
    assert made.notna().all(axis=1).tolist() == [True, False] * 3
    assert made[1::2].isna().all(axis=None)


def test_no_rows_have_no_predictions(model: DelayModel) -> None:
    rows = small_model.rows(3, seed=15).iloc[:0]
    made = model.predict(rows, _of(features.BEFORE, rows))
    assert made.empty
    assert tuple(made.columns) == PREDICTION_COLUMNS


def test_confidence_is_read_between_the_points_and_stays_at_the_ends(model: DelayModel) -> None:
    widths = np.array([0.0, 5.0, 12.5, 20.0, 40.0, 60.0, 900.0])
    stated = model.stages[features.BEFORE].confidence(widths)
    assert stated.tolist() == pytest.approx([0.95, 0.95, 0.775, 0.6, 0.4, 0.2, 0.2])


def test_confidence_falls_with_the_width_of_the_interval(model: DelayModel) -> None:
    rows = small_model.rows(300, seed=16)
    made = model.predict(rows, _mixed(rows))
    width = (made["predicted_delay_upper_minutes"] - made["predicted_delay_lower_minutes"]).round(1)
    stated = made["prediction_confidence"][width.sort_values(kind="stable").index]
    assert stated.nunique() > 10
    assert (stated.diff().dropna() <= 0.003).all()
    assert stated.iloc[0] > stated.iloc[-1]


@pytest.mark.parametrize("file", [*FILES, CARD])
def test_a_missing_file_is_an_error_that_names_the_folder(damaged: Path, file: str) -> None:
    (damaged / file).unlink()
    with pytest.raises(TerminalError, match=re.escape(str(damaged))):
        delay_model.load(damaged)


# XGBoost itself ends the process on some that are cut off, and hangs on some with other bytes.
@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("damage", ["empty", "half", "one byte less", "one byte changed", "text"])
def test_a_damaged_model_file_is_an_error_that_names_it(damaged: Path, file: str, damage: str) -> None:
    content = (damaged / file).read_bytes()
    middle = len(content) // 2
    damages = {
        "empty": b"",
        "half": content[:middle],
        "one byte less": content[:-1],
        "one byte changed": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
        "text": b"not a model",
    }
    (damaged / file).write_bytes(damages[damage])
    with pytest.raises(TerminalError, match=re.escape(str(damaged / file))):
        delay_model.load(damaged)


@pytest.mark.parametrize("file", FILES)
def test_a_file_that_xgboost_does_not_take_is_an_error_that_names_the_folder(damaged: Path, file: str) -> None:
    (damaged / file).write_bytes(b"not a model")
    card = json.loads((damaged / CARD).read_text())
    card["files"][file] = hashlib.sha256(b"not a model").hexdigest()
    (damaged / CARD).write_text(json.dumps(card))
    with pytest.raises(TerminalError, match=re.escape(f"{damaged} cannot be loaded (XGBoostError")):
        delay_model.load(damaged)


@pytest.mark.parametrize(
    "path",
    [
        ("version",),
        ("files",),
        ("categories",),
        ("stages",),
        *(("stages", features.AFTER, key) for key in ("features", "added_to", "interval_shift", "confidence")),
        ("stages", features.BEFORE, "confidence", "widths"),
        ("stages", features.BEFORE, "confidence", "values"),
    ],
)
def test_a_card_without_a_key_is_an_error_that_names_folder_and_key(damaged: Path, path: tuple[str, ...]) -> None:
    card = json.loads((damaged / CARD).read_text())
    part = card
    for key in path[:-1]:
        part = part[key]
    del part[path[-1]]
    (damaged / CARD).write_text(json.dumps(card))
    with pytest.raises(TerminalError, match=re.escape(str(damaged)) + f".*{path[-1]}"):
        delay_model.load(damaged)


@pytest.mark.parametrize("text", ["", "{", "not json", "{}", b"\xff\xfe\x00"])
def test_a_card_that_cannot_be_read_is_an_error_that_names_the_folder(damaged: Path, text: str | bytes) -> None:
    (damaged / CARD).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(TerminalError, match=re.escape(str(damaged))):
        delay_model.load(damaged)


@pytest.mark.parametrize("text", ["[]", "null", '{"stages": []}', '{"stages": {"before_departure": null}}'])
def test_a_card_of_another_shape_is_an_error_that_names_the_folder(damaged: Path, text: str) -> None:
    (damaged / CARD).write_text(text)
    with pytest.raises(TerminalError, match=re.escape(str(damaged))):
        delay_model.load(damaged)
