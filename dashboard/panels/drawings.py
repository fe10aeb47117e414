"""What a panel shows: a chart, a table, or numbers."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd
import plotly.graph_objects as go

from dashboard.panels.states import State

CHART_HEIGHT, NUMBERS_HEIGHT = 320, 103
"""Pixels"""

MoreIs = Literal["normal", "inverse", "off"]


@dataclass(frozen=True)
class Chart:
    """A figure and a description of what it shows: its alternative text, and the caption below it."""

    figure: go.Figure
    says: str
    height: int = CHART_HEIGHT
    rows: pd.DataFrame | None = None
    """the rows of the download, where they are not those of the result"""
    headline: str = ""
    """the most important thing that it shows, in a few words; empty where there is nothing to tell"""


@dataclass(frozen=True)
class Grid:
    """A table. Columns are named by ``columns.COLUMNS``; ``config`` tells Streamlit how to show some of them."""

    rows: pd.DataFrame
    config: dict[str, Any] = field(default_factory=dict)
    says: str = ""
    """a caption"""
    file: pd.DataFrame | None = None
    """the rows of the download, where the table shows texts for numbers"""
    states: tuple[str, ...] = ()
    """the columns that hold words of ``states.State``, which are coloured"""
    is_full_height: bool = False
    """whether all rows are visible at once; otherwise ten, and the table scrolls"""


@dataclass(frozen=True)
class Number:
    """A number with its unit, its change, and its trend."""

    label: str
    value: str
    change: str | None = None
    more_is: MoreIs = "normal"
    """``normal``: more is good; ``inverse``: more is bad; ``off``: neither"""
    note: str | None = None
    """a line below the number, where there is no change to show"""
    trend: Sequence[float] = ()
    help: str | None = None
    state: State | None = None
    """how good that is, where there is a threshold: the note has its mark and colour"""


Drawing = Chart | Grid | Sequence[Number] | str
"""A text alone explains why there is nothing to draw."""
Draw = Callable[..., Drawing]
"""Draws the rows of a result with the panel's other inputs. A pure function: its drawings are cached."""
Inputs = Callable[[], tuple[Hashable, ...]]
