"""Prediction & Insights: the bins of predicted and actual delays."""

from __future__ import annotations

from collections.abc import Hashable

import pandas as pd

from dashboard.app_pages.predictions import text
from dashboard.app_pages.predictions.queries import BIN_MINUTES, FIRST_BIN_MINUTES, LAST_BIN_MINUTES

BINS = range(FIRST_BIN_MINUTES, LAST_BIN_MINUTES, BIN_MINUTES)
AXIS = {"range": [FIRST_BIN_MINUTES, LAST_BIN_MINUTES], "dtick": 60, "tick0": 0}


def centre(bins: pd.Series[int]) -> pd.Series[float]:
    return bins + BIN_MINUTES / 2


def end(bins: int, *, first: bool) -> str:
    """The label of a bound of a bin: the first and the last bin contain all values beyond."""
    if first:
        return text.EARLIER if bins == FIRST_BIN_MINUTES else f"{bins:+d}"
    return text.LATER if bins == LAST_BIN_MINUTES - BIN_MINUTES else f"{bins + BIN_MINUTES:+d}"


def bounds(lower: Hashable) -> str:
    """The bounds of a bin, in minutes."""
    bound = int(float(str(lower)))  # a column of results that has nulls elsewhere is of floats
    return f"{end(bound, first=True)} to {end(bound, first=False)}"
