"""Historical Analytics: cancellations."""

from __future__ import annotations

from datetime import date

import pandas as pd
import plotly.graph_objects as go

from dashboard.app_pages.history import text
from dashboard.app_pages.history.measures import (
    FEW_FLIGHTS,
    MEASURES,
    bar_colours,
    by_code,
    by_day,
    file_of,
    flights_said,
    headline,
    is_complete,
    tooltips,
)
from dashboard.panels import formats
from dashboard.panels.drawings import Chart

_Z = 1.96
"""The quantile of the normal distribution for a 95% interval"""
_ROW_PIXELS, _FRAME_PIXELS = 24, 90
_GREY = "rgba(128, 128, 128, 0.9)"  # visible in both themes and on the bars
_SHARE = MEASURES[text.CANCELLED]


def by_date(frame: pd.DataFrame, complete_until: date | None) -> Chart:
    """Cancelled flights by day, and their share of complete days."""
    rows = by_day(frame)
    is_shown = is_complete(rows, complete_until) & (rows["flights"] >= FEW_FLIGHTS)
    rows = rows.assign(value=_SHARE.of(rows).where(is_shown))
    figure = go.Figure()
    figure.add_trace(
        go.Bar(
            x=rows["flight_date"],
            y=rows["cancelled"],
            name=text.CANCELLED_BAR,
            customdata=[flights_said(flights) for flights in rows["cancelled"]],
            hovertemplate="%{customdata}",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=rows["flight_date"],
            y=rows["value"],
            name=text.CANCELLED_LINE,
            yaxis="y2",
            line={"dash": "dot"},
            customdata=tooltips(rows, _SHARE),
            hovertemplate="%{customdata}",
        )
    )
    figure.update_layout(
        xaxis_title=text.DAY_AXIS,
        yaxis_title=text.CANCELLED_FLIGHTS,
        yaxis2={
            "title": _SHARE.axis,
            "overlaying": "y",
            "side": "right",
            "rangemode": "tozero",
            "showgrid": False,
            "tickmode": "auto",
        },
        hovermode="x unified",
        xaxis_hoverformat=formats.DAY,
        legend=formats.LEGEND,
    )
    file = file_of(rows, _SHARE, "flight_date")
    return Chart(figure, _by_date_says(rows), rows=file, headline=_worst_day(rows[is_shown]))


def _worst_day(rows: pd.DataFrame) -> str:
    """The day with the most cancellations; empty where there were none."""
    if not rows["cancelled"].sum():
        return ""
    worst = rows.sort_values("cancelled", kind="stable").iloc[-1]
    counts = {name: formats.count(worst[name]) for name in ("cancelled", "flights")}
    return text.CANCELLED_DAYS_WORST.format(day=f"{worst['flight_date']:%a %Y-%m-%d}", **counts)


def _by_date_says(rows: pd.DataFrame) -> str:
    cancelled, flights = float(rows["cancelled"].sum()), float(rows["flights"].sum())
    if not cancelled:
        return text.CANCELLED_NONE.format(flights=formats.count(flights))
    most = rows.sort_values("cancelled", kind="stable").iloc[-1]
    return text.CANCELLED_DAYS_SAYS.format(
        cancelled=formats.count(cancelled),
        flights=formats.count(flights),
        share=_SHARE.said(_SHARE.overall(rows)),
        day=f"{most['flight_date']:%Y-%m-%d}",
        most=formats.count(most["cancelled"]),
    )


def by_airline(frame: pd.DataFrame) -> Chart:
    """The share of cancelled flights by airline, with its confidence interval."""
    rows = by_code(frame, "airline")
    rows = rows.assign(value=_SHARE.of(rows)).sort_values("value", ignore_index=True)
    low, high = interval(rows["cancelled"], rows["flights"])
    is_few = rows["flights"] < FEW_FLIGHTS
    figure = go.Figure(
        go.Bar(
            x=rows["value"].mask(rows["flights"] == 1, 0.0),  # one flight is no share
            y=rows["airline"] + [_label(*row) for row in zip(rows["value"], rows["flights"], strict=True)],
            marker={"color": bar_colours(rows["flights"])},
            orientation="h",
            error_x={
                "array": high - rows["value"],
                "arrayminus": rows["value"] - low,
                "thickness": 1.5,
                "width": 3,
                "color": _GREY,
            },
            customdata=[
                text.OUT_OF.format(cancelled=formats.count(cancelled), flights=formats.count(flights))
                for cancelled, flights in zip(rows["cancelled"], rows["flights"], strict=True)
            ],
            hovertemplate="%{y}, %{customdata}<extra></extra>",
        )
    )
    figure.update_layout(xaxis_title=_SHARE.axis, yaxis_title=text.AIRLINE)
    figure.update_yaxes(type="category")
    says = _by_airline_says(rows[~is_few])
    said = headline(text.CANCELLED, rows[~is_few], lambda row: str(row["airline"]))
    height = max(320, _FRAME_PIXELS + _ROW_PIXELS * len(rows))
    file = file_of(rows.assign(low_pct=low, high_pct=high), _SHARE, "airline", "low_pct", "high_pct")
    return Chart(figure, says, height, file, said)


def _label(share: float, flights: float) -> str:
    few = text.FEW.format(flights)
    if flights == 1:
        return f" · {few}"
    return f" · {_SHARE.said(share)}{' · ' + few if flights < FEW_FLIGHTS else ''}"


def _by_airline_says(rows: pd.DataFrame) -> str:
    if rows.empty:
        return text.CANCELLED_AIRLINES_FEW.format(least=FEW_FLIGHTS)
    top = rows.iloc[-1]
    return text.CANCELLED_AIRLINES_SAYS.format(
        airline=top["airline"],
        share=_SHARE.said(top["value"]),
        cancelled=formats.count(top["cancelled"]),
        flights=formats.count(top["flights"]),
    )


def interval(part: pd.Series[float], total: pd.Series[float]) -> tuple[pd.Series[float], pd.Series[float]]:
    """The 95% interval of a share, in percent, by Wilson (1927): it is valid for few cases and shares near zero too.

    Its bounds are (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n).
    """
    share = part / total
    centre, scale = share + _Z**2 / (2 * total), 1 + _Z**2 / total
    reach = _Z * (share * (1 - share) / total + _Z**2 / (4 * total**2)) ** 0.5
    return 100 * ((centre - reach) / scale).clip(lower=0), 100 * ((centre + reach) / scale).clip(upper=1)
