"""A minimal delay model that is trained within a second on synthetic rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xgboost

from models.card import CARD, checksums
from models.delay import delay_model, features

CATEGORIES = {"airline": ["AA", "B6", "UA"]}
NAMES = ("airline", "distance_miles", "weather_wind_speed_mph")
ADDED_TO = "departure_delay_minutes"
STAGES = (features.BEFORE, features.AFTER)


def rows(count: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "airline": rng.choice(CATEGORIES["airline"], count),
            "distance_miles": rng.uniform(100, 2500, count).astype(np.float32),
            "weather_wind_speed_mph": rng.integers(0, 40, count).astype(np.float32),
            ADDED_TO: rng.normal(10, 30, count).round().astype(np.float32),
        }
    )
    frame.loc[rng.random(count) < 0.1, "distance_miles"] = np.nan
    return frame


def _stage_card(added_to: str | None) -> dict[str, Any]:
    return {
        "features": list(NAMES),
        "added_to": added_to,
        "interval_shift": [-1.5, 2.5],
        "confidence": {"widths": [5.0, 20.0, 60.0], "values": [0.95, 0.6, 0.2]},
    }


def train(folder: Path) -> Path:
    """The model in the folder, its two stages fitted to ``rows`` with little noise."""
    known = rows(600, seed=1)
    late = (
        known["airline"].map({"AA": 0.0, "B6": 12.0, "UA": 25.0}).to_numpy(dtype=float)
        + known["weather_wind_speed_mph"]
    )
    noise = np.random.default_rng(2).normal(0, 1, len(known)) * known["weather_wind_speed_mph"]
    data = delay_model.matrix(known, NAMES, CATEGORIES)
    data.set_label((late + noise).to_numpy(dtype=float))
    quantiles = {"objective": "reg:quantileerror", "quantile_alpha": [0.05, 0.95]}
    for stage, rounds in zip(STAGES, (6, 4), strict=True):
        shape = {"tree_method": "hist", "max_depth": 3, "eta": 0.5, "seed": 3}
        for part, objective in (("point", {"objective": "reg:squarederror"}), ("interval", quantiles)):
            booster = xgboost.train(shape | objective, data, rounds)
            booster.save_model(folder / delay_model.model_file(stage, part))
    card = {
        "version": "20130101T000000Z-tiny",
        "files": checksums(folder),
        "categories": CATEGORIES,
        "stages": {features.BEFORE: _stage_card(None), features.AFTER: _stage_card(ADDED_TO)},
    }
    (folder / CARD).write_text(json.dumps(card))
    return folder
