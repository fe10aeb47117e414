"""Prediction & Insights: from the sums of an answer to the accuracy of any part of it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from dashboard.app_pages.predictions import text
from dashboard.panels.drawings import Chart, Draw, Drawing

_SUMS = (
    "predictions",
    "known",
    "absolute_error_sum",
    "squared_error_sum",
    "error_sum",
    "percentage_predictions",
    "percentage_error_sum",
    "in_interval",
    "interval_sum",
    "accurate",
    "confidence_sum",
    "anomalies",
    "actual_sum",
    "test_mae_sum",
    "with_test_mae",
)
_WHOLE = ("predicted_bin", "actual_bin")  # other parts of the answer lack them, so that they come as floats


def accuracy(
    sums: pd.DataFrame, *by: str, part: str | None = None, stage: str | None = None, seen: bool = True
) -> pd.DataFrame:
    """The accuracy by some columns of an answer (``queries.predictions.judged``), or one row over all.

    Of one ``part`` of the answer, and of one ``stage``, where it is given; without ``seen``, predictions of flights
    known from the training are left out.
    ``predictions``; errors and ``mean_interval_minutes`` in minutes; ``percentage_error_pct`` (MAPE) and on how many of
    the predictions it rests, ``percentage_flights_pct``; ``in_interval_pct``, ``accurate_pct`` (within 15 minutes),
    ``confidence_pct`` (stated), ``anomalies_pct``, ``known_pct`` (known from the training); ``mean_actual_minutes``;
    ``test_mae_minutes``, the mean absolute error of the versions on their test days, by their predictions here.
    """
    rows = sums if part is None else sums[sums["part"] == part]
    rows = rows if stage is None else rows[rows["stage"] == stage]
    is_known = rows["is_in_training"].eq(True).fillna(False).astype(bool)
    rows = rows.assign(known=rows["predictions"].where(is_known, 0))
    if not seen:
        rows = rows[~is_known]
    if rows.empty:
        return pd.DataFrame()
    # A sum over nothing known is not known, not zero.
    found = rows.groupby(list(by) or np.zeros(len(rows)))[list(_SUMS)].sum(min_count=1).reset_index(drop=not by)
    found = found.astype({name: int for name in by if name in _WHOLE})
    count = found["predictions"]
    rated = found["percentage_predictions"].where(found["percentage_predictions"] > 0)
    figures = {
        "predictions": count,
        "mean_absolute_error_minutes": found["absolute_error_sum"] / count,
        "root_mean_squared_error_minutes": np.sqrt(found["squared_error_sum"] / count),
        "mean_error_minutes": found["error_sum"] / count,
        "percentage_error_pct": 100 * found["percentage_error_sum"] / rated,
        "percentage_flights_pct": 100 * found["percentage_predictions"] / count,
        "in_interval_pct": 100 * found["in_interval"] / count,
        "mean_interval_minutes": found["interval_sum"] / count,
        "accurate_pct": 100 * found["accurate"] / count,
        "confidence_pct": 100 * found["confidence_sum"] / count,
        "anomalies_pct": 100 * found["anomalies"] / count,
        "known_pct": 100 * found["known"] / count,
        "mean_actual_minutes": found["actual_sum"] / count,
        "test_mae_minutes": found["test_mae_sum"] / found["with_test_mae"],
    }
    return pd.DataFrame({name: found[name] for name in by} | figures)


def overall(rows: pd.DataFrame, name: str) -> float:
    """A figure over all rows of ``accuracy``, each by the predictions that it rests on; nan where nothing is known."""
    weights = rows["predictions"]
    if name == "percentage_error_pct":
        weights = weights * rows["percentage_flights_pct"]
    is_known = rows[name].notna() & (weights > 0)
    if not is_known.any():
        return float("nan")
    values, weights = rows.loc[is_known, name].astype(float), weights[is_known]
    if name == "root_mean_squared_error_minutes":
        return float(np.sqrt(np.average(values**2, weights=weights)))
    return float(np.average(values, weights=weights))


def draw_accuracy(
    sums: pd.DataFrame,
    draw: Draw,
    by: Sequence[str],
    part: str | None = None,
    stage: str | None = None,
    seen: bool = True,
    *given: Hashable,
) -> Drawing:
    """Draw the accuracy ``by`` some columns (as ``accuracy``) of an answer; the download has it too.

    ``draw`` draws what ``accuracy`` gives, and what else is ``given``.
    """
    rows = accuracy(sums, *by, part=part, stage=stage, seen=seen)
    if rows.empty:
        return text.EMPTY if seen else text.ALL_KNOWN
    drawing = draw(rows, *given)
    return replace(drawing, rows=rows) if isinstance(drawing, Chart) else drawing
