"""From a training to the registry: a version is published, compared with the champion, and promoted if it is better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from models import delay_model, features, kept_trainings, model_versions, promotion, training
from models.card import Card
from models.registry import Champion, Registry
from models.training import Samples
from models.training_progress import Told, tell_nobody
from skytier import logs
from skytier.errors import TerminalError
from skytier.settings.base import home

log = logs.logger("train")


@dataclass(frozen=True)
class Outcome:
    """What became of a training: the card of its version, whether it was promoted now, and why or why not."""

    card: Card
    promoted: bool
    reason: str


def train_and_publish(
    registry: Registry, samples: Callable[[], Samples], keep_as: str | None = None, told: Told = tell_nobody
) -> Outcome:
    """Train, publish, and promote what is better than the champion on the new version's own test days.

    With ``keep_as`` the result of the training that was kept under this name is used, and a new one is kept.
    ``samples`` is called when they are needed, once at most; ``told`` with how far the training is.

    Raises TerminalError when there are too few days to train on, or the champion cannot be measured; TransientError
    when HDFS or the SQL endpoint does not answer.
    """
    samples = cache(samples)

    def train(folder: Path) -> None:
        training.train(samples(), folder, told)

    with TemporaryDirectory() as temporary:
        if keep_as is None:
            folder = Path(temporary)
            train(folder)
        else:
            folder = kept_trainings.find_or_make(keep_as, train)
        version = registry.publish(folder)
    model_versions.record(registry)
    card = registry.card(version)
    decision = _decide(registry, card, samples)
    log.info("decided", version=version, promoted=decision.promote, reason=decision.reason)
    if decision.promote:
        registry.promote(version, decision.reason)
    return Outcome(card, decision.promote, decision.reason)


def _decide(registry: Registry, card: Card, samples: Callable[[], Samples]) -> promotion.Decision:
    champion = registry.champion()
    if champion is None:
        return promotion.decide(card["metrics"], None)
    # A training that was kept may have been published before.
    if champion.version == card["version"]:
        return promotion.Decision(False, "it is the champion already")
    for ended in champion.rolled_back:
        if ended.version == card["version"]:
            return promotion.Decision(False, f"it was rolled back ({ended.until_reason})")
    decision = promotion.decide(card["metrics"], _measure(registry, champion, card, samples()))
    if seen := promotion.days_seen(registry.card(champion.version)["split"], card["split"]):
        note = f"the champion's figures are flattered: it was trained on {seen} of the days they were measured on"
        return promotion.Decision(decision.promote, f"{decision.reason}; {note}")
    return decision


def _measure(registry: Registry, champion: Champion, card: Card, data: Samples) -> dict[str, dict[str, Any]]:
    """The champion's figures on the test days of the samples."""
    model = delay_model.load(registry.fetch(champion.version, home() / "models"))
    needed = {name for stage in model.stages.values() for name in stage.features}
    if unknown := needed.difference(features.FEATURES):
        raise TerminalError(
            f"The champion {champion.version} needs {', '.join(sorted(unknown))}, which models/features.py does not "
            f"make any more, so that it cannot be compared with {card['version']}. That one is published: if it is to "
            f"predict, run 'skytier models promote {card['version']} --reason ...'."
        )
    return training.test(model, data)
