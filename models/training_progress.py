"""Progress of a training, reported while it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import xgboost

OnProgress = Callable[[float, str], None]
"""Called with the completed share, 0 to 1, and a note on the current step."""


def ignore_progress(_share: float, _note: str) -> None:
    """Report nothing."""


def sub_progress(on_progress: OnProgress, begin: float, end: float) -> OnProgress:
    """Progress of one step: its shares 0 to 1 are reported as ``begin`` to ``end``."""
    return lambda share, note: on_progress(begin + share * (end - begin), note)


class Rounds(xgboost.callback.TrainingCallback):
    """Reports each round of boosting; does not change the training."""

    def __init__(self, on_progress: OnProgress, note: str, rounds: int) -> None:
        self._on_progress, self._note, self._rounds = on_progress, note, rounds

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Report the round; False continues the training."""
        self._on_progress((epoch + 1) / self._rounds, f"{self._note}, round {epoch + 1:,} of at most {self._rounds:,}")
        return False
