"""Data Quality & Metadata: the data lineage."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd
import plotly.graph_objects as go

from dashboard.app_pages.quality.lineage_text import LINEAGE_SAYS, NODES
from dashboard.panels import formats
from dashboard.panels.drawings import Chart
from dashboard.panels.text import NO_VALUE

_WIDTH, _BOX_HEIGHT, _ROW_PIXELS = 0.84, 0.84, 62
_GREY = "rgba(128, 128, 128, 0.7)"
_NOT_COUNTED = "view"


class _Position(NamedTuple):
    """Column, row and colour of a node. The colour repeats the kind of the store, which the text names."""

    column: float
    row: float
    fill: str


# White text is readable on each colour, in both themes.
_KAFKA, _JOB, _COLD, _HOT, _SQL = "#7A5200", "#55606B", "#1F5A94", "#9A3B00", "#00664B"
POSITIONS = {
    "topic": _Position(0, 3, _KAFKA),
    "minute_job": _Position(1, 3, _JOB),
    "hot": _Position(2, 0, _HOT),
    "fact_flight_events": _Position(2, 1, _COLD),
    "staging_flight_events": _Position(2, 2, _COLD),
    "predictions": _Position(2, 3, _COLD),
    "raw": _Position(2, 4, _COLD),
    "batch_metadata": _Position(2, 5, _COLD),
    "rejected_flight_events": _Position(2, 6, _COLD),
    "dead_letters": _Position(2, 7, _KAFKA),
    "duplicates": _Position(1, 6, _JOB),
    "archived_flight_events": _Position(3, 1, _COLD),
    "view": _Position(4, 0, _SQL),
}
"""By store, as in ``queries.stores``, and ``view``"""
_ACROSS = (
    ("topic", "minute_job"),
    *(("minute_job", name) for name, place in POSITIONS.items() if place.column == 2),
    ("hot", "archived_flight_events"),
    ("hot", "view"),
    ("archived_flight_events", "view"),
)
_EDGES = (*_ACROSS, ("minute_job", "duplicates"))


def lineage(stores: pd.DataFrame) -> Chart:
    """A node for each store with its number of records, and arrows for the flow between them."""
    held = dict(zip(stores["store"], stores["records"], strict=True))
    figure = go.Figure(_labels(held))
    for place in POSITIONS.values():
        figure.add_shape(
            type="rect",
            x0=place.column - _WIDTH / 2,
            x1=place.column + _WIDTH / 2,
            y0=place.row - _BOX_HEIGHT / 2,
            y1=place.row + _BOX_HEIGHT / 2,
            fillcolor=place.fill,
            line={"width": 1, "color": _GREY},
            layer="below",
        )
    for start, end in _ACROSS:
        a, b = POSITIONS[start], POSITIONS[end]
        _arrow(figure, (a.column + _WIDTH / 2, a.row), (b.column - _WIDTH / 2, b.row))
    duplicates = POSITIONS["duplicates"]
    _arrow(figure, (1, POSITIONS["minute_job"].row + _BOX_HEIGHT / 2), (1, duplicates.row - _BOX_HEIGHT / 2))
    rows = 1 + max(place.row for place in POSITIONS.values())
    hidden = {"visible": False, "fixedrange": True}
    figure.update_xaxes(range=[-0.5, 4.5], **hidden)
    figure.update_yaxes(range=[rows - 0.5, -0.5], **hidden)
    figure.update_layout(margin=formats.MARGIN_MAP, dragmode=False, hoverlabel={"align": "left"})
    return Chart(figure, _says(held), height=int(rows * _ROW_PIXELS), rows=_rows(held))


def _labels(held: dict[str, float]) -> go.Scatter:
    words = []
    for name in POSITIONS:
        node = NODES[name]
        words.append(f"<b>{node.name}</b><br>{node.kind}<br>{_count(held, name)} {node.unit}".replace("<br> ", "<br>"))
    return go.Scatter(
        x=[place.column for place in POSITIONS.values()],
        y=[place.row for place in POSITIONS.values()],
        mode="text",
        text=words,
        textfont={"size": 11, "color": "white"},
        hovertext=[NODES[name].meaning for name in POSITIONS],
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
        arrowcolor=_GREY,
        text="",
    )


def _count(held: dict[str, float], name: str) -> str:
    """The number of records: empty where it is not counted, a dash where it is unknown."""
    if name == _NOT_COUNTED:
        return ""
    return formats.count(held[name]) if pd.notna(held.get(name)) else NO_VALUE


def _says(held: dict[str, float]) -> str:
    return LINEAGE_SAYS.format(
        consumed=_count(held, "topic"),
        stored=_count(held, "staging_flight_events"),
        hot=_count(held, "hot"),
        archived=_count(held, "archived_flight_events"),
        duplicates=_count(held, "duplicates"),
        rejected=_count(held, "rejected_flight_events"),
    )


def _rows(held: dict[str, float]) -> pd.DataFrame:
    """The nodes as rows, for the download."""
    nodes = [(name, NODES[name]) for name in POSITIONS]
    return pd.DataFrame(
        {
            "place": [f"{node.name} ({node.kind})" for _, node in nodes],
            "records": pd.array([held.get(name) for name, _ in nodes], dtype="Int64"),
            "unit": [node.unit for _, node in nodes],
            "fed_by": [
                ", ".join(NODES[start].name for start, end in _EDGES if end == name) or None for name, _ in nodes
            ],
            "meaning": [node.meaning for _, node in nodes],
        }
    )
