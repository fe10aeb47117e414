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
LARGEST_OF_A_DAY, ERRORS = "largest_of_a_day", "error_minutes"
"""In the reference: how far single training days were off, of each feature; and the errors, beside the features."""
FEWEST_OF_A_DAY = 100
_BINS = 10
_SMALLEST_SHARE = 1e-4  # an empty bin would make the index infinite


def reference(frame: pd.DataFrame) -> dict[str, Any]:
    """The bins of each feature over training flights, and the share of flights in each."""
    return {name: bins_of(frame[name], is_category=name in features.CATEGORIES) for name in features.FEATURES}


def bins_of(values: pd.Series[Any], *, is_category: bool = False) -> dict[str, Any]:
    """Bins over values, and the share of values in each: one a category, or tenths of what is known."""
    bins: dict[str, Any]
    if is_category:
        bins = {"values": sorted(values.dropna().unique().tolist())}
    else:
        known = values.dropna().to_numpy(dtype=float)
        cuts = np.unique(np.quantile(known, np.linspace(0, 1, _BINS + 1)[1:-1])) if len(known) else np.array([])
        bins = {"cuts": [float(cut) for cut in cuts]}
    return bins | {"shares": [float(share) for share in _shares(values, bins)]}


def largest_of_a_day(values: pd.Series[Any], days: pd.Series[pd.Timestamp], bins: dict[str, Any]) -> float:
    """The largest index that any single day of these values has; days of fewer than ``FEWEST_OF_A_DAY`` do not count.

    Weather and delays of one day are far from those of months: only what exceeds every day trained on is a shift.
    """
    of_days = [group for _, group in values.groupby(days) if len(group) >= FEWEST_OF_A_DAY]
    return max((stability_index(group, bins) for group in of_days), default=0.0)


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
