"""Historical Analytics: the chart of the drill-down, of the children of a path or of its flights."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from dashboard.app_pages.history import text
from dashboard.app_pages.history.drill_down import codes, name_of
from dashboard.app_pages.history.measures import (
    FEW_FLIGHTS,
    MEASURES,
    bar_colours,
    file_of,
    headline,
    tooltips,
)
from dashboard.app_pages.history.queries import ALL_NUMBERS, STEPS
from dashboard.panels import formats
from dashboard.panels.delays import DELAYED_MINUTES
from dashboard.panels.drawings import Chart

_SHOWN, _ROW_PIXELS, _FRAME_PIXELS, _LEAST_PIXELS = 20, 24, 90, 240
_LIMIT_COLOUR = "rgba(128, 128, 128, 0.9)"


def below(frame: pd.DataFrame, path: Sequence[str], name: str) -> Chart | str:
    """A measure of the children of a path; below the last step, the arrival delay of each flight."""
    return flights(frame) if len(path) == len(STEPS) else steps(frame, path, name)


def steps(frame: pd.DataFrame, path: Sequence[str], name: str) -> Chart | str:
    """A bar for each child of a path, those with the most flights on top.

    How many days a flight number flew is not known: instead of its flights per day it has its delayed share.
    """
    found = codes(frame, path)
    found = found[found["code"] != ALL_NUMBERS]
    if found.empty:
        return text.NOT_HERE
    name = name if "days" in found else _without_days(name)
    measure, step = MEASURES[name], STEPS[len(path)]
    found = found.assign(value=measure.of(found), count=measure.count(found))
    shown = found.head(_SHOWN)
    titles = [code if step == "flight_number" else name_of(step, code) for code in shown["code"]]
    figure = go.Figure(
        go.Bar(
            x=shown["value"],
            y=shown["code"],
            orientation="h",
            marker={"color": bar_colours(shown["count"])},
            text=[measure.said(value) for value in shown["value"]],
            textposition="auto",
            hovertext=[f"{title}: {said}" for title, said in zip(titles, tooltips(shown, measure), strict=True)],
            hoverinfo="text",
        )
    )
    figure.update_layout(xaxis_title=measure.axis, yaxis={"type": "category", "autorange": "reversed"})
    many = found[found["count"] >= FEW_FLIGHTS].dropna(subset="value")
    worst = headline(name, many, lambda row: str(row["code"]))
    overall = measure.said(measure.overall(found))
    counts = {"shown": len(shown), "all": len(found), "least": FEW_FLIGHTS}
    says = text.DRILL_CHART_SAYS.format(measure=name, overall=overall, **counts)
    height = max(_LEAST_PIXELS, _FRAME_PIXELS + _ROW_PIXELS * len(shown))
    return Chart(figure, says, height, file_of(found, measure, "code"), worst)


def _without_days(name: str) -> str:
    return text.DELAYED if MEASURES[name].by == "days" else name


def flights(frame: pd.DataFrame) -> Chart | str:
    """The arrival delay of each flight by its scheduled departure, and the limit from which it counts as delayed."""
    known = frame.dropna(subset="arrival_delay_minutes").sort_values("scheduled_departure")
    if known.empty:
        return text.NO_ARRIVALS
    figure = go.Figure(
        go.Scatter(
            x=known["scheduled_departure"],
            y=known["arrival_delay_minutes"],
            mode="markers",
            name=text.ARRIVAL,
            text=[text.FLIGHT_HOVER.format(day=day, delay=formats.minutes(delay)) for day, delay in _facts(known)],
            hoverinfo="text",
        )
    )
    ends = [known["scheduled_departure"].iloc[0], known["scheduled_departure"].iloc[-1]]
    figure.add_scatter(
        x=ends,
        y=[DELAYED_MINUTES] * 2,
        mode="lines",
        name=text.DELAYED_FROM,
        line={"dash": "dash", "color": _LIMIT_COLOUR},
        hoverinfo="skip",
    )
    figure.update_layout(xaxis_title=text.FLIGHTS_CHART_AXIS, yaxis_title=text.FLIGHT_DELAY_AXIS, legend=formats.LEGEND)
    late = formats.count((known["arrival_delay_minutes"] >= DELAYED_MINUTES).sum())
    said = text.FLIGHTS_HEADLINE.format(late=late, arrived=formats.count(len(known)))
    return Chart(figure, text.FLIGHTS_CHART_SAYS, rows=known, headline=said)


def _facts(rows: pd.DataFrame) -> list[tuple[object, float]]:
    return list(zip(rows["flight_date"], rows["arrival_delay_minutes"].astype(float), strict=True))
