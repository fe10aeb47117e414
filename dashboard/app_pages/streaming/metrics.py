"""Streaming Analytics: the values of a metric by interval, its moving averages, windows and trend."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]

CONFIDENCE = 0.95
LEAST_POINTS = 5
"""A fit to fewer points is not significant, and ``t_quantile`` is less exact"""


class Metric(NamedTuple):
    """A sum, or a mean: the ratio of two sums. Sums can be added over intervals."""

    total: str
    per: str | None = None
    scale: float = 1.0


METRICS = {
    "events": Metric("events"),
    "departures": Metric("departures"),
    "arrivals": Metric("arrivals"),
    "cancellations": Metric("cancellations"),
    "departure_delay": Metric("departure_delay_sum_minutes", "departures_with_delay"),
    "arrival_delay": Metric("arrival_delay_sum_minutes", "arrivals_with_delay"),
    "delayed": Metric("delayed_arrivals", "arrivals_with_status", scale=100.0),
    "quality": Metric("quality_sum", "events_with_quality"),
}


def is_count(metric: str) -> bool:
    return METRICS[metric].per is None


def step_minutes(intervals: pd.DataFrame) -> int:
    """The length of an interval."""
    first = intervals.iloc[0]
    return int((first["interval_end"] - first["interval_start"]).total_seconds() // 60)


def values(intervals: pd.DataFrame, metric: str) -> pd.Series[float]:
    """The metric by interval, null where the divisor is zero."""
    chosen = METRICS[metric]
    return _divided(intervals[chosen.total], None if chosen.per is None else intervals[chosen.per], chosen.scale)


def sliding(complete: pd.DataFrame, metric: str, size_minutes: int) -> pd.Series[float]:
    """The metric over the window that ends with each interval, null before the first complete window.

    A mean is taken over all events of the window; it is not a mean of the intervals' means.
    """
    chosen, length = METRICS[metric], size_minutes // step_minutes(complete)
    total = complete[chosen.total].rolling(length).sum()
    return _divided(total, None if chosen.per is None else complete[chosen.per].rolling(length).sum(), chosen.scale)


def moving_average(complete: pd.DataFrame, metric: str, size_minutes: int) -> pd.Series[float]:
    """The mean of the metric per interval, over the window that ends with each interval."""
    windows = sliding(complete, metric, size_minutes)
    return windows * step_minutes(complete) / size_minutes if is_count(metric) else windows


def tumbling(complete: pd.DataFrame, metric: str, size_minutes: int) -> pd.DataFrame:
    """``window_start``, ``window_end`` and the ``value`` of the complete windows, which start at round times in UTC."""
    length = size_minutes // step_minutes(complete)
    names = [name for name in METRICS[metric][:2] if isinstance(name, str)]
    grouped = complete.groupby(complete["interval_start"].dt.floor(f"{size_minutes}min"))
    full = grouped[names].sum()[grouped.size() == length]
    return pd.DataFrame(
        {
            "window_start": full.index,
            "window_end": full.index + pd.Timedelta(minutes=size_minutes),
            "value": values(full, metric).to_numpy(),
        }
    )


def _divided(total: pd.Series[float], per: pd.Series[float] | None, scale: float) -> pd.Series[float]:
    return total.astype(float) if per is None else scale * total / per.where(per > 0)


@dataclass(frozen=True)
class Trend:
    """A fitted line with its confidence band, and its slope per hour."""

    times: pd.Series[pd.Timestamp]
    measured: Floats
    line: Floats
    half_width: Floats
    slope: float
    slope_half_width: float


def trend(complete: pd.DataFrame, metric: str) -> Trend | None:
    """The straight line through the intervals with a value; None for fewer than ``LEAST_POINTS``.

    Least squares. Intervals of a mean are weighted by the number w of its values, as its variance is proportional to
    1 / w. With the weighted mean x̄, S = sum w (x - x̄)² and s² = sum w (y - ŷ)² / (n - 2), the
    line's 95% confidence limits at x are ŷ ± t(0.975, n - 2) s sqrt(1 / sum w + (x - x̄)² / S), those of the slope
    ± t s / sqrt(S). Without weights these are the formulas of Montgomery and Runger, Applied Statistics and Probability
    for Engineers, 3rd ed., sections 11-6.1 and 11-6.2 (confidence interval on the slope, and on the mean response).
    """
    value, per = values(complete, metric), METRICS[metric].per
    known = complete[value.notna()]
    if len(known) < LEAST_POINTS:
        return None
    y = np.array(value.dropna(), dtype=np.float64)
    weight = np.ones(len(y)) if per is None else known[per].to_numpy(dtype=float)
    times = known["interval_start"] + (known["interval_end"] - known["interval_start"]) / 2
    x = ((times - times.iloc[0]).dt.total_seconds() / 3600).to_numpy()
    x_mean, y_mean = float(np.average(x, weights=weight)), float(np.average(y, weights=weight))
    spread = float(np.sum(weight * (x - x_mean) ** 2))
    slope = float(np.sum(weight * (x - x_mean) * (y - y_mean)) / spread)
    line = y_mean + slope * (x - x_mean)
    deviation = float(np.sqrt(np.sum(weight * (y - line) ** 2) / (len(y) - 2)))
    t = t_quantile((1 + CONFIDENCE) / 2, len(y) - 2)
    half_width = t * deviation * np.sqrt(1 / weight.sum() + (x - x_mean) ** 2 / spread)
    return Trend(times, y, line, half_width, slope, t * deviation / float(np.sqrt(spread)))


def t_quantile(probability: float, degrees_of_freedom: int) -> float:
    """The quantile of Student's t, within 0.2% for 0.975 and three degrees of freedom or more.

    The asymptotic expansion of Abramowitz and Stegun, Handbook of Mathematical Functions (1964), 26.7.5.
    """
    z, v = NormalDist().inv_cdf(probability), degrees_of_freedom
    terms = (
        (z**3 + z) / (4 * v),
        (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2),
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3),
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * v**4),
    )
    return z + sum(terms)
