"""States: each has a mark, a word and a colour, the same in tables, numbers and the bar; never the colour alone."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Any, Literal

import pandas as pd
import streamlit as st

from dashboard.panels.text import column


class State(StrEnum):
    """What a state means. The values are those of the classes in ``static/page.css``."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"
    UNKNOWN = "unknown"
    """also what has no meaning yet, such as a DAG without runs"""
    ACTIVE = "active"

    def called(self, word: str) -> str:
        """The words of a state: its mark and a word."""
        return f"{_MARKS[self]} {word}"


Colour = Literal["green", "orange", "red", "gray", "blue"]
_MARKS = {State.GOOD: "●", State.WARNING: "▲", State.BAD: "✕", State.UNKNOWN: "○", State.ACTIVE: "▶"}
COLOURS: dict[State, Colour] = {
    State.GOOD: "green",
    State.WARNING: "orange",
    State.BAD: "red",
    State.UNKNOWN: "gray",
    State.ACTIVE: "blue",
}
"""Streamlit's names, which have a tone for each theme"""


def state_of(words: str) -> State:
    """The state that words of ``State.called`` begin with; unknown for other words."""
    return next((state for state, mark in _MARKS.items() if words.startswith(f"{mark} ")), State.UNKNOWN)


def limited(value: float, warning_from: float, bad_from: float) -> State:
    """The state of a value that should stay below a limit; unknown where it is."""
    if math.isnan(value):
        return State.UNKNOWN
    return State.BAD if value >= bad_from else State.WARNING if value >= warning_from else State.GOOD


def state_column(name: str, cells: pd.Series[Any]) -> tuple[pd.Series[Any], Any]:
    """The cells of a column of states as lists of a coloured label each, and the column's configuration."""
    labels = cells.map(lambda cell: [cell] if isinstance(cell, str) else [])
    options = list(dict.fromkeys(label for found in labels for label in found))
    colours = [COLOURS[state_of(option)] for option in options]
    return labels, st.column_config.MultiselectColumn(column(name), options=options, color=colours or None)
