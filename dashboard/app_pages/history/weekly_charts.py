"""Historical Analytics: a measure by hour of the day and day of the week."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from dashboard.app_pages.history import text
from dashboard.app_pages.history.measures import (
    FEW_FLIGHTS,
    MEASURES,
    bar_colours,
    by_hour,
    by_weekday,
    by_weekday_and_hour,
    day_name,
    extremes,
    file_of,
    headline,
    hour_name,
    hour_ticks,
    tooltips,
)
from dashboard.panels.drawings import Chart

_SCALE = "Cividis"  # safe for colour-blind people, and readable in both themes


def hourly(frame: pd.DataFrame, name: str) -> Chart:
    """A measure by hour of the scheduled departure."""
    rows = by_hour(frame).assign(label=lambda found: [hour_name(hour) for hour in found["hour"]])
    chart = _bars(rows, name, "hour", text.HOUR_AXIS)
    chart.figure.update_xaxes(hour_ticks(rows["hour"]))
    return chart


def weekday(frame: pd.DataFrame, name: str) -> Chart:
    """A measure by day of the week."""
    rows = by_weekday(frame).assign(label=lambda found: [text.DAYS_SHORT[int(day) - 1] for day in found["day_of_week"]])
    return _bars(rows, name, "day_of_week", text.WEEKDAY_AXIS)


def _bars(rows: pd.DataFrame, name: str, key: str, axis: str) -> Chart:
    measure = MEASURES[name]
    rows = rows.assign(value=measure.of(rows), count=measure.count(rows))
    figure = go.Figure(
        go.Bar(
            x=rows["label"],
            y=rows["value"].mask(rows["count"] == 1, 0.0),  # one flight is no share and no mean
            text=[_label(value, count) for value, count in zip(rows["value"], rows["count"], strict=True)],
            marker={"color": bar_colours(rows["count"])},
            textposition="outside",
            cliponaxis=False,
            customdata=tooltips(rows, measure),
            hovertemplate="%{x}: %{customdata}<extra></extra>",
        )
    )
    figure.update_layout(xaxis_title=axis, yaxis_title=measure.axis)
    many = rows[rows["count"] >= FEW_FLIGHTS].dropna(subset="value")
    said = headline(name, many, lambda row: str(row["label"]))
    return Chart(figure, _bars_says(name, rows), rows=file_of(rows, measure, key), headline=said)


def _label(value: float, count: float) -> str:
    """The value of a bar; of few flights their number as well."""
    if math.isnan(value):
        return ""
    few = text.FEW.format(count) if count < FEW_FLIGHTS else ""
    return few if count == 1 else f"{round(value):,}{'<br>' + few if few else ''}"


def _bars_says(name: str, rows: pd.DataFrame) -> str:
    measure, known = MEASURES[name], rows.dropna(subset="value")
    if known.empty:
        return text.NO_VALUES.format(measure=name)
    many = known[known["count"] >= FEW_FLIGHTS]
    if not len(many):
        return text.BARS_SAYS_FEW.format(measure=name, overall=measure.said(measure.overall(rows)), flights=FEW_FLIGHTS)
    most, least = extremes(many)
    return text.BARS_SAYS.format(
        measure=name,
        overall=measure.said(measure.overall(rows)),
        most=measure.said(most["value"]),
        most_name=most["label"],
        least=measure.said(least["value"]),
        least_name=least["label"],
    )


def heat(frame: pd.DataFrame, name: str) -> Chart:
    """A measure by hour of the day and day of the week, with its value in each cell."""
    measure = MEASURES[name]
    rows = by_weekday_and_hour(frame)
    rows = rows.assign(value=measure.of(rows))
    hours, days = range(int(rows["hour"].min()), int(rows["hour"].max()) + 1), range(1, len(text.DAY_NAMES) + 1)
    table = rows.pivot(index="day_of_week", columns="hour", values="value").reindex(index=days, columns=hours)
    said = rows.assign(said=tooltips(rows, measure)).pivot(index="day_of_week", columns="hour", values="said")
    many = rows[rows["flights"] >= FEW_FLIGHTS].dropna(subset="value")
    figure = go.Figure(
        go.Heatmap(
            z=table.to_numpy(),
            x=[hour_name(hour) for hour in hours],
            y=[day_name(day) for day in days],
            zmin=None if many.empty else many["value"].min(),
            zmax=None if many.empty else many["value"].max(),
            text=table.map(lambda value: "" if pd.isna(value) else f"{round(value):,}").to_numpy(),
            texttemplate="%{text}",
            customdata=said.reindex(index=days, columns=hours).fillna(text.NOTHING).to_numpy(),
            hovertemplate="%{y} %{x}: %{customdata}<extra></extra>",
            colorscale=_SCALE,
            colorbar={"title": {"text": measure.axis.replace(" (", "<br>(")}, "thickness": 12},
            hoverongaps=False,
            xgap=1,
            ygap=1,
        )
    )
    figure.update_layout(xaxis={"title": text.HOUR_AXIS, **hour_ticks(hours)}, yaxis_autorange="reversed")
    worst = headline(name, many, _hour_of_week)
    return Chart(figure, _heat_says(name, many), rows=file_of(rows, measure, "day_of_week", "hour"), headline=worst)


def _hour_of_week(row: pd.Series[Any]) -> str:
    return f"{day_name(row['day_of_week'])} {hour_name(row['hour'])}"


def _heat_says(name: str, many: pd.DataFrame) -> str:
    if many.empty:
        return text.HEAT_SAYS_FEW.format(measure=name, flights=FEW_FLIGHTS)
    most, least = extremes(many)
    return text.HEAT_SAYS.format(
        measure=name,
        most=MEASURES[name].said(most["value"]),
        most_name=_hour_of_week(most),
        least=MEASURES[name].said(least["value"]),
        least_name=_hour_of_week(least),
        flights=FEW_FLIGHTS,
    )
