"""Evaluation of predictions: errors, intervals and confidence, beside baselines that need no model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.delay.delay_model import ACCURATE_WITHIN_MINUTES, DelayModel
from models.delay.samples import Samples

_CONFIDENCE_BINS = 10
Floats = NDArray[np.float64]


def errors(actual: Floats, predicted: Floats) -> dict[str, float]:
    """Mean absolute and root mean squared error (minutes), R2 against the mean of these flights, and bias (minutes)."""
    error = predicted - actual
    spread = float(((actual - actual.mean()) ** 2).sum())
    return {
        "mae": float(np.abs(error).mean()),
        "rmse": float(np.sqrt((error**2).mean())),
        "r2": 1 - float((error**2).sum()) / spread if spread else float("nan"),
        "bias": float(error.mean()),
    }


def intervals(actual: Floats, lower: Floats, upper: Floats, point: Floats) -> dict[str, float]:
    """The share of flights in their interval and its mean width, beside two baseline intervals (minutes).

    Both baselines cover the same share of these flights and are chosen with knowledge of the outcomes. The symmetric
    one adds the same minutes above and below every point prediction. The constant one adds two numbers, one above and
    one below, that give the smallest width.
    """
    is_inside = (actual >= lower) & (actual <= upper)
    residuals = np.sort(actual - point)
    inside = max(int(is_inside.sum()), 1)
    widths = residuals[inside - 1 :] - residuals[: len(residuals) - inside + 1]
    return {
        "coverage": float(is_inside.mean()),
        "mean_interval_minutes": float((upper - lower).mean()),
        "plus_minus_interval_minutes": 2 * float(np.sort(np.abs(residuals))[inside - 1]),
        "constant_interval_minutes": float(widths.min()),
    }


def confidence(actual: Floats, point: Floats, stated: Floats) -> dict[str, object]:
    """The stated confidence beside the share that was accurate, in bins of equal size; and the mean gap (0 to 1)."""
    is_accurate = np.abs(actual - point) <= ACCURATE_WITHIN_MINUTES
    bins = np.array_split(np.argsort(stated, kind="stable"), _CONFIDENCE_BINS)
    table = [
        {"stated": float(stated[rows].mean()), "accurate": float(is_accurate[rows].mean()), "flights": len(rows)}
        for rows in bins
        if len(rows)
    ]
    gap = sum(abs(row["stated"] - row["accurate"]) * row["flights"] for row in table) / len(actual)
    return {"confidence_gap": float(gap), "confidence_table": table}


def measure(actual: Floats, predictions: pd.DataFrame) -> dict[str, object]:
    """All metrics of predictions, which have the columns of ``DelayModel.predict``."""
    point, lower, upper, stated = (predictions.iloc[:, i].to_numpy(dtype=float) for i in range(4))
    return (
        {"flights": len(actual)}
        | errors(actual, point)
        | intervals(actual, lower, upper, point)
        | confidence(actual, point, stated)
    )


def metrics_on_test_days(model: DelayModel, samples: Samples) -> dict[str, dict[str, Any]]:
    """The metrics of a model on the test days of the samples, by stage."""
    result = {}
    for stage in model.stages:
        rows = samples.of(stage, "test")
        result[stage] = measure(rows["actual"].to_numpy(dtype=float), model.predict(rows, rows["stage"]))
    return result


def baselines(train: pd.DataFrame, test: pd.DataFrame) -> dict[str, dict[str, float]]:
    """The errors of two baselines: the median of the training flights, and the mean by airline and hour of departure.

    Both frames have ``airline``, ``scheduled_departure_minute`` and ``actual`` (arrival delay, minutes).
    """
    actual = test["actual"].to_numpy(dtype=float)
    hours = [frame["scheduled_departure_minute"] // 60 for frame in (train, test)]
    means = train.groupby([train["airline"].astype(str), hours[0]])["actual"].mean()
    keys = pd.MultiIndex.from_arrays([test["airline"].astype(str), hours[1]])
    by_airline_hour = means.reindex(keys).fillna(train["actual"].mean()).to_numpy(dtype=float)
    return {
        "train_median": errors(actual, np.full(len(actual), float(train["actual"].median()))),
        "airline_hour_mean": errors(actual, by_airline_hour),
    }
