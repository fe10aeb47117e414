"""Figures as the browser gets them."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import plotly.io
import pytest

from dashboard.panels.plain import plain

NUMBERS = [1.5, float("nan"), 3.0]

pytestmark = pytest.mark.plain


def sent(figure: go.Figure) -> list[dict[str, Any]]:
    """The traces of a figure as Streamlit sends it."""
    traces: list[dict[str, Any]] = json.loads(plotly.io.to_json(figure, validate=False))["data"]
    return traces


@pytest.mark.parametrize("values", [NUMBERS, np.array(NUMBERS), pd.Series(NUMBERS)])
def test_numbers_are_sent_as_numbers(values: object) -> None:
    figure = go.Figure(
        [
            go.Bar(x=["a", "b", "c"], y=values, marker={"color": values}, error_y={"array": values}),
            go.Heatmap(z=np.array([NUMBERS, NUMBERS]), customdata=np.array([["a", "b", "c"]] * 2)),
        ],
        {"title": "Kept"},
    )
    numbers = [1.5, None, 3.0]
    bars, heat = sent(plain(figure))
    assert (bars["x"], bars["y"]) == (["a", "b", "c"], numbers)
    assert (bars["marker"]["color"], bars["error_y"]["array"]) == (numbers, numbers)
    assert (heat["z"], heat["customdata"]) == ([numbers] * 2, [["a", "b", "c"]] * 2)
    assert plain(figure).layout == figure.layout


def test_nothing_is_left_that_has_to_be_sought_out_when_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    words, days = np.array(["a", "b"], dtype=object), pd.Series([date(2013, 1, 1), date(2013, 1, 2)])
    figure = go.Figure(go.Scatter(x=days, y=[1, 2], text=words, customdata=np.array([words, words])))
    monkeypatch.delattr(plotly.io._json, "clean_to_json_compatible")  # value by value, in Python
    (trace,) = sent(plain(figure))
    assert (trace["text"], trace["customdata"]) == (["a", "b"], [["a", "b"]] * 2)
    assert trace["x"] == ["2013-01-01", "2013-01-02"]


def test_days_stay_days() -> None:
    days = [date(2013, 1, 1), date(2013, 1, 2)]
    for some in (days, pd.Series(pd.to_datetime(days)), np.array(days, dtype="datetime64[s]")):
        (trace,) = sent(plain(go.Figure(go.Scatter(x=some, y=[1, 2]))))
        assert [day[:10] for day in trace["x"]] == ["2013-01-01", "2013-01-02"]
