"""How far a training is, told while it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import xgboost

Told = Callable[[float, str], None]
"""Called with the share that is done, 0 to 1, and what is done now."""


def tell_nobody(_share: float, _what: str) -> None:
    """For who does not want to know."""


def part_of(told: Told, begin: float, end: float) -> Told:
    """What tells of a part that lies between two shares of the whole."""
    return lambda share, what: told(begin + share * (end - begin), what)


class Rounds(xgboost.callback.TrainingCallback):
    """Tells after each round of boosting; changes nothing."""

    def __init__(self, told: Told, what: str, rounds: int) -> None:
        self._told, self._what, self._rounds = told, what, rounds

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Tell, and let the training go on."""
        self._told((epoch + 1) / self._rounds, f"{self._what}, round {epoch + 1:,} of at most {self._rounds:,}")
        return False
