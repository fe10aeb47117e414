"""Answers to the dashboard's questions, past its cache."""

from __future__ import annotations

import pandas as pd

from skytier.cache import Question


def asked(question: Question) -> pd.DataFrame:
    """A new answer: the cache may give an earlier one while a new one is made."""
    frame: pd.DataFrame = question.ask().to_pandas()
    return frame
