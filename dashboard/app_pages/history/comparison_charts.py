"""Historical Analytics: comparison of two selections, A and B."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from dashboard.app_pages.history import text
from dashboard.app_pages.history.measures import (
    MEASURES,
    SUMS,
    Say,
    day_name,
    file_of,
    flights_gap,
    hour_name,
    hour_ticks,
    tooltips,
)
from dashboard.app_pages.history.queries import SIDES
from dashboard.panels import formats
from dashboard.panels.drawings import Chart, Grid
from dashboard.panels.filters import Filters

_DASHES, _SYMBOLS = ("solid", "dash"), ("circle", "diamond")
AXES = {
    text.BY_HOUR: ("hour", text.HOUR_AXIS),
    text.BY_WEEKDAY: ("day_of_week", text.WEEKDAY_AXIS),
    text.BY_DAY: ("day", text.DAY_NUMBER_AXIS),
}


def names(sides: Sequence[Filters]) -> list[str]:
    """The label of each side."""
    return [
        text.SIDE_NAME.format(side=name, what=", ".join(_what(side)) or text.EVERYTHING)
        for name, side in zip(SIDES, sides, strict=True)
    ]


def _what(side: Filters) -> list[str]:
    found = [", ".join(codes) for codes in (side.airlines, side.origins) if codes]
    if side.first and side.last:
        return [text.PERIOD.format(side.first, side.last), *found]
    return [word.format(day) for word, day in ((text.SINCE, side.first), (text.UNTIL, side.last)) if day] + found


def table(frame: pd.DataFrame, sides: Sequence[Filters]) -> Grid | str:
    """Each measure for A and B, and the difference."""
    days = [_days(frame, side) for side in SIDES]
    if missing := [side for side, rows in zip(SIDES, days, strict=True) if rows.empty]:
        return text.ONE_SIDE.format(missing[0])
    a, b = names(sides)
    ended = [float(rows["flights"].sum()) for rows in days]
    values = {name: [measure.overall(rows) for rows in days] for name, measure in MEASURES.items()}
    found = pd.DataFrame(
        [
            _row(text.TOTAL, ended, formats.count, flights_gap, decimals=0),
            *(_row(name, values[name], m.said, m.gap, decimals=m.decimals) for name, m in MEASURES.items()),
        ]
    )
    return Grid(found, says=text.COMPARED_SAYS.format(a=a, b=b), file=_numbers({text.TOTAL: ended} | values))


def _row(name: str, values: Sequence[float], said: Say, gap: Say, *, decimals: int) -> dict[str, str]:
    """The values and the difference of what is shown of them."""
    rounded_a, rounded_b = (round(value, decimals) for value in values)
    a, b = map(said, values)
    difference = text.NOTHING if pd.isna(rounded_a - rounded_b) else gap(rounded_a - rounded_b)
    return {"measure": name, "side_a": a, "side_b": b, "difference": difference}


def _numbers(values: Mapping[str, Sequence[float]]) -> pd.DataFrame:
    """The rows of the download: numbers, with the units in the names of the measures."""
    axes = {name: measure.axis for name, measure in MEASURES.items()}
    return pd.DataFrame(
        [
            {"measure": axes.get(name, name), "side_a": a, "side_b": b, "difference": a - b}
            for name, (a, b) in values.items()
        ]
    )


def _days(frame: pd.DataFrame, side: str) -> pd.DataFrame:
    """The days of a side, oldest first, with their number (from one) and day of the week."""
    rows = frame[(frame["side"] == side) & (frame["part"] == "day")]
    rows = rows.assign(flight_date=pd.to_datetime(rows["flight_date"]), days=1).sort_values("flight_date")
    since = (rows["flight_date"] - rows["flight_date"].min()).dt.days + 1
    return rows.assign(day=since, day_of_week=rows["flight_date"].dt.dayofweek + 1)


def side_by_side(frame: pd.DataFrame, name: str, by: str, sides: Sequence[Filters]) -> Chart:
    """A measure for A and B by hour, weekday or day of the selections."""
    measure, (key, axis) = MEASURES[name], AXES[by]
    figure, files, said = go.Figure(), [], []
    overall: list[float] = []
    for place, (side, side_name) in enumerate(zip(SIDES, names(sides), strict=True)):
        rows = _rows(frame, side, key)
        rows = rows.assign(value=measure.of(rows), side=side)
        files.append(rows)
        overall.append(measure.overall(rows))
        said.append(text.SIDE_SAYS.format(value=measure.said(overall[-1]), name=side_name))
        figure.add_trace(
            go.Scatter(
                x=_labels(rows, key),
                y=rows["value"],
                name=side_name,
                mode="lines+markers",
                line={"dash": _DASHES[place]},
                marker={"symbol": _SYMBOLS[place], "size": 7},
                customdata=tooltips(rows, measure),
                hovertemplate="%{customdata}",
            )
        )
    figure.update_layout(
        xaxis_title=axis,
        yaxis_title=measure.axis,
        hovermode="x unified",
        legend=formats.LEGEND,
    )
    rows = pd.concat(files, ignore_index=True)
    if key != "day":
        labels = [hour_name(hour) for hour in range(24)] if key == "hour" else list(text.DAY_NAMES)
        present = set(_labels(rows, key))
        figure.update_xaxes(categoryorder="array", categoryarray=[label for label in labels if label in present])
    if key == "hour":
        figure.update_xaxes(hour_ticks(rows["hour"]))
    return Chart(
        figure,
        text.SIDE_BY_SIDE_SAYS.format(measure=name, said="; ".join(said)),
        rows=file_of(rows, measure, "side", key),
        headline=_difference(name, overall),
    )


def _difference(name: str, overall: Sequence[float]) -> str:
    """A measure of both sides, and the difference; empty where a side has none."""
    measure = MEASURES[name]
    shown = _row(name, overall, measure.said, measure.gap, decimals=measure.decimals)
    if text.NOTHING in shown.values():
        return ""
    return text.SIDES_DIFFER.format(a=shown["side_a"], b=shown["side_b"], difference=shown["difference"])


def _rows(frame: pd.DataFrame, side: str, key: str) -> pd.DataFrame:
    days = _days(frame, side)
    if key == "day":
        return days
    if key == "day_of_week":
        return days.groupby(key)[[*SUMS, "days"]].sum().reset_index()
    hours = frame[(frame["side"] == side) & (frame["part"] == "hour")]
    return hours.assign(days=len(days)).sort_values("hour")


def _labels(rows: pd.DataFrame, key: str) -> list[str] | list[int]:
    if key == "day":
        return [int(day) for day in rows["day"]]
    return [hour_name(value) if key == "hour" else day_name(value) for value in rows[key]]
