"""Data Quality & Metadata: where an event goes, as a picture."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd
import plotly.graph_objects as go

from dashboard.app_pages.quality import text
from dashboard.panels import formats
from dashboard.panels.drawings import Chart
from dashboard.panels.text import NO_VALUE

_WIDTH, _BOX_HEIGHT, _ROW_PIXELS = 0.84, 0.84, 62
_FAINT = "rgba(128, 128, 128, 0.7)"
_UNCOUNTED = "view"


class _Place(NamedTuple):
    """Column and row of a box, and how it is filled: what is alike has one colour, and says what it is as well."""

    column: float
    row: float
    fill: str


# White letters are read on each, whatever the page's colours are.
_KAFKA, _JOB, _COLD, _HOT, _SQL = "#7A5200", "#55606B", "#1F5A94", "#9A3B00", "#00664B"
PLACES = {
    "topic": _Place(0, 3, _KAFKA),
    "runs": _Place(1, 3, _JOB),
    "hot": _Place(2, 0, _HOT),
    "fact_flight_events": _Place(2, 1, _COLD),
    "staging_flight_events": _Place(2, 2, _COLD),
    "predictions": _Place(2, 3, _COLD),
    "raw": _Place(2, 4, _COLD),
    "batch_metadata": _Place(2, 5, _COLD),
    "rejected_flight_events": _Place(2, 6, _COLD),
    "dead_letters": _Place(2, 7, _KAFKA),
    "duplicates": _Place(1, 6, _JOB),
    "archived_flight_events": _Place(3, 1, _COLD),
    "view": _Place(4, 0, _SQL),
}
"""By the name of a store, as ``queries.quality.stores`` has it, and ``view``"""
_ACROSS = (
    ("topic", "runs"),
    *(("runs", name) for name, place in PLACES.items() if place.column == 2),
    ("hot", "archived_flight_events"),
    ("hot", "view"),
    ("archived_flight_events", "view"),
)
_WAYS = (*_ACROSS, ("runs", "duplicates"))


def lineage(stores: pd.DataFrame) -> Chart:
    """Boxes for the places of an event, with how many are there, and arrows for the ways between them."""
    held = dict(zip(stores["store"], stores["records"], strict=True))
    figure = go.Figure(_labels(held))
    for place in PLACES.values():
        figure.add_shape(
            type="rect",
            x0=place.column - _WIDTH / 2,
            x1=place.column + _WIDTH / 2,
            y0=place.row - _BOX_HEIGHT / 2,
            y1=place.row + _BOX_HEIGHT / 2,
            fillcolor=place.fill,
            line={"width": 1, "color": _FAINT},
            layer="below",
        )
    for start, end in _ACROSS:
        a, b = PLACES[start], PLACES[end]
        _arrow(figure, (a.column + _WIDTH / 2, a.row), (b.column - _WIDTH / 2, b.row))
    left_out = PLACES["duplicates"]
    _arrow(figure, (1, PLACES["runs"].row + _BOX_HEIGHT / 2), (1, left_out.row - _BOX_HEIGHT / 2))
    rows = 1 + max(place.row for place in PLACES.values())
    hidden = {"visible": False, "fixedrange": True}
    figure.update_xaxes(range=[-0.5, 4.5], **hidden)
    figure.update_yaxes(range=[rows - 0.5, -0.5], **hidden)
    figure.update_layout(margin=formats.MARGIN_MAP, dragmode=False, hoverlabel={"align": "left"})
    return Chart(figure, _says(held), height=int(rows * _ROW_PIXELS), rows=_rows(held))


def _labels(held: dict[str, float]) -> go.Scatter:
    words = []
    for name in PLACES:
        node = text.NODES[name]
        words.append(f"<b>{node.name}</b><br>{node.kind}<br>{_told(held, name)} {node.unit}".replace("<br> ", "<br>"))
    return go.Scatter(
        x=[place.column for place in PLACES.values()],
        y=[place.row for place in PLACES.values()],
        mode="text",
        text=words,
        textfont={"size": 11, "color": "white"},
        hovertext=[text.NODES[name].meaning for name in PLACES],
        hoverinfo="text",
        showlegend=False,
    )


def _arrow(figure: go.Figure, start: tuple[float, float], end: tuple[float, float]) -> None:
    figure.add_annotation(
        x=end[0],
        y=end[1],
        ax=start[0],
        ay=start[1],
        xref="x",
        yref="y",
        axref="x",
        ayref="y",
        showarrow=True,
        arrowhead=2,
        arrowwidth=1.2,
        arrowcolor=_FAINT,
        text="",
    )


def _told(held: dict[str, float], name: str) -> str:
    """How many are there; nothing where that is not counted, a dash where it is not known."""
    if name == _UNCOUNTED:
        return ""
    return formats.count(held[name]) if pd.notna(held.get(name)) else NO_VALUE


def _says(held: dict[str, float]) -> str:
    return text.LINEAGE_SAYS.format(
        consumed=_told(held, "topic"),
        stored=_told(held, "staging_flight_events"),
        hot=_told(held, "hot"),
        archived=_told(held, "archived_flight_events"),
        duplicates=_told(held, "duplicates"),
        rejected=_told(held, "rejected_flight_events"),
    )


def _rows(held: dict[str, float]) -> pd.DataFrame:
    """The boxes as rows, for the file."""
    nodes = [(name, text.NODES[name]) for name in PLACES]
    return pd.DataFrame(
        {
            "place": [f"{node.name} ({node.kind})" for _, node in nodes],
            "records": pd.array([held.get(name) for name, _ in nodes], dtype="Int64"),
            "unit": [node.unit for _, node in nodes],
            "fed_by": [
                ", ".join(text.NODES[start].name for start, end in _WAYS if end == name) or None for name, _ in nodes
            ],
            "meaning": [node.meaning for _, node in nodes],
        }
    )
