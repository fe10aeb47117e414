"""Figures with lists for arrays.

The numbers of an array travel as bytes, which Plotly unpacks each time it is given the figure. It then takes them for
other numbers and draws the chart anew, whatever ``layout.datarevision`` says; Streamlit gives it each figure three
times. An array of words or days makes Plotly for Python go through the whole figure, value by value, to write it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go


def plain(figure: go.Figure) -> go.Figure:
    """The same figure, with lists for arrays of numbers, words and days."""
    return go.Figure([_plain(trace.to_plotly_json()) for trace in figure.data], figure.layout)


def _plain(node: Any) -> Any:
    if isinstance(node, np.ndarray):
        return node if np.issubdtype(node.dtype, np.datetime64) else node.tolist()
    if isinstance(node, dict):
        return {name: _plain(part) for name, part in node.items()}
    return [_plain(part) for part in node] if isinstance(node, list | tuple) else node
