"""The promotion rule of the delay model: a candidate is better if its mean absolute error (MAE) is smaller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.promotion import Decision

COVERAGE_LIMITS = (0.85, 0.95)
"""The share of flights in the 90 % interval with which a candidate may be promoted."""

MAX_RATIO = 1.01
"""The largest allowed ratio of the candidate's MAE to the champion's in any one stage."""

Metrics = Mapping[str, Mapping[str, Any]]


def compare(candidate: Metrics, champion: Metrics) -> Decision:
    """Decide by the metrics of both on the same test days, by stage: ``mae`` (minutes) and ``coverage`` (0 to 1).

    The mean over the stages of the ratio of the MAEs must be below 1, no ratio above ``MAX_RATIO``, and every stage's
    coverage within ``COVERAGE_LIMITS``.
    """
    if set(candidate) != set(champion):
        return Decision(
            False, f"it predicts {_names(candidate)}, the champion {_names(champion)}: compare them by hand"
        )
    ratios = {stage: candidate[stage]["mae"] / champion[stage]["mae"] for stage in candidate}
    mean = sum(ratios.values()) / len(ratios)
    objections = _objections(candidate, ratios, mean)
    why = " and ".join(objections) or f"the mean ratio of its MAE to the champion's is {mean:.4f}, below 1"
    metrics = "; ".join(
        f"{stage} MAE {of['mae']:.2f} min (champion {champion[stage]['mae']:.2f}), "
        f"coverage {of['coverage']:.3f} ({champion[stage]['coverage']:.3f})"
        for stage, of in candidate.items()
    )
    return Decision(not objections, f"{why}: {metrics}")


def _objections(candidate: Metrics, ratios: Mapping[str, float], mean: float) -> list[str]:
    # Each condition is written so that a metric that is not a number is an objection.
    found = [] if mean < 1 else [f"the mean ratio of its MAE to the champion's is {mean:.4f}, not below 1"]
    found += [
        f"{stage} is {100 * (ratio - 1):.1f} % worse, where {100 * (MAX_RATIO - 1):.0f} % is allowed"
        for stage, ratio in ratios.items()
        if not ratio <= MAX_RATIO
    ]
    low, high = COVERAGE_LIMITS
    return found + [
        f"the intervals of {stage} cover {of['coverage']:.3f}, not {low} to {high}"
        for stage, of in candidate.items()
        if not low <= of["coverage"] <= high
    ]


def _names(metrics: Metrics) -> str:
    return ", ".join(sorted(metrics)) or "nothing"
