"""Historical Analytics: the summary of the selection, and a measure by day."""

from __future__ import annotations

from datetime import date

import pandas as pd
import plotly.graph_objects as go

from dashboard.app_pages.history import text
from dashboard.app_pages.history.measures import (
    COUNTS,
    MEASURES,
    Measure,
    by_day,
    extremes,
    file_of,
    flights_said,
    headline,
    is_complete,
    points,
    tooltips,
)
from dashboard.app_pages.history.queries import WEEK_DAYS
from dashboard.panels import formats
from dashboard.panels.drawings import Chart, Number

_DAY = "%Y-%m-%d"
_HOVER = f"%{{x|{formats.DAY}}}: %{{customdata}}"  # and the name of the line


def summary(frame: pd.DataFrame) -> list[Number]:
    """Five numbers on the selection."""
    days = by_day(frame)
    total = days[COUNTS].sum()
    diverted = Measure("diverted", "flights", 100, text.DIVERTED, formats.percent, points)

    def number(label: str, measure: Measure, note: str | None = None, meaning: str | None = None) -> Number:
        return Number(label, measure.said(measure.overall(days)), note=note, help=meaning)

    return [
        Number(
            text.TOTAL,
            formats.count(total["flights"]),
            note=text.TOTAL_NOTE.format(days=formats.count((days["flights"] > 0).sum())),
            help=text.TOTAL_HELP,
        ),
        number(text.DELAYED, MEASURES[text.DELAYED], flights_said(total["delayed_arrivals"]), text.DELAYED_HELP),
        number(
            text.ARRIVAL,
            MEASURES[text.ARRIVAL],
            text.ARRIVAL_NOTE.format(formats.count(total["arrived"])),
            text.DELAY_HELP,
        ),
        number(text.CANCELLED, MEASURES[text.CANCELLED], flights_said(total["cancelled"])),
        number(text.DIVERTED, diverted, flights_said(total["diverted"])),
    ]


def daily(frame: pd.DataFrame, name: str, complete_until: date | None) -> Chart:
    """A measure by day, and its 7-day mean."""
    measure, rows = MEASURES[name], by_day(frame)
    rows = rows.assign(value=measure.of(rows), week=measure.rolling(rows, WEEK_DAYS))
    complete = is_complete(rows, complete_until)
    figure = go.Figure()
    figure.add_trace(
        go.Scatter(
            x=rows["flight_date"],
            y=rows["value"],
            name=text.EACH_DAY,
            mode="lines+markers" if len(rows) <= formats.MARKED_DAYS else "lines",
            line={"width": 1.5},
            customdata=tooltips(rows, measure),
            hovertemplate=_HOVER,
        )
    )
    figure.add_trace(
        go.Scatter(
            x=rows["flight_date"],
            y=rows["week"],
            name=text.WEEK_MEAN,
            mode="lines",
            line={"dash": "dash"},
            customdata=[measure.said(value) for value in rows["week"]],
            hovertemplate=_HOVER,
        )
    )
    if not complete.all():
        newest = rows[~complete]
        figure.add_trace(
            go.Scatter(
                x=newest["flight_date"],
                y=newest["value"],
                name=text.UNDER_WAY,
                mode="markers",
                marker={"symbol": "circle-open", "size": 13, "line": {"width": 2}},
                customdata=tooltips(newest, measure),
                hovertemplate=_HOVER,
            )
        )
    figure.update_layout(
        xaxis_title=text.DAY_AXIS,
        yaxis_title=measure.axis,
        yaxis_rangemode="tozero",
        legend=formats.LEGEND,
    )
    said = headline(name, rows[complete].dropna(subset="value"), lambda day: f"{day['flight_date']:%a %Y-%m-%d}")
    says = _daily_says(name, rows, rows[complete])
    return Chart(figure, says, rows=file_of(rows, measure, "flight_date"), headline=said)


def _daily_says(name: str, rows: pd.DataFrame, complete: pd.DataFrame) -> str:
    measure = MEASURES[name]
    overall, first, last = (
        measure.said(measure.overall(rows)),
        rows["flight_date"].iloc[0],
        rows["flight_date"].iloc[-1],
    )
    known = complete.dropna(subset="value")
    if len(known) < 2:
        return text.DAILY_SAYS_FEW.format(measure=name, first=f"{first:{_DAY}}", last=f"{last:{_DAY}}", overall=overall)
    most, least = extremes(known)
    return text.DAILY_SAYS.format(
        measure=name,
        first=f"{first:{_DAY}}",
        last=f"{last:{_DAY}}",
        overall=overall,
        most=measure.said(most["value"]),
        most_day=f"{most['flight_date']:{_DAY}}",
        least=measure.said(least["value"]),
        least_day=f"{least['flight_date']:{_DAY}}",
    )
