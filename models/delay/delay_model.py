"""A version of the delay model: for each stage a point prediction, an interval and a confidence."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xgboost
from numpy.typing import NDArray

from models.card import CARD, compare
from skytier.errors import TerminalError

ACCURATE_WITHIN_MINUTES = 15.0
"""``prediction_confidence`` is the probability that the error of the prediction is at most this."""

PREDICTION_COLUMNS = (
    "predicted_delay_minutes",
    "predicted_delay_lower_minutes",
    "predicted_delay_upper_minutes",
    "prediction_confidence",
    "prediction_stage",
    "model_version",
)


@dataclass(frozen=True)
class StageModel:
    """The trees of one stage and their corrections.

    ``added_to`` names the feature that the output of the trees is added to; None if the output is the delay itself.
    ``interval_shift`` (minutes) is added to the lower and the upper quantile. ``confidence_widths`` (minutes, rising)
    and ``confidence_values`` (0 to 1) map the width of an interval to the confidence, linearly between the points.
    """

    point: xgboost.Booster
    interval: xgboost.Booster
    features: tuple[str, ...]
    added_to: str | None
    interval_shift: tuple[float, float]
    confidence_widths: tuple[float, ...]
    confidence_values: tuple[float, ...]

    def point_and_quantiles(
        self, frame: pd.DataFrame, categories: dict[str, list[str]]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The point predictions, and the two uncorrected quantiles (rows of lower, upper). Minutes."""
        data = matrix(frame, self.features, categories)
        base = base_of(frame, self.added_to)
        quantiles = np.sort(np.asarray(self.interval.predict(data), dtype=np.float64), axis=1)
        return base + self.point.predict(data), base[:, None] + quantiles

    def confidence(self, widths: NDArray[np.float64]) -> NDArray[np.float64]:
        """The confidence for these widths of intervals (minutes): the share of accurate predictions, 0 to 1."""
        return np.interp(widths, self.confidence_widths, self.confidence_values)


def base_of(frame: pd.DataFrame, added_to: str | None) -> NDArray[np.float64]:
    """The values that the output of the trees is added to, minutes."""
    return frame[added_to].to_numpy(dtype=np.float64) if added_to else np.zeros(len(frame))


def matrix(frame: pd.DataFrame, names: tuple[str, ...], categories: dict[str, list[str]]) -> xgboost.DMatrix:
    """The features as XGBoost's matrix. A category is its index in the list; an unknown category is missing."""
    columns = [_codes(frame[name], categories[name]) if name in categories else frame[name] for name in names]
    values = np.column_stack([np.asarray(column, dtype=np.float32) for column in columns])
    kinds = ["c" if name in categories else "q" for name in names]
    return xgboost.DMatrix(values, feature_names=list(names), feature_types=kinds)


def _codes(values: pd.Series[str], known: list[str]) -> NDArray[np.float32]:
    codes = pd.Categorical(values, categories=known).codes.astype(np.float32)
    return np.where(codes < 0, np.float32(np.nan), codes)


@dataclass(frozen=True)
class DelayModel:
    """A loaded version of the model."""

    version: str
    categories: dict[str, list[str]]
    stages: dict[str, StageModel]

    def predict(self, frame: pd.DataFrame, stages: pd.Series[str]) -> pd.DataFrame:
        """Predict ``PREDICTION_COLUMNS`` for each row of features; delays in minutes, rounded to hundredths."""
        result = pd.DataFrame(index=frame.index, columns=list(PREDICTION_COLUMNS), dtype=object)
        for stage, model in self.stages.items():
            rows = (stages == stage).to_numpy()
            if rows.any():
                result.loc[rows, :] = self._predict_stage(frame[rows], stage, model)
        numbers = dict.fromkeys(PREDICTION_COLUMNS[:4], float)
        return result.astype(numbers).round(dict.fromkeys(PREDICTION_COLUMNS[:3], 2) | {PREDICTION_COLUMNS[3]: 4})

    def _predict_stage(self, frame: pd.DataFrame, stage: str, model: StageModel) -> NDArray[np.object_]:
        point, quantiles = model.point_and_quantiles(frame, self.categories)
        lower = np.minimum(quantiles[:, 0] + model.interval_shift[0], point)
        upper = np.maximum(quantiles[:, 1] + model.interval_shift[1], point)
        values = np.empty((len(frame), len(PREDICTION_COLUMNS)), dtype=object)
        values[:, 0], values[:, 1], values[:, 2] = point, lower, upper
        values[:, 3] = model.confidence(upper - lower)
        values[:, 4], values[:, 5] = stage, self.version
        return values


def model_file(stage: str, part: str) -> str:
    """The name of a model file; ``part`` is ``point`` or ``interval``."""
    return f"{stage}.{part}.ubj"


def load(folder: Path) -> DelayModel:
    """Load a version from its folder. XGBoost's own format and JSON cannot run code.

    Raises TerminalError if a file is missing or does not match the card. XGBoost may hang on a damaged file or end the
    process, so the checksums are compared first.
    """
    try:
        card = json.loads((folder / CARD).read_text())
        for name, expected in card["files"].items():
            compare((folder / name).read_bytes(), expected, str(folder / name))
        stages = {stage: _load_stage(folder, stage, part) for stage, part in card["stages"].items()}
        return DelayModel(card["version"], card["categories"], stages)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, xgboost.core.XGBoostError) as error:
        raise TerminalError(f"The model in {folder} cannot be loaded ({type(error).__name__}: {error}).") from error


def _load_stage(folder: Path, stage: str, part: dict[str, Any]) -> StageModel:
    lower, upper = part["interval_shift"]
    return StageModel(
        point=xgboost.Booster(model_file=folder / model_file(stage, "point")),
        interval=xgboost.Booster(model_file=folder / model_file(stage, "interval")),
        features=tuple(part["features"]),
        added_to=part["added_to"],
        interval_shift=(lower, upper),
        confidence_widths=tuple(part["confidence"]["widths"]),
        confidence_values=tuple(part["confidence"]["values"]),
    )
