"""Drift: how far what is predicted on has moved from what was trained on.

The measure is the population stability index, ``sum((p - q) * ln(p / q))`` over the bins of a feature, p and q being
the shares of recent and of training flights in a bin (Siddiqi, "Credit Risk Scorecards", 2006). By custom below 0.1
is stable, above 0.25 is a shift.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models import features

REFERENCE = "reference.json"
_BINS = 10
_SMALLEST_SHARE = 1e-4  # an empty bin would make the index infinite


def reference(frame: pd.DataFrame) -> dict[str, Any]:
    """The bins of each feature over training flights, and the share of flights in each."""
    result: dict[str, Any] = {}
    for name in features.FEATURES:
        if name in features.CATEGORIES:
            result[name] = {"values": sorted(frame[name].dropna().unique().tolist())}
        else:
            known = frame[name].dropna().to_numpy(dtype=float)
            cuts = np.unique(np.quantile(known, np.linspace(0, 1, _BINS + 1)[1:-1])) if len(known) else np.array([])
            result[name] = {"cuts": [float(cut) for cut in cuts]}
        result[name]["shares"] = [float(share) for share in _shares(frame[name], result[name])]
    return result


def stability_index(values: pd.Series[Any], bins: dict[str, Any]) -> float:
    """The population stability index of recent values of a feature against its reference."""
    recent = np.maximum(_shares(values, bins), _SMALLEST_SHARE)
    trained = np.maximum(np.asarray(bins["shares"]), _SMALLEST_SHARE)
    return float(((recent - trained) * np.log(recent / trained)).sum())


def _shares(values: pd.Series[Any], bins: dict[str, Any]) -> NDArray[np.float64]:
    """The share of values in each bin; the last but one is what no category names, the last what is missing."""
    if "values" in bins:
        codes = pd.Categorical(values, categories=bins["values"]).codes.astype(int)
        size = len(bins["values"]) + 2
        codes = np.where(codes < 0, size - 2, codes)
    else:
        codes = np.searchsorted(bins["cuts"], values.to_numpy(dtype=float), side="left")
        size = len(bins["cuts"]) + 3
    codes = np.where(values.isna().to_numpy(), size - 1, codes)
    return np.bincount(codes, minlength=size) / max(len(codes), 1)
