"""Convert figures: arrays to lists, and untrusted text to plain text.

Plotly for Python sends arrays as bytes, which Plotly decodes each time it gets the figure. The decoded array is another
object, so that Plotly redraws the chart whatever ``layout.datarevision`` is; Streamlit passes each figure three times.
An array of texts or dates makes Plotly for Python encode the whole figure value by value.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from dashboard.plain_text import for_plotly


def plain(figure: go.Figure) -> go.Figure:
    """The same figure with lists instead of arrays of numbers, texts and dates."""
    return go.Figure([_plain(trace.to_plotly_json()) for trace in figure.data], _plain(figure.layout.to_plotly_json()))


def _plain(node: Any) -> Any:
    if isinstance(node, str):
        return for_plotly(node)
    if isinstance(node, np.ndarray):
        return node if np.issubdtype(node.dtype, np.datetime64) else _plain(node.tolist())
    if isinstance(node, dict):
        return {name: _plain(part) for name, part in node.items()}
    return [_plain(part) for part in node] if isinstance(node, list | tuple) else node
