"""Training of one stage: a point prediction and an interval by gradient-boosted trees, and the confidence.

The trees are fitted to the training days. The tuning days stop the boosting, correct the interval and map its width to
the confidence.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xgboost
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from models.delay import features
from models.delay.delay_model import ACCURATE_WITHIN_MINUTES, StageModel, base_of, matrix, model_file
from models.delay.samples import Samples
from models.training_progress import OnProgress, Rounds, sub_progress
from skytier import logs

COVERAGE = 0.90

_TREES: dict[str, Any] = {
    "tree_method": "hist",
    "seed": 2013,
    "subsample": 0.8,
    "colsample_bytree": 0.5,
    "min_child_weight": 50,
    "reg_lambda": 5,
}
# A pseudo-Huber loss is between the squared error, which a few extreme delays dominate, and the absolute error, which
# ignores their size: deviations up to the slope count as squares, larger ones by their absolute value.
POINT: dict[str, dict[str, Any]] = {
    features.BEFORE: {"objective": "reg:pseudohubererror", "huber_slope": 30, "eta": 0.1, "max_depth": 6},
    features.AFTER: {"objective": "reg:pseudohubererror", "huber_slope": 10, "eta": 0.1, "max_depth": 6},
}
INTERVAL: dict[str, Any] = {"objective": "reg:quantileerror", "eta": 0.15, "max_depth": 6}
# Delays have a long upper tail: an interval that excludes less below than above is narrower. Chosen on October.
LOWER_TAIL = {features.BEFORE: 0.02, features.AFTER: 0.03}
POINT_ROUNDS, INTERVAL_ROUNDS, EARLY_STOPPING_ROUNDS = 250, 120, 20
_CONFIDENCE_POINTS = 20

# Trees cannot extrapolate to a month that they were not trained on; all other features are used.
NOT_USED = {features.BEFORE: {"month", "departure_delay_minutes"}, features.AFTER: {"month"}}

# After departure the delay on the ground is known exactly: the trees learn the difference that the flight adds to it.
ADDED_TO: dict[str, str | None] = {features.BEFORE: None, features.AFTER: "departure_delay_minutes"}

log = logs.logger("train")


def train_stage(
    samples: Samples, stage: str, categories: dict[str, list[str]], folder: Path, on_progress: OnProgress
) -> dict[str, Any]:
    """Train a stage, write its model files to ``folder``, and return the stage's part of the card."""
    began = time.monotonic()
    names = tuple(name for name in features.FEATURES if name not in NOT_USED[stage])
    train_rows, tune_rows = samples.of(stage, "train"), samples.of(stage, "tune")
    train, tune = (_labelled(rows, stage, names, categories) for rows in (train_rows, tune_rows))
    point = _train_point(stage, train, tune, sub_progress(on_progress, 0, 0.7))
    tails = (LOWER_TAIL[stage], 1 - COVERAGE - LOWER_TAIL[stage])
    quantiles = INTERVAL | {"quantile_alpha": [tails[0], 1 - tails[1]]}
    rounds = Rounds(sub_progress(on_progress, 0.7, 1), f"{stage}: interval", INTERVAL_ROUNDS)
    interval = xgboost.train(_TREES | quantiles, train, INTERVAL_ROUNDS, callbacks=[rounds])
    log.info("stage trained", stage=stage, rows=train.num_row(), seconds=round(time.monotonic() - began, 1))
    point.save_model(folder / model_file(stage, "point"))
    interval.save_model(folder / model_file(stage, "interval"))
    uncorrected = StageModel(point, interval, names, ADDED_TO[stage], (0.0, 0.0), (0.0,), (0.0,))
    return {
        "features": list(names),
        "added_to": ADDED_TO[stage],
        "parameters": {
            "point": _TREES | POINT[stage] | {"rounds": point.num_boosted_rounds()},
            "interval": _TREES | quantiles | {"rounds": INTERVAL_ROUNDS},
        },
        **_corrections(uncorrected, tune_rows, categories, tails),
        "importance": _importance(point),
    }


def _train_point(stage: str, train: xgboost.DMatrix, tune: xgboost.DMatrix, on_progress: OnProgress) -> xgboost.Booster:
    """The point prediction, cut to the round with the smallest error on the tuning days."""
    point = xgboost.train(
        _TREES | POINT[stage] | {"base_score": 0, "eval_metric": "mae"},
        train,
        POINT_ROUNDS,
        evals=[(tune, "tune")],
        early_stopping_rounds=EARLY_STOPPING_ROUNDS,
        verbose_eval=False,
        callbacks=[Rounds(on_progress, f"{stage}: point", POINT_ROUNDS)],
    )
    return point[: point.best_iteration + 1]


def _corrections(
    model: StageModel, tune_rows: pd.DataFrame, categories: dict[str, list[str]], tails: tuple[float, float]
) -> dict[str, Any]:
    """The shift of the interval, and the confidence by its width, as the tuning days show them."""
    actual = tune_rows["actual"].to_numpy(dtype=float)
    predicted, quantiles = model.point_and_quantiles(tune_rows, categories)
    shift = _interval_shift(actual, quantiles, tails)
    widths = np.maximum(quantiles[:, 1] + shift[1], predicted) - np.minimum(quantiles[:, 0] + shift[0], predicted)
    is_accurate = np.abs(actual - predicted) <= ACCURATE_WITHIN_MINUTES
    return {"interval_shift": shift, "confidence": _confidence(widths, is_accurate)}


def _importance(point: xgboost.Booster) -> dict[str, float]:
    """Each feature's share of the total gain, largest first."""
    gains = {name: float(np.sum(gain)) for name, gain in point.get_score(importance_type="total_gain").items()}
    shares = {name: round(gain / sum(gains.values()), 5) for name, gain in gains.items()}
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def _labelled(
    rows: pd.DataFrame, stage: str, names: tuple[str, ...], categories: dict[str, list[str]]
) -> xgboost.DMatrix:
    data = matrix(rows, names, categories)
    data.set_label(rows["actual"].to_numpy(dtype=np.float64) - base_of(rows, ADDED_TO[stage]))
    return data


def _interval_shift(
    actual: NDArray[np.float64], quantiles: NDArray[np.float64], tails: tuple[float, float]
) -> list[float]:
    """Minutes to add to each quantile so that it excludes its tail of flights that were not trained on.

    Conformalized quantile regression, each side separately: Romano, Patterson and Candès, "Conformalized Quantile
    Regression" (2019), theorem 2.
    """
    ranks = [min((1 - tail) * (1 + 1 / len(actual)), 1.0) for tail in tails]
    return [
        -float(np.quantile(quantiles[:, 0] - actual, ranks[0])),
        float(np.quantile(actual - quantiles[:, 1], ranks[1])),
    ]


def _confidence(widths: NDArray[np.float64], is_accurate: NDArray[np.bool_]) -> dict[str, list[float]]:
    """The share of accurate predictions by the width of their interval; it never rises with the width."""
    bins = np.array_split(np.argsort(widths, kind="stable"), _CONFIDENCE_POINTS)
    middle = [float(np.median(widths[rows])) for rows in bins]
    share = [float(is_accurate[rows].mean()) for rows in bins]
    falling = isotonic_regression(share, weights=[len(rows) for rows in bins], increasing=False).x
    return {"widths": middle, "values": [float(value) for value in falling]}
