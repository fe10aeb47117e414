"""The room at a chart's axes."""

from __future__ import annotations

from datetime import date

import pandas as pd
import plotly.graph_objects as go
import pytest

from dashboard.panels import formats
from dashboard.panels.margins import make_room


def margins(figure: go.Figure) -> dict[str, int]:
    """The margins that a figure is given."""
    make_room(figure)
    return {side: figure.layout.margin[side] for side in "lrtb"}


def bars(*labels: str) -> go.Figure:
    return go.Figure(go.Bar(x=[1] * len(labels), y=list(labels), orientation="h"))


def test_the_longest_label_decides() -> None:
    short, long = margins(bars("UA", "B6")), margins(bars("UA", "United Air Lines Inc."))
    assert long["l"] - short["l"] == pytest.approx(6.5 * (len("United Air Lines Inc.") - 2), abs=1)
    assert long | {"l": 0} == short | {"l": 0}
    assert margins(bars("UA<br>United")) == margins(bars("United"))


def test_a_title_takes_room_on_its_side() -> None:
    bare, titled = margins(bars("UA")), margins(bars("UA").update_layout(xaxis_title="Flights", yaxis_title="Airline"))
    assert titled["b"] > bare["b"]
    assert titled["l"] > bare["l"]
    assert (titled["r"], titled["t"]) == (bare["r"], bare["t"])


@pytest.mark.parametrize(
    "days", [[date(2013, 1, 1)], pd.to_datetime(["2013-01-01"]), pd.Series(pd.to_datetime(["2013-01-01"]))]
)
def test_days_take_two_lines(days: object) -> None:
    assert margins(go.Figure(go.Scatter(x=days, y=[1])))["b"] == margins(go.Figure(go.Scatter(x=[1], y=[1])))["b"] + 16


def test_days_as_categories_take_one_line_each_and_its_width() -> None:
    figure = go.Figure(go.Bar(x=[1], y=[date(2013, 1, 1)], orientation="h")).update_yaxes(type="category")
    assert margins(figure) == margins(bars("2013-01-01"))


def test_half_of_the_last_label_has_room_beyond_the_plot() -> None:
    labelled, bare = (
        margins(go.Figure(go.Scatter(x=[1], y=[1])).update_xaxes(showticklabels=shown)) for shown in (True, False)
    )
    assert bare["r"] == 10
    assert labelled["r"] == pytest.approx(10 + 5 * 6.5 / 2, abs=1)


def test_a_second_axis_has_its_room_on_the_right() -> None:
    figure = go.Figure([go.Bar(x=[1], y=[1]), go.Scatter(x=[1], y=[1], yaxis="y2")])
    figure.update_layout(showlegend=False, yaxis2={"side": "right", "overlaying": "y", "title": "Share"})
    found = margins(figure)
    assert found["r"] > found["l"]


def test_a_legend_above_takes_a_line() -> None:
    two = [go.Scatter(x=[1], y=[1], name=name) for name in "ab"]
    plain = margins(go.Figure(two))
    assert margins(go.Figure(two).update_layout(legend=formats.LEGEND))["t"] > plain["t"]
    assert margins(go.Figure(two).update_layout(legend=formats.LEGEND, showlegend=False)) == plain
    assert margins(go.Figure(two[:1]).update_layout(legend=formats.LEGEND)) == plain


def test_a_colour_bar_takes_what_its_words_need() -> None:
    heat = go.Heatmap(z=[[1]], x=["a"], y=["b"], colorbar={"title": "Missing (%)", "thickness": 12})
    long = go.Heatmap(heat).update(colorbar_title="A much longer title")
    assert 10 < margins(go.Figure(heat))["r"] < margins(go.Figure(long))["r"]


def test_a_colour_bar_below_takes_its_room_there() -> None:
    beside, below = (
        margins(go.Figure(go.Heatmap(z=[[1]], x=["a"], y=["b"], colorbar={"orientation": way, "thickness": 12})))
        for way in ("v", "h")
    )
    assert below["b"] > beside["b"]
    assert below["r"] < beside["r"]


def test_what_is_not_shown_takes_no_room_and_what_is_given_stays() -> None:
    figure = bars("UA").update_xaxes(visible=False).update_yaxes(visible=False).update_layout(margin=formats.MARGIN_MAP)
    assert margins(figure) == {"l": 0, "r": 0, "t": 0, "b": 0}
    unlabelled = bars("UA").update_xaxes(showticklabels=False).update_yaxes(showticklabels=False)
    assert margins(unlabelled) == {"l": 10, "r": 10, "t": 10, "b": 10}


def test_plotly_measures_only_labels_that_it_may_turn() -> None:
    hours = go.Figure(go.Bar(x=[f"{hour:02}:00" for hour in range(24)], y=[1] * 24))
    assert margins(hours)["b"] == 10
    assert (hours.layout.xaxis.automargin, hours.layout.yaxis.automargin) == (True, False)
    short = go.Figure(go.Bar(x=[f"{hour:02}" for hour in range(24)], y=[1] * 24)).update_xaxes(type="category")
    assert margins(short)["b"] > 10
    assert short.layout.xaxis.automargin is False


def test_numbers_of_a_colour_bar_stand_clear_of_its_title() -> None:
    numbers, words = go.Figure(go.Heatmap(z=[[1]])), go.Figure(go.Heatmap(z=[[1]]))
    numbers.data[0].colorbar = {"title": "Missing<br>(%)", "thickness": 12}
    words.data[0].colorbar = {"title": "Drift", "thickness": 12, "tickvals": [1], "ticktext": ["stable"]}
    for figure in (numbers, words):
        make_room(figure)
    assert numbers.data[0].colorbar.ticklabelposition == "outside bottom"
    assert words.data[0].colorbar.ticklabelposition is None
