"""From a training to the registry: train a version, publish it, and promote it if it is better than the champion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from models import promotion, training_cache
from models.card import Card
from models.delay import delay_model, evaluation, features, model_versions, promotion_rule, training
from models.delay.samples import Samples
from models.promotion import Decision
from models.registry import Champion, Registry
from models.training_progress import OnProgress, ignore_progress
from skytier.errors import TerminalError


@dataclass(frozen=True)
class Outcome:
    """The result of a training: the card of its version, whether it was promoted, and why or why not."""

    card: Card
    promoted: bool
    reason: str


def train_and_publish(
    registry: Registry,
    samples: Callable[[], Samples],
    fetched: Path,
    cache_key: str | None = None,
    on_progress: OnProgress = ignore_progress,
) -> Outcome:
    """Train a version, publish it, and promote it if it is better than the champion on the version's own test days.

    ``samples`` is called at most once, when they are needed. ``fetched`` is the local folder of fetched versions. With
    ``cache_key`` the training cache provides the result, or stores it.

    Raises TerminalError if there are too few days to train on or the champion cannot be evaluated, TransientError if
    HDFS or the SQL endpoint does not answer.
    """
    samples = cache(samples)

    def train(folder: Path) -> None:
        training.train(samples(), folder, on_progress)

    def compare(card: Card, champion: Champion) -> Decision:
        return _compare(registry, card, champion, samples(), fetched)

    with TemporaryDirectory() as temporary:
        if cache_key is None:
            folder = Path(temporary)
            train(folder)
        else:
            folder = training_cache.find_or_train(cache_key, train)
        version = registry.publish(folder)
    model_versions.record(registry)
    decision = promotion.promote_if_better(registry, version, compare)
    return Outcome(registry.card(version), decision.promote, decision.reason)


def _compare(registry: Registry, card: Card, champion: Champion, samples: Samples, fetched: Path) -> Decision:
    """The decision of the promotion rule, with a note if the champion was trained on some of the test days."""
    model = delay_model.load(registry.fetch(champion.version, fetched))
    decision = promotion_rule.compare(card["metrics"], _evaluate(model, card, samples))
    if seen := promotion.days_seen(registry.card(champion.version)["split"], card["split"]):
        note = f"the champion's metrics are optimistic: it was trained on {seen} of the days that it was evaluated on"
        return Decision(decision.promote, f"{decision.reason}; {note}")
    return decision


def _evaluate(champion: delay_model.DelayModel, card: Card, samples: Samples) -> dict[str, dict[str, Any]]:
    """The champion's metrics on the test days of the samples."""
    needed = {name for stage in champion.stages.values() for name in stage.features}
    if unknown := needed.difference(features.FEATURES):
        raise TerminalError(
            f"The champion {champion.version} needs the features {', '.join(sorted(unknown))}, which this code does "
            f"not compute: it cannot be compared with {card['version']}, which is published. To let that version "
            f"predict, run 'skytier models promote {card['version']} --reason ...'."
        )
    return evaluation.metrics_on_test_days(champion, samples)
