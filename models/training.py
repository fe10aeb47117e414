"""Training: for each stage a point prediction, an interval and a confidence, each measured on months not trained on."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xgboost
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from models import drift, evaluation, features
from models.card import CARD, checksums
from models.delay_model import ACCURATE_WITHIN_MINUTES, DelayModel, StageModel, base_of, load, matrix, model_file
from models.training_data import History
from models.training_progress import Rounds, Told, part_of, tell_nobody
from skytier import logs
from skytier.errors import TerminalError

# The real year: January to September to train on, October to tune on, November and December to test on.
TRAIN_DAYS, TUNE_DAYS, ALL_DAYS = 273, 31, 365
FEWEST_DAYS, FEWEST_FLIGHTS = 60, 100
PARTS = ("train", "tune", "test")
COVERAGE = 0.90

_TREES: dict[str, Any] = {
    "tree_method": "hist",
    "seed": 2013,
    "subsample": 0.8,
    "colsample_bytree": 0.5,
    "min_child_weight": 50,
    "reg_lambda": 5,
}
# Between the mean (squared error), which a few extreme delays decide, and the median (absolute error), which does not
# see them: deviations up to the slope count as squares, those beyond it by their size.
POINT: dict[str, dict[str, Any]] = {
    features.BEFORE: {"objective": "reg:pseudohubererror", "huber_slope": 30, "eta": 0.1, "max_depth": 6},
    features.AFTER: {"objective": "reg:pseudohubererror", "huber_slope": 10, "eta": 0.1, "max_depth": 6},
}
INTERVAL: dict[str, Any] = {"objective": "reg:quantileerror", "eta": 0.15, "max_depth": 6}
# Delays have a long upper tail: an interval that leaves out less below than above is narrower. Chosen on October.
LOWER_TAIL = {features.BEFORE: 0.02, features.AFTER: 0.03}
POINT_ROUNDS, INTERVAL_ROUNDS, PATIENCE = 250, 120, 20
_CONFIDENCE_POINTS = 20

# A month that was never trained on says nothing to trees, and misleads them; all else may count.
NOT_USED = {features.BEFORE: {"month", "departure_delay_minutes"}, features.AFTER: {"month"}}

# Once the flight has left, the trees learn what it makes up in the air: what was lost on the ground is known exactly.
ADDED_TO: dict[str, str | None] = {features.BEFORE: None, features.AFTER: "departure_delay_minutes"}

log = logs.logger("train")


class TooFewDaysError(TerminalError):
    """The flights do not span enough days to train and test on."""


@dataclass(frozen=True)
class Split:
    """First days of the months to tune on and to test on, first and last day of all (local days of departure)."""

    first: date
    tune: date
    test: date
    last: date


def split(first: date, last: date) -> Split:
    """The days in order, in the proportions of the real year. Raises TooFewDaysError."""
    days = (last - first).days + 1
    if days < FEWEST_DAYS:
        raise TooFewDaysError(
            f"{days} days of flights ({first} to {last}) are too few to train and test on: {FEWEST_DAYS} are needed. "
            "Wait for more, or train on the real year with 'skytier train'."
        )
    tune = first + timedelta(days=round(days * TRAIN_DAYS / ALL_DAYS))
    return Split(first, tune, tune + timedelta(days=max(round(days * TUNE_DAYS / ALL_DAYS), 1)), last)


@dataclass(frozen=True)
class Samples:
    """Features of the flights whose outcome is known: one row a prediction.

    ``frame`` has ``features.FEATURES`` and ``stage``, ``day`` (local date of departure), ``actual`` (minutes);
    ``description`` says what they were made from.
    """

    frame: pd.DataFrame
    split: Split
    description: dict[str, Any]

    def of(self, stage: str, part: str) -> pd.DataFrame:
        """The rows of a stage in ``train``, ``tune`` or ``test``."""
        start, end = {
            "train": (self.split.first, self.split.tune),
            "tune": (self.split.tune, self.split.test),
            "test": (self.split.test, self.split.last + timedelta(days=1)),
        }[part]
        frame = self.frame
        is_in = (frame["day"] >= pd.Timestamp(start)) & (frame["day"] < pd.Timestamp(end))
        return frame[(frame["stage"] == stage) & is_in]


def samples(history: History) -> Samples:
    """All features of a history, and its days split. Raises TooFewDaysError."""
    began, events = time.monotonic(), history.events
    targets = events[features.is_predicted_on(events)]
    arrived = events[events["event_type"] == "arrived"].drop_duplicates("flight_id").set_index("flight_id")
    frame = features.build(targets, events)
    frame["stage"] = targets["event_type"].map(features.STAGES)
    # The id of a flight begins with its local day.
    frame["day"] = pd.to_datetime(targets["flight_id"].str[:10])
    frame["actual"] = targets["flight_id"].map(arrived["arrival_delay_minutes"])
    frame = frame[frame["actual"].notna()]
    if frame.empty:
        raise TerminalError("There is no flight with a known arrival delay to train on.")
    log.info("features made", rows=len(frame), seconds=round(time.monotonic() - began, 1))
    days = split(frame["day"].min().date(), frame["day"].max().date())
    data = Samples(frame, days, history.description | {"rows": len(frame)})
    for stage in features.STAGES.values():
        for part in PARTS:
            if (flights := len(data.of(stage, part))) < FEWEST_FLIGHTS:
                raise TooFewDaysError(
                    f"There are only {flights} flights with a known arrival delay in the days to {part} on "
                    f"({data.split}): {FEWEST_FLIGHTS} are needed."
                )
    return data


def train(data: Samples, folder: Path, told: Told = tell_nobody) -> dict[str, Any]:
    """Train all stages, write the model's files and its card to ``folder``, and return the card."""
    began = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    used = data.frame[data.frame["day"] < pd.Timestamp(data.split.tune)]
    categories = {name: sorted(used[name].dropna().unique().tolist()) for name in features.CATEGORIES}
    stages = {
        stage: _train_stage(data, stage, categories, folder, part_of(told, number / 2, (number + 1) / 2))
        for number, stage in enumerate((features.BEFORE, features.AFTER))
    }
    trained_at = datetime.now(UTC)
    card: dict[str, Any] = {
        "version": f"{trained_at:%Y%m%dT%H%M%SZ}",
        "trained_at": trained_at.isoformat(timespec="seconds"),
        "data": data.description,
        "split": {
            "train": [data.split.first.isoformat(), (data.split.tune - timedelta(days=1)).isoformat()],
            "tune": [data.split.tune.isoformat(), (data.split.test - timedelta(days=1)).isoformat()],
            "test": [data.split.test.isoformat(), data.split.last.isoformat()],
        },
        "interval_share": COVERAGE,
        "accurate_within_minutes": ACCURATE_WITHIN_MINUTES,
        "categories": categories,
        "stages": stages,
        "libraries": {name: metadata.version(name) for name in ("xgboost-cpu", "numpy", "pandas", "scipy")},
        "files": checksums(folder),
    }
    _write_card(folder, card)
    model = load(folder)
    (folder / drift.REFERENCE).write_text(json.dumps({stage: _reference(model, data, stage) for stage in stages}))
    card["files"] = checksums(folder)
    card["version"] += "-" + hashlib.sha256("".join(card["files"].values()).encode()).hexdigest()[:8]
    card["metrics"] = test(model, data)
    card["baselines"] = {
        stage: evaluation.baselines(data.of(stage, "train"), data.of(stage, "test")) for stage in stages
    }
    card["seconds"] = round(time.monotonic() - began, 1)
    _write_card(folder, card)
    log.info("trained", version=card["version"], rows=len(data.frame), seconds=card["seconds"])
    return card


def _reference(model: DelayModel, data: Samples, stage: str) -> dict[str, Any]:
    """What later days are compared with: the features of the training days, the errors on the test days."""
    train_rows, test_rows = data.of(stage, "train"), data.of(stage, "test")
    reference = drift.reference(train_rows)
    for name, bins in reference.items():
        bins[drift.LARGEST_OF_A_DAY] = drift.largest_of_a_day(train_rows[name], train_rows["day"], bins)
    predicted = model.predict(test_rows, test_rows["stage"])["predicted_delay_minutes"]
    return reference | {drift.ERRORS: drift.bins_of(test_rows["actual"] - predicted)}


def test(model: DelayModel, data: Samples) -> dict[str, dict[str, Any]]:
    """The figures of a model on the test days of the samples, by stage."""
    result = {}
    for stage in model.stages:
        rows = data.of(stage, "test")
        result[stage] = evaluation.measure(rows["actual"].to_numpy(dtype=float), model.predict(rows, rows["stage"]))
    return result


def _write_card(folder: Path, card: dict[str, Any]) -> None:
    (folder / CARD).write_text(json.dumps(card, indent=1) + "\n")


def _train_stage(
    data: Samples, stage: str, categories: dict[str, list[str]], folder: Path, told: Told
) -> dict[str, Any]:
    names = tuple(name for name in features.FEATURES if name not in NOT_USED[stage])
    train_rows, tune_rows = data.of(stage, "train"), data.of(stage, "tune")
    fit, tune = (_labelled(rows, stage, names, categories) for rows in (train_rows, tune_rows))
    began = time.monotonic()
    point = xgboost.train(
        _TREES | POINT[stage] | {"base_score": 0, "eval_metric": "mae"},
        fit,
        POINT_ROUNDS,
        evals=[(tune, "tune")],
        early_stopping_rounds=PATIENCE,
        verbose_eval=False,
        callbacks=[Rounds(part_of(told, 0, 0.7), f"{stage}: point", POINT_ROUNDS)],
    )
    point = point[: point.best_iteration + 1]
    tails = (LOWER_TAIL[stage], 1 - COVERAGE - LOWER_TAIL[stage])
    quantile = INTERVAL | {"quantile_alpha": [tails[0], 1 - tails[1]]}
    rounds = Rounds(part_of(told, 0.7, 1), f"{stage}: interval", INTERVAL_ROUNDS)
    interval = xgboost.train(_TREES | quantile, fit, INTERVAL_ROUNDS, callbacks=[rounds])
    log.info("stage trained", stage=stage, rows=fit.num_row(), seconds=round(time.monotonic() - began, 1))
    point.save_model(folder / model_file(stage, "point"))
    interval.save_model(folder / model_file(stage, "interval"))
    raw = StageModel(point, interval, names, ADDED_TO[stage], (0.0, 0.0), (0.0,), (0.0,))
    actual = tune_rows["actual"].to_numpy(dtype=float)
    predicted, quantiles = raw.point_and_quantiles(tune_rows, categories)
    shift = _interval_shift(actual, quantiles, tails)
    widths = np.maximum(quantiles[:, 1] + shift[1], predicted) - np.minimum(quantiles[:, 0] + shift[0], predicted)
    is_accurate = np.abs(actual - predicted) <= ACCURATE_WITHIN_MINUTES
    importance = point.get_score(importance_type="total_gain")
    total = sum(float(np.sum(gain)) for gain in importance.values())
    shares = {name: round(float(np.sum(gain)) / total, 5) for name, gain in importance.items()}
    return {
        "features": list(names),
        "added_to": ADDED_TO[stage],
        "parameters": {
            "point": _TREES | POINT[stage] | {"rounds": point.num_boosted_rounds()},
            "interval": _TREES | quantile | {"rounds": INTERVAL_ROUNDS},
        },
        "interval_shift": shift,
        "confidence": _confidence(widths, is_accurate),
        "importance": dict(sorted(shares.items(), key=lambda item: -item[1])),
    }


def _labelled(
    rows: pd.DataFrame, stage: str, names: tuple[str, ...], categories: dict[str, list[str]]
) -> xgboost.DMatrix:
    data = matrix(rows, names, categories)
    data.set_label(rows["actual"].to_numpy(dtype=np.float64) - base_of(rows, ADDED_TO[stage]))
    return data


def _interval_shift(
    actual: NDArray[np.float64], quantiles: NDArray[np.float64], tails: tuple[float, float]
) -> list[float]:
    """Minutes to add to both quantiles so that each leaves out its tail, on flights that were not trained on.

    Conformalized quantile regression, each side by itself: Romano, Patterson and Candès, "Conformalized Quantile
    Regression" (2019), theorem 2.
    """
    ranks = [min((1 - tail) * (1 + 1 / len(actual)), 1.0) for tail in tails]
    return [
        -float(np.quantile(quantiles[:, 0] - actual, ranks[0])),
        float(np.quantile(actual - quantiles[:, 1], ranks[1])),
    ]


def _confidence(widths: NDArray[np.float64], is_accurate: NDArray[np.bool_]) -> dict[str, list[float]]:
    """How often predictions were accurate by the width of their interval: never more often with a wider one."""
    bins = np.array_split(np.argsort(widths, kind="stable"), _CONFIDENCE_POINTS)
    middle = [float(np.median(widths[rows])) for rows in bins]
    share = [float(is_accurate[rows].mean()) for rows in bins]
    falling = isotonic_regression(share, weights=[len(rows) for rows in bins], increasing=False).x
    return {"widths": middle, "values": [float(value) for value in falling]}
