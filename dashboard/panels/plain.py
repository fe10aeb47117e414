"""Figures with lists for arrays, and with words that are plain text where they are data.

The numbers of an array travel as bytes, which Plotly unpacks each time it is given the figure. It then takes them for
other numbers and draws the chart anew, whatever ``layout.datarevision`` says; Streamlit gives it each figure three
times. An array of words or days makes Plotly for Python go through the whole figure, value by value, to write it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from dashboard.plain_text import for_plotly


def plain(figure: go.Figure) -> go.Figure:
    """The same figure, with lists for arrays of numbers, words and days."""
    return go.Figure([_plain(trace.to_plotly_json()) for trace in figure.data], _plain(figure.layout.to_plotly_json()))


def _plain(node: Any) -> Any:
    if isinstance(node, str):
        return for_plotly(node)
    if isinstance(node, np.ndarray):
        return node if np.issubdtype(node.dtype, np.datetime64) else _plain(node.tolist())
    if isinstance(node, dict):
        return {name: _plain(part) for name, part in node.items()}
    return [_plain(part) for part in node] if isinstance(node, list | tuple) else node
