"""Whether a newly trained version becomes the champion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

COVERAGE_LIMITS = (0.85, 0.95)
"""The share of flights in the 90 % interval with which a candidate may be promoted."""

WORST_RATIO = 1.01
"""How much larger the candidate's MAE may be in any one stage."""

Metrics = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Decision:
    """Whether to promote, and why in one sentence."""

    promote: bool
    reason: str


def decide(candidate: Metrics, champion: Metrics | None) -> Decision:
    """Decide by the figures of both, by stage, on the same held-out days: ``mae`` (minutes) and ``coverage`` (0 to 1).

    Without a champion any candidate is promoted. Else the mean over the stages of MAE / champion's MAE must be below 1,
    no stage's ratio above ``WORST_RATIO``, and every stage's coverage within ``COVERAGE_LIMITS``.
    """
    if champion is None:
        return Decision(True, "there is no champion yet")
    if set(candidate) != set(champion):
        return Decision(
            False, f"it predicts {_names(candidate)}, the champion {_names(champion)}: compare them by hand"
        )
    ratios = {stage: candidate[stage]["mae"] / champion[stage]["mae"] for stage in candidate}
    mean = sum(ratios.values()) / len(ratios)
    objections = _objections(candidate, ratios, mean)
    why = " and ".join(objections) or f"the mean of its MAE by the champion's is {mean:.4f}, below 1"
    figures = "; ".join(
        f"{stage} MAE {of['mae']:.2f} min (champion {champion[stage]['mae']:.2f}), "
        f"coverage {of['coverage']:.3f} ({champion[stage]['coverage']:.3f})"
        for stage, of in candidate.items()
    )
    return Decision(not objections, f"{why}: {figures}")


def _objections(candidate: Metrics, ratios: Mapping[str, float], mean: float) -> list[str]:
    # Written so that a figure that is not a number is an objection.
    found = [] if mean < 1 else [f"the mean of its MAE by the champion's is {mean:.4f}, not below 1"]
    found += [
        f"{stage} is {100 * (ratio - 1):.1f} % worse, where {100 * (WORST_RATIO - 1):.0f} % is allowed"
        for stage, ratio in ratios.items()
        if not ratio <= WORST_RATIO
    ]
    low, high = COVERAGE_LIMITS
    return found + [
        f"the intervals of {stage} cover {of['coverage']:.3f}, not {low} to {high}"
        for stage, of in candidate.items()
        if not low <= of["coverage"] <= high
    ]


def _names(metrics: Metrics) -> str:
    return ", ".join(sorted(metrics)) or "nothing"


def days_seen(champion: Mapping[str, list[str]], candidate: Mapping[str, list[str]]) -> int:
    """How many of the candidate's test days the champion was trained or tuned on, which flatters its figures.

    Both are the ``split`` of a card: first and last day (ISO) of ``train``, ``tune`` and ``test``.
    """
    first, last = (date.fromisoformat(day) for day in candidate["test"])
    seen = 0
    for part in ("train", "tune"):
        start, end = (date.fromisoformat(day) for day in champion[part])
        seen += max((min(end, last) - max(start, first)).days + 1, 0)
    return seen
