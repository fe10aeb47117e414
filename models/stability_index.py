"""The population stability index: how far recent values of a feature have moved from those of the training.

The index is ``sum((p - q) * ln(p / q))`` over the bins of a feature. p and q are the shares of recent and of training
rows in a bin (Siddiqi, "Credit Risk Scorecards", 2006). By convention below 0.1 is stable, above 0.25 is a shift.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MIN_ROWS_PER_DAY = 100
_BINS = 10
_SMALLEST_SHARE = 1e-4  # an empty bin would make the index infinite


def bins_of(values: pd.Series[Any], *, is_category: bool = False) -> dict[str, Any]:
    """Bins of values and the share of values in each bin: one bin per category, or deciles of the known numbers."""
    bins: dict[str, Any]
    if is_category:
        bins = {"values": sorted(values.dropna().unique().tolist())}
    else:
        known = values.dropna().to_numpy(dtype=float)
        cuts = np.unique(np.quantile(known, np.linspace(0, 1, _BINS + 1)[1:-1])) if len(known) else np.array([])
        bins = {"cuts": [float(cut) for cut in cuts]}
    return bins | {"shares": [float(share) for share in _shares(values, bins)]}


def largest_of_a_day(values: pd.Series[Any], days: pd.Series[pd.Timestamp], bins: dict[str, Any]) -> float:
    """The largest index of any single day of these values. Days with fewer than ``MIN_ROWS_PER_DAY`` do not count.

    Weather and delays of one day differ much from those of months: only an index above this one is a shift.
    """
    of_days = [group for _, group in values.groupby(days) if len(group) >= MIN_ROWS_PER_DAY]
    return max((stability_index(group, bins) for group in of_days), default=0.0)


def stability_index(values: pd.Series[Any], bins: dict[str, Any]) -> float:
    """The population stability index of recent values of a feature against its reference."""
    recent = np.maximum(_shares(values, bins), _SMALLEST_SHARE)
    trained = np.maximum(np.asarray(bins["shares"]), _SMALLEST_SHARE)
    return float(((recent - trained) * np.log(recent / trained)).sum())


def _shares(values: pd.Series[Any], bins: dict[str, Any]) -> NDArray[np.float64]:
    """The share of values in each bin. The last bin but one holds unknown categories, the last one missing values."""
    if "values" in bins:
        codes = pd.Categorical(values, categories=bins["values"]).codes.astype(int)
        size = len(bins["values"]) + 2
        codes = np.where(codes < 0, size - 2, codes)
    else:
        codes = np.searchsorted(bins["cuts"], values.to_numpy(dtype=float), side="left")
        size = len(bins["cuts"]) + 3
    codes = np.where(values.isna().to_numpy(), size - 1, codes)
    return np.bincount(codes, minlength=size) / max(len(codes), 1)
