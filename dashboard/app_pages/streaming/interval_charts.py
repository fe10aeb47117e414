"""Streaming Analytics: a metric by interval, with moving averages, windows and trend."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.app_pages.streaming import metrics, text
from dashboard.app_pages.streaming.metrics import Floats
from dashboard.panels import formats
from dashboard.panels.drawings import Chart, Number
from dashboard.panels.text import NO_VALUE, TIME_UTC

_DASHES = ("dash", "dot", "dashdot")
_SUMMARY = ("events", "departures", "arrival_delay", "delayed", "quality")
_FAINT = "rgba(128, 128, 128, 0.7)"
_BAND = "rgba(128, 128, 128, 0.3)"
_MANY_POINTS = 100
_FAR, _ROOM = 0.05, 0.05
"""The share of points outside the axis range of a trend, and the padding around the others"""
_HOURS_A_DAY = 24
_TREND_BY_DAY_FROM_MINUTES = 60
"""From this interval on, ranges span days, and the slope is given per day"""


def summary(intervals: pd.DataFrame) -> list[Number]:
    """Each metric over the range, including the incomplete interval; trends by complete intervals."""
    return [_number(intervals, metric) for metric in _SUMMARY]


def _number(intervals: pd.DataFrame, metric: str) -> Number:
    parts = [name for name in metrics.METRICS[metric][:2] if isinstance(name, str)]
    total = metrics.values(intervals[parts].sum().to_frame().T, metric).iloc[0]
    trend = metrics.values(_complete(intervals), metric).dropna().tolist()
    return Number(text.METRICS[metric].label, _format(metric, total), trend=trend)


def series(intervals: pd.DataFrame, metric: str, averages_minutes: Sequence[int]) -> Chart | str:
    """The metric by interval, and its moving averages."""
    complete, measure = _complete(intervals), text.METRICS[metric]
    rows = pd.DataFrame({"interval_end": intervals["interval_end"], metric: metrics.values(intervals, metric)})
    known = rows.loc[complete.index, metric].dropna()
    if known.empty:
        return text.NO_VALUES.format(label=measure.label)
    figure = go.Figure()
    _line(figure, rows.loc[complete.index, "interval_end"], rows.loc[complete.index, metric], measure.label, metric)
    for dash, minutes in zip(_DASHES, averages_minutes, strict=False):
        average = metrics.moving_average(complete, metric, minutes)
        name = text.AVERAGE.format(text.duration(minutes))
        rows[name] = average
        _line(figure, complete["interval_end"], average, name, metric, dash)
    _unfinished(figure, rows.drop(complete.index), metric)
    _laid_out(figure, metric, metrics.step_minutes(intervals))
    says = text.SERIES_SAYS.format(
        label=measure.label,
        step=text.duration(metrics.step_minutes(intervals)),
        last=_format_or_words(metric, rows.loc[complete.index, metric].iloc[-1]),
        at=f"{complete['interval_end'].iloc[-1]:%Y-%m-%d %H:%M}",
        least=_format(metric, known.min()),
        most=_format(metric, known.max()),
    )
    step, last = text.duration(metrics.step_minutes(intervals)), rows.loc[complete.index, metric].iloc[-1]
    said = text.SERIES_HEADLINE.format(label=measure.label, last=_format(metric, last), step=step)
    return Chart(figure, says, height=380, rows=rows, headline=said)


def windows(intervals: pd.DataFrame, metric: str, kind: str, size_minutes: int) -> Chart | str:
    """The metric over tumbling windows, as bars of their width, or over sliding windows, at their ends."""
    complete, size = _complete(intervals), text.duration(size_minutes)
    if complete.empty:
        return text.NO_WINDOWS.format(size=size)
    figure = go.Figure()
    if kind == text.TUMBLING:
        rows = metrics.tumbling(complete, metric, size_minutes)
        middle = rows["window_start"] + pd.Timedelta(minutes=size_minutes) / 2
        figure.add_bar(
            x=middle,
            y=rows["value"],
            width=size_minutes * 60_000 * 0.92,
            customdata=[_window_hover(metric, *window) for window in rows.itertuples(index=False, name=None)],
            hovertemplate="%{customdata}<extra></extra>",
        )
    else:
        ends, value = complete["interval_end"], metrics.sliding(complete, metric, size_minutes)
        length = size_minutes // metrics.step_minutes(intervals)
        rows = pd.DataFrame({"window_start": ends - pd.Timedelta(minutes=size_minutes), "window_end": ends})
        rows = rows.assign(value=value).iloc[length - 1 :]
        _line(figure, rows["window_end"], rows["value"], text.METRICS[metric].label, metric)
    if rows["value"].isna().all():
        return text.NO_WINDOWS.format(size=size)
    _laid_out(figure, metric, size_minutes)
    if kind == text.TUMBLING:
        figure.update_layout(hovermode="closest", showlegend=False)
    else:
        figure.update_layout(xaxis_title=text.WINDOW_ENDS, showlegend=False)
    says = (text.TUMBLING_SAYS if kind == text.TUMBLING else text.SLIDING_SAYS).format(
        count=formats.count(len(rows)),
        size=size,
        step=text.duration(metrics.step_minutes(intervals)),
        last=_format_or_words(metric, rows["value"].iloc[-1]),
        most=_format(metric, rows["value"].max()),
    )
    last = _format(metric, rows["value"].iloc[-1])
    said = text.WINDOWS_HEADLINE.format(label=text.METRICS[metric].label, last=last, size=size)
    return Chart(figure, says, rows=rows, headline=said)


def _window_hover(metric: str, start: pd.Timestamp, end: pd.Timestamp, value: float) -> str:
    return text.WINDOW_HOVER.format(start=start, end=end, value=_format_or_words(metric, value))


def trend(intervals: pd.DataFrame, metric: str) -> Chart | str:
    """The metric by complete interval, the fitted line, and its confidence band."""
    complete = _complete(intervals)
    fitted = metrics.trend(complete, metric)
    if fitted is None:
        found = int(metrics.values(complete, metric).notna().sum())
        return text.NO_TREND.format(least=metrics.LEAST_POINTS, count=found)
    low, high = fitted.line - fitted.half_width, fitted.line + fitted.half_width
    figure = go.Figure()
    figure.add_scatter(
        x=fitted.times,
        y=fitted.measured,
        mode="markers",
        marker={"size": 5, "color": _FAINT, "symbol": "circle-open"},
        name=text.MEASURED,
        customdata=[_format(metric, value) for value in fitted.measured],
        hovertemplate="%{customdata}",
    )
    edge = {"x": fitted.times, "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    figure.add_scatter(**edge, y=high, showlegend=False)
    figure.add_scatter(**edge, y=low, fill="tonexty", fillcolor=_BAND, name=text.BAND)
    figure.add_scatter(
        x=fitted.times,
        y=fitted.line,
        mode="lines",
        line={"width": 3},
        name=text.LINE,
        customdata=[_format(metric, value) for value in fitted.line],
        hovertemplate="%{customdata}",
    )
    step = metrics.step_minutes(intervals)
    _laid_out(figure, metric, step)
    beyond = _focus(figure, fitted.measured, low, high)
    rows = pd.DataFrame(
        {"time": fitted.times, metric: fitted.measured, "line": fitted.line, "line_low": low, "line_high": high}
    )
    terms = _trend_terms(fitted, metric, step)
    says = " ".join([text.TREND_SAYS.format(**terms), *beyond])
    return Chart(figure, says, rows=rows, headline=_trend_headline(terms))


def _trend_headline(terms: dict[str, str]) -> str:
    words = text.UNCLEAR if terms["verdict"] == text.UNCLEAR else text.TREND_HEADLINE.format(**terms)
    return f"{terms['label']}: {words}"


def _focus(figure: go.Figure, measured: Floats, low: Floats, high: Floats) -> list[str]:
    """Limit the axis range, so that a few outliers do not compress the band; the note on them."""
    ends = np.quantile(measured, [_FAR / 2, 1 - _FAR / 2])
    bottom, top = min(low.min(), ends[0]), max(high.max(), ends[1])
    room = (top - bottom) * _ROOM
    figure.update_yaxes(range=[bottom - room, top + room], rangemode="normal")
    beyond = int(((measured < bottom - room) | (measured > top + room)).sum())
    return [text.BEYOND.format(count=beyond)] if beyond else []


def _trend_terms(fitted: metrics.Trend, metric: str, step_minutes: int) -> dict[str, str]:
    """What is said of a trend, in words."""
    by_day, measure = step_minutes >= _TREND_BY_DAY_FROM_MINUTES, text.METRICS[metric]
    hours = _HOURS_A_DAY if by_day else 1
    slope, half_width = fitted.slope * hours, fitted.slope_half_width * hours
    direction = text.RISES if slope > 0 else text.FALLS
    return {
        "label": measure.label,
        "slope": formats.unsigned_zero(measure.rate.format(slope)),
        "per": text.A_DAY if by_day else text.AN_HOUR,
        "low": formats.unsigned_zero(measure.rate.format(slope - half_width)),
        "high": formats.unsigned_zero(measure.rate.format(slope + half_width)),
        "verdict": direction if abs(slope) > half_width else text.UNCLEAR,
        "count": formats.count(len(fitted.line)),
        "step": text.duration(step_minutes),
    }


def _complete(intervals: pd.DataFrame) -> pd.DataFrame:
    return intervals[intervals["is_complete"]]


def _format(metric: str, value: float) -> str:
    return NO_VALUE if np.isnan(value) else text.METRICS[metric].value(value)


def _format_or_words(metric: str, value: float) -> str:
    return text.NO_VALUE if np.isnan(value) else _format(metric, value)


def _line(
    figure: go.Figure, x: pd.Series[pd.Timestamp], y: pd.Series[float], name: str, metric: str, dash: str | None = None
) -> None:
    """A line; dashed lines have no markers."""
    mode = "lines+markers" if dash is None and len(x) < _MANY_POINTS else "lines"
    line = {"width": 2, "dash": dash or "solid"}
    labels = [_format(metric, value) for value in y]
    hover = "%{customdata}"
    figure.add_scatter(x=x, y=y, mode=mode, line=line, name=name, customdata=labels, hovertemplate=hover)


def _unfinished(figure: go.Figure, rows: pd.DataFrame, metric: str) -> None:
    figure.add_scatter(
        x=rows["interval_end"],
        y=rows[metric],
        mode="markers",
        marker={"symbol": "circle-open", "size": 10, "color": _FAINT, "line": {"width": 2}},
        name=text.UNFINISHED,
        customdata=[_format(metric, value) for value in rows[metric]],
        hovertemplate="%{customdata}",
    )


def _laid_out(figure: go.Figure, metric: str, minutes: int) -> None:
    measure = text.METRICS[metric]
    count = metrics.is_count(metric)
    per = text.PER.format(label=measure.label, minutes=text.duration(minutes))
    figure.update_layout(
        xaxis={"title": TIME_UTC, "hoverformat": formats.TIME},
        yaxis_title=per if count else text.OF.format(label=measure.label, unit=measure.unit),
        yaxis_rangemode="tozero" if count else "normal",
        hovermode="x unified",
        legend=formats.LEGEND,
    )
