"""The margins of a chart, computed from the labels and titles of its axes.

Plotly would measure them (``automargin``, which Streamlit's theme switches on): it draws the chart, adjusts the margins
and draws it again. That took half of the browser's time for charts.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import plotly.graph_objects as go

# Pixels, in Streamlit's theme: outer margin, padding between plot and labels, width of a character, height of a line,
# of a title with its padding, of a legend line, of a colour bar without labels, of a horizontal colour bar.
_MARGIN, _PAD, _CHARACTER, _LINE = 10, 8, 6.5, 16
_TITLE = {"x": 40, "y": 42}
_NUMBER = 5  # characters: Plotly writes 12.5, 8000, 20k
_DATE_LINES = 2
_BEYOND = _NUMBER * _CHARACTER / 2  # half of the last label, which can be at the end of a horizontal axis
_LEGEND, _COLOUR_BAR, _COLOUR_BAR_BELOW = 32, 42, 62
# Characters of all labels of a horizontal axis: with more, Plotly may rotate them in a narrow chart; short ones stay.
_ONE_LINE, _SHORT = 40, 2
_SIDES = {"x": ("b", "t"), "y": ("l", "r")}


def make_room(figure: go.Figure) -> None:
    """Widen the margins of a figure by the size of the labels and titles of its axes.

    The numbers of colour bars are below their ticks: the highest would otherwise touch the title by a pixel or two,
    depending on when Plotly measured.
    """
    bars = _colour_bars(figure)
    upright = [bar for bar in bars if bar.orientation != "h"]
    for bar in upright:
        if not bar.ticktext:
            bar.ticklabelposition = "outside bottom"
    needed = {
        "l": 0.0,
        "r": max(map(_width, upright), default=0.0),
        "t": _LEGEND if _has_legend(figure) else 0.0,
        "b": 0.0 if bars == upright else _COLOUR_BAR_BELOW,
    }
    for letter, (side, other_side) in _SIDES.items():
        for name, values in _values(figure, letter).items():
            axis = figure.layout[f"{letter}axis{name[1:]}"]
            axis.ticklabeloverflow = (
                "allow"  # there is room; otherwise Plotly measures each label to hide those outside
            )
            labels = _labels(axis, values)
            may_turn = len("".join(labels)) > _ONE_LINE and max(map(len, labels)) > _SHORT
            axis.automargin = letter == "x" and may_turn
            if axis.automargin:
                continue
            at = other_side if axis.side in ("right", "top") else side
            size = _size(letter, axis, labels)
            needed[at] = max(needed[at], size)
            if letter == "x" and size:
                needed["r"] = max(needed["r"], _BEYOND)
    for side, pixels in needed.items():
        given = figure.layout.margin[side]
        figure.layout.margin[side] = round(pixels + (_MARGIN if given is None else given))


def _has_legend(figure: go.Figure) -> bool:
    """Whether there is a legend above the plot."""
    named = [trace for trace in figure.data if "showlegend" in trace and trace.showlegend is not False]
    shown = figure.layout.showlegend
    above = figure.layout.legend.orientation == "h" and figure.layout.legend.y == 1
    return above and bool(len(named) > 1 if shown is None else shown)


def _colour_bars(figure: go.Figure) -> list[Any]:
    found = []
    for trace in figure.data:
        marked = trace if "colorbar" in trace else trace.marker if "marker" in trace else None
        if marked is not None and "colorbar" in marked and marked.colorbar.thickness:
            found.append(marked.colorbar)
    return found


def _width(bar: Any) -> float:
    """The width of a colour bar on the right, with a title above and labels beside it."""
    beside = max((len(label) for label in bar.ticktext or ()), default=_NUMBER) * _CHARACTER
    above = max(map(len, (bar.title.text or "").split("<br>"))) * _CHARACTER
    return float(_COLOUR_BAR + max(beside, above - bar.thickness))


def _values(figure: go.Figure, letter: str) -> dict[str, list[Any]]:
    """The values along each axis, by its short name (x, x2, y ...)."""
    found: dict[str, list[Any]] = {}
    for trace in figure.data:
        if f"{letter}axis" in trace:
            values = found.setdefault(trace[f"{letter}axis"] or letter, [])
            values.extend([] if trace[letter] is None else np.asarray(trace[letter]))
    return found


def _size(letter: str, axis: Any, labels: list[str]) -> float:
    if axis.visible is False:
        return 0
    title = _TITLE[letter] if axis.title.text else 0
    if axis.showticklabels is False:
        return title
    if letter == "x":
        return title + _PAD + _LINE * max(text.count("<br>") + 1 for text in labels)
    longest = max(len(line) for text in labels for line in text.split("<br>"))
    return title + _PAD + _CHARACTER * longest


def _labels(axis: Any, values: list[Any]) -> list[str]:
    """The labels of an axis, without duplicates, or one label of the same length."""
    if axis.ticktext is not None:
        return [str(label) for label in axis.ticktext] or [""]
    known = [value for value in values if value is not None]
    is_date = axis.type == "date" or any(isinstance(value, (date, np.datetime64)) for value in known)
    if is_date and axis.type != "category":
        return ["<br>".join(["0" * _NUMBER] * _DATE_LINES)]
    if axis.type == "category" or any(isinstance(value, str) for value in known):
        return [f"{value}{axis.ticksuffix or ''}" for value in dict.fromkeys(known)] or [""]
    return ["0" * _NUMBER + (axis.ticksuffix or "")]
