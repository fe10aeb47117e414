"""Promotion: whether a published version becomes the champion, which is the version that predicts.

``promote_if_better`` applies the rules that hold for any model. How a candidate is compared with the champion is the
rule of each model (``models.delay.promotion_rule``). Operators promote by hand with ``skytier models promote``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from models.card import Card
from models.registry import Champion, Registry
from skytier import logs

log = logs.logger("models")


@dataclass(frozen=True)
class Decision:
    """Whether to promote, and why in one sentence."""

    promote: bool
    reason: str


def promote_if_better(registry: Registry, version: str, compare: Callable[[Card, Champion], Decision]) -> Decision:
    """Promote a published version if it is better than the champion, and return the decision.

    The first version is promoted without comparison. A version that was rolled back is not promoted again. ``compare``
    is called with the version's card and the champion; it decides all other cases.
    """
    decision = _decide(registry, registry.card(version), compare)
    log.info("promotion decided", version=version, promoted=decision.promote, reason=decision.reason)
    if decision.promote:
        registry.promote(version, decision.reason)
    return decision


def _decide(registry: Registry, card: Card, compare: Callable[[Card, Champion], Decision]) -> Decision:
    champion = registry.champion()
    if champion is None:
        return Decision(True, "there is no champion yet")
    # A version from the training cache may have been published before.
    if champion.version == card["version"]:
        return Decision(False, "it is already the champion")
    for tenure in champion.rolled_back:
        if tenure.version == card["version"]:
            return Decision(False, f"it was rolled back ({tenure.until_reason})")
    return compare(card, champion)


def days_seen(champion: Mapping[str, list[str]], candidate: Mapping[str, list[str]]) -> int:
    """How many of the candidate's test days the champion was trained or tuned on: its metrics on them are optimistic.

    Both are the ``split`` of a card: first and last day (ISO) of ``train``, ``tune`` and ``test``.
    """
    first, last = (date.fromisoformat(day) for day in candidate["test"])
    seen = 0
    for part in ("train", "tune"):
        start, end = (date.fromisoformat(day) for day in champion[part])
        seen += max((min(end, last) - max(start, first)).days + 1, 0)
    return seen
