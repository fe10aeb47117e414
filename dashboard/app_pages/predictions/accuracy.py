"""Prediction & Insights: the accuracy metrics, from the sums of the query."""

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
_INTEGERS = ("predicted_bin", "actual_bin")  # null in other parts of the result, which makes them floats


def accuracy(
    sums: pd.DataFrame, *by: str, part: str | None = None, stage: str | None = None, seen: bool = True
) -> pd.DataFrame:
    """The metrics by some columns of the result of ``queries.evaluated``, or one row over all.

    Restricted to one ``part`` of the result and one ``stage``, if given; without ``seen``, predictions for flights of
    the training data are excluded.
    ``predictions``; errors and ``mean_interval_minutes`` in minutes; ``percentage_error_pct`` (MAPE) and the share
    of predictions that it includes, ``percentage_flights_pct``; ``in_interval_pct``, ``accurate_pct`` (within 15
    minutes), ``confidence_pct`` (predicted), ``anomalies_pct``, ``known_pct`` (in the training data);
    ``mean_actual_minutes``; ``test_mae_minutes``, the MAE of the versions on their test days, weighted by predictions.
    """
    rows = sums if part is None else sums[sums["part"] == part]
    rows = rows if stage is None else rows[rows["stage"] == stage]
    is_known = rows["is_in_training"].eq(True).fillna(False).astype(bool)
    rows = rows.assign(known=rows["predictions"].where(is_known, 0))
    if not seen:
        rows = rows[~is_known]
    if rows.empty:
        return pd.DataFrame()
    # The sum of unknown values is unknown, not zero.
    found = rows.groupby(list(by) or np.zeros(len(rows)))[list(_SUMS)].sum(min_count=1).reset_index(drop=not by)
    found = found.astype({name: int for name in by if name in _INTEGERS})
    count = found["predictions"]
    rated = found["percentage_predictions"].where(found["percentage_predictions"] > 0)
    metrics = {
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
    return pd.DataFrame({name: found[name] for name in by} | metrics)


def overall(rows: pd.DataFrame, name: str) -> float:
    """A metric over all rows of ``accuracy``, weighted by their predictions; nan where no value is known."""
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
    """Draw the metrics ``by`` some columns (see ``accuracy``) of a result. The download contains them too.

    ``draw`` gets the rows of ``accuracy`` and the ``given`` values.
    """
    rows = accuracy(sums, *by, part=part, stage=stage, seen=seen)
    if rows.empty:
        return text.EMPTY if seen else text.ALL_KNOWN
    drawing = draw(rows, *given)
    return replace(drawing, rows=rows) if isinstance(drawing, Chart) else drawing
