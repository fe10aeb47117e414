"""Prediction & Insights: predicted versus actual delays, and the calibration of interval and confidence."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.app_pages.predictions import text
from dashboard.app_pages.predictions.accuracy import overall
from dashboard.app_pages.predictions.accuracy_charts import GREY
from dashboard.app_pages.predictions.queries import BIN_MINUTES, FIRST_BIN_MINUTES, LAST_BIN_MINUTES
from dashboard.panels import formats
from dashboard.panels.drawings import Chart

_LATE_MINUTES = 30
_FEWEST = 20
_BINS = range(FIRST_BIN_MINUTES, LAST_BIN_MINUTES, BIN_MINUTES)
_HEIGHT = 440
_CONFIDENCE_STEP = 5
_AXIS = {"range": [FIRST_BIN_MINUTES, LAST_BIN_MINUTES], "dtick": 60, "tick0": 0}
# Transparent at low counts, so that it fits both themes.
_DENSITY = [[0.0, "rgba(70, 130, 200, 0.12)"], [1.0, "rgba(70, 130, 200, 1)"]]


def _centre(bins: pd.Series[int]) -> pd.Series[float]:
    return bins + BIN_MINUTES / 2


def _end(bins: int, *, first: bool) -> str:
    """The label of a bound of a bin: the first and the last bin contain all values beyond."""
    if first:
        return text.EARLIER if bins == FIRST_BIN_MINUTES else f"{bins:+d}"
    return text.LATER if bins == LAST_BIN_MINUTES - BIN_MINUTES else f"{bins + BIN_MINUTES:+d}"


def actual(cells: pd.DataFrame) -> Chart:
    """The counts of predicted and actual delays. ``cells``: accuracy by ``predicted_bin`` and ``actual_bin``."""
    counts = cells.pivot_table(index="actual_bin", columns="predicted_bin", values="predictions", aggfunc="sum")
    counts = counts.reindex(index=_BINS, columns=_BINS)
    flights = counts.fillna(0).to_numpy(dtype=int)
    hover = [[_hover(x, y, n) for x, n in zip(_BINS, row, strict=True)] for y, row in zip(_BINS, flights, strict=True)]
    centres = [lower + BIN_MINUTES / 2 for lower in _BINS]
    most = float(cells["predictions"].max())
    ticks = [10**power for power in range(int(np.log10(most)) + 1)]
    figure = go.Figure(
        go.Heatmap(
            x=centres,
            y=centres,
            z=np.log10(counts),
            zmin=0,
            zmax=max(np.log10(most), 1),
            colorscale=_DENSITY,
            colorbar={
                "title": text.COUNT_BAR,
                "thickness": 12,
                "tickvals": np.log10(ticks),
                "ticktext": [formats.count(tick) for tick in ticks],
            },
            text=hover,
            hoverinfo="text",
        )
    )
    figure.add_trace(_same([FIRST_BIN_MINUTES, LAST_BIN_MINUTES], text.SAME))
    figure.add_trace(_mean_actual(cells))
    figure.update_layout(
        xaxis=_AXIS | {"title": text.PREDICTED_DELAY},
        yaxis=_AXIS | {"title": text.ACTUAL_DELAY},
        legend=formats.LEGEND,
        showlegend=True,
    )
    is_near = (cells["actual_bin"] - cells["predicted_bin"]).abs() <= BIN_MINUTES
    near = cells.loc[is_near, "predictions"].sum() / cells["predictions"].sum()
    says = text.ACTUAL_SAYS.format(
        n=formats.count(cells["predictions"].sum()), near=formats.share(near), step=BIN_MINUTES
    )
    return Chart(figure, says, height=_HEIGHT)


def _hover(x: int, y: int, flights: int) -> str:
    bounds = {"x": _end(x, first=True), "x_end": _end(x, first=False)}
    bounds |= {"y": _end(y, first=True), "y_end": _end(y, first=False)}
    return text.CELL_HOVER.format(n=flights, **bounds)


def _same(ends: list[float], name: str) -> go.Scatter:
    """The diagonal."""
    return go.Scatter(x=ends, y=ends, mode="lines", name=name, line={"dash": "dash", "color": GREY}, hoverinfo="skip")


def _mean_actual(cells: pd.DataFrame) -> go.Scatter:
    """The mean actual delay for each predicted delay, where there are enough predictions."""
    total = cells.assign(total=cells["mean_actual_minutes"] * cells["predictions"])
    found = total.groupby("predicted_bin")[["total", "predictions"]].sum()
    is_open = found.index.isin([FIRST_BIN_MINUTES, LAST_BIN_MINUTES - BIN_MINUTES])  # they are open-ended
    found = found[(found["predictions"] >= _FEWEST) & ~is_open]
    return go.Scatter(
        x=_centre(found.index.to_series()),
        y=found["total"] / found["predictions"],
        mode="lines+markers",
        name=text.MEAN_ACTUAL,
        marker={"symbol": "diamond", "size": 7},
        line={"color": "#E69F00"},
    )


def distribution(cells: pd.DataFrame) -> Chart:
    """The distributions of predicted and actual delays. ``cells`` as in ``actual``."""
    total = cells["predictions"].sum()
    shares = {
        column: 100 * cells.groupby(column)["predictions"].sum().reindex(list(_BINS), fill_value=0) / total
        for column in ("predicted_bin", "actual_bin")
    }
    predicted, found = shares["predicted_bin"], shares["actual_bin"]
    figure = go.Figure(
        [
            go.Bar(x=_centre(predicted.index.to_series()), y=predicted, name=text.PREDICTED, opacity=0.75),
            go.Scatter(
                x=_centre(found.index.to_series()),
                y=found,
                name=text.ACTUALLY,
                mode="lines+markers",
                line={"shape": "hvh", "dash": "dot"},
                marker={"symbol": "diamond", "size": 6},
            ),
        ]
    )
    figure.update_layout(
        xaxis=_AXIS | {"title": text.DELAY},
        yaxis_title=text.SHARE_OF_FLIGHTS,
        bargap=0.02,
        legend=formats.LEGEND,
    )
    late = [formats.share(share[share.index >= _LATE_MINUTES].sum() / 100) for share in (predicted, found)]
    return Chart(
        figure, text.DISTRIBUTION_SAYS.format(predicted=late[0], actual=late[1], step=BIN_MINUTES), height=_HEIGHT
    )


def calibration(rows: pd.DataFrame) -> Chart:
    """The predicted confidence and the observed share within 15 minutes. ``rows``: accuracy by ``confidence_bin``."""
    rows = rows.sort_values("confidence_pct")
    counts = rows["predictions"]
    ends = [float(min(rows["confidence_pct"].min(), rows["accurate_pct"].min())) - 5, 100.0]
    figure = go.Figure(
        [
            go.Scatter(
                x=rows["confidence_pct"],
                y=rows["accurate_pct"],
                mode="lines+markers",
                name=text.FOUND,
                marker={"size": 7 + 14 * np.sqrt(counts / counts.max()), "opacity": 0.85},
                text=[text.HOVER_PREDICTIONS.format(int(count)) for count in counts],
            ),
            _same(ends, text.AS_STATED),
        ]
    )
    figure.update_layout(xaxis_title=text.CONFIDENCE, yaxis_title=text.WITHIN, legend=formats.LEGEND)
    most = rows.loc[counts.idxmax()]
    # The expected calibration error: Naeini, Cooper, Hauskrecht, "Obtaining Well Calibrated Probabilities", AAAI 2015.
    gap = overall(rows.assign(gap=(rows["accurate_pct"] - rows["confidence_pct"]).abs()), "gap")
    says = text.CALIBRATION_SAYS.format(gap=gap, stated=most["confidence_pct"], found=most["accurate_pct"])
    return Chart(figure, says)


def by_confidence(rows: pd.DataFrame) -> Chart:
    """The mean absolute error by predicted confidence. ``rows`` as in ``calibration``."""
    rows = rows.sort_values("confidence_pct")
    errors = rows["mean_absolute_error_minutes"]
    figure = go.Figure(
        go.Bar(
            x=100 * rows["confidence_bin"] + _CONFIDENCE_STEP / 2,
            y=errors,
            width=0.9 * _CONFIDENCE_STEP,
            text=[f"{error:.0f}" for error in errors],
            hovertext=[text.HOVER_PREDICTIONS.format(int(count)) for count in rows["predictions"]],
        )
    )
    figure.update_layout(xaxis_title=text.CONFIDENCE, yaxis_title=text.MEAN_ERROR)
    low, high = rows.iloc[0], rows.iloc[-1]
    says = text.BY_CONFIDENCE_SAYS.format(
        low=low["confidence_pct"],
        low_error=low["mean_absolute_error_minutes"],
        high=high["confidence_pct"],
        high_error=high["mean_absolute_error_minutes"],
    )
    return Chart(figure, says)


def coverage(rows: pd.DataFrame) -> Chart:
    """The interval coverage by predicted delay. ``rows``: accuracy by ``predicted_bin``."""
    enough = rows[rows["predictions"] >= _FEWEST].sort_values("predicted_bin")
    shown = enough if len(enough) else rows.sort_values("predicted_bin")
    lowest = shown.loc[shown["in_interval_pct"].idxmin()]
    figure = go.Figure(
        [
            go.Scatter(
                x=_centre(shown["predicted_bin"]),
                y=shown["in_interval_pct"],
                name=text.FOUND_INSIDE,
                mode="lines+markers",
                marker={"size": 7},
                text=[text.HOVER_PREDICTIONS.format(int(count)) for count in shown["predictions"]],
            ),
            go.Scatter(
                x=[FIRST_BIN_MINUTES, LAST_BIN_MINUTES],
                y=[text.TARGET_PCT] * 2,
                name=text.TARGET,
                mode="lines",
                line={"dash": "dash", "color": GREY},
                hoverinfo="skip",
            ),
        ]
    )
    figure.update_layout(
        xaxis=_AXIS | {"title": text.PREDICTED_DELAY},
        yaxis_title=text.COVERAGE_SHARE,
        yaxis_range=[min(49.0, lowest["in_interval_pct"] - 5), 101],
        legend=formats.LEGEND,
    )
    lower = int(lowest["predicted_bin"])
    says = text.COVERAGE_SAYS.format(
        share=formats.share(overall(rows, "in_interval_pct") / 100),
        low=formats.share(float(shown["in_interval_pct"].min()) / 100),
        low_bin=f"{_end(lower, first=True)} to {_end(lower, first=False)}",
        fewest=_FEWEST,
    )
    return Chart(figure, says, height=_HEIGHT)
