"""Prediction & Insights: predicted versus actual delays, and the calibration of interval and confidence."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.app_pages.predictions import text
from dashboard.app_pages.predictions.accuracy import overall
from dashboard.app_pages.predictions.accuracy_charts import GREY, value_hover
from dashboard.app_pages.predictions.bins import AXIS, BINS, bounds, centre
from dashboard.app_pages.predictions.queries import BIN_MINUTES, FIRST_BIN_MINUTES, LAST_BIN_MINUTES
from dashboard.panels import formats
from dashboard.panels.drawings import Chart

_LATE_MINUTES = 30
_FEWEST = 20
_HEIGHT = 440
_CONFIDENCE_STEP = 5
# Transparent at low counts, so that it fits both themes.
_DENSITY = [[0.0, "rgba(70, 130, 200, 0.12)"], [1.0, "rgba(70, 130, 200, 1)"]]


def actual(cells: pd.DataFrame) -> Chart:
    """The counts of predicted and actual delays. ``cells``: accuracy by ``predicted_bin`` and ``actual_bin``."""
    counts = cells.pivot_table(index="actual_bin", columns="predicted_bin", values="predictions", aggfunc="sum")
    counts = counts.reindex(index=BINS, columns=BINS)
    flights = counts.fillna(0).to_numpy(dtype=int)
    hover = [[_hover(x, y, n) for x, n in zip(BINS, row, strict=True)] for y, row in zip(BINS, flights, strict=True)]
    centres = [lower + BIN_MINUTES / 2 for lower in BINS]
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
        xaxis=AXIS | {"title": text.PREDICTED_DELAY},
        yaxis=AXIS | {"title": text.ACTUAL_DELAY},
        legend=formats.LEGEND,
        showlegend=True,
    )
    is_near = (cells["actual_bin"] - cells["predicted_bin"]).abs() <= BIN_MINUTES
    near = cells.loc[is_near, "predictions"].sum() / cells["predictions"].sum()
    says = text.ACTUAL_SAYS.format(
        n=formats.count(cells["predictions"].sum()), near=formats.share(near), step=BIN_MINUTES
    )
    headline = text.ACTUAL_HEADLINE.format(near=formats.share(near), step=BIN_MINUTES)
    return Chart(figure, says, height=_HEIGHT, headline=headline)


def _hover(x: int, y: int, flights: int) -> str:
    return text.CELL_HOVER.format(n=flights, x=bounds(x), y=bounds(y))


def _same(ends: list[float], name: str) -> go.Scatter:
    """The diagonal."""
    return go.Scatter(x=ends, y=ends, mode="lines", name=name, line={"dash": "dash", "color": GREY}, hoverinfo="skip")


def _mean_actual(cells: pd.DataFrame) -> go.Scatter:
    """The mean actual delay for each predicted delay, where there are enough predictions."""
    total = cells.assign(total=cells["mean_actual_minutes"] * cells["predictions"])
    found = total.groupby("predicted_bin")[["total", "predictions"]].sum()
    is_open = found.index.isin([FIRST_BIN_MINUTES, LAST_BIN_MINUTES - BIN_MINUTES])  # they are open-ended
    found = found[(found["predictions"] >= _FEWEST) & ~is_open]
    means = found["total"] / found["predictions"]
    return go.Scatter(
        x=centre(found.index.to_series()),
        y=means,
        text=[text.MEAN_HOVER.format(bin=bounds(lower), value=formats.minutes(mean)) for lower, mean in means.items()],
        hoverinfo="text",
        mode="lines+markers",
        name=text.MEAN_ACTUAL,
        marker={"symbol": "diamond", "size": 7},
        line={"color": "#E69F00"},
    )


def distribution(cells: pd.DataFrame) -> Chart:
    """The distributions of predicted and actual delays. ``cells`` as in ``actual``."""
    total = cells["predictions"].sum()
    shares = {
        column: 100 * cells.groupby(column)["predictions"].sum().reindex(list(BINS), fill_value=0) / total
        for column in ("predicted_bin", "actual_bin")
    }
    predicted, found = shares["predicted_bin"], shares["actual_bin"]
    figure = go.Figure(
        [
            go.Bar(
                x=centre(predicted.index.to_series()),
                y=predicted,
                name=text.PREDICTED,
                opacity=0.75,
                hovertext=_shares_hover(text.PREDICTED, predicted),
                hoverinfo="text",
            ),
            go.Scatter(
                x=centre(found.index.to_series()),
                y=found,
                name=text.ACTUALLY,
                mode="lines+markers",
                hovertext=_shares_hover(text.ACTUALLY, found),
                hoverinfo="text",
                line={"shape": "hvh", "dash": "dot"},
                marker={"symbol": "diamond", "size": 6},
            ),
        ]
    )
    figure.update_layout(
        xaxis=AXIS | {"title": text.DELAY},
        yaxis_title=text.SHARE_OF_FLIGHTS,
        bargap=0.02,
        legend=formats.LEGEND,
    )
    late = [formats.percent(float(share[share.index >= _LATE_MINUTES].sum())) for share in (predicted, found)]
    says = text.DISTRIBUTION_SAYS.format(predicted=late[0], actual=late[1], step=BIN_MINUTES)
    headline = text.DISTRIBUTION_HEADLINE.format(predicted=late[0], actual=late[1])
    return Chart(figure, says, height=_HEIGHT, headline=headline)


def _shares_hover(name: str, shares: pd.Series[float]) -> list[str]:
    """The share of each bin in words."""
    return [
        text.SHARE_HOVER.format(name=name, bin=bounds(lower), share=formats.percent(share))
        for lower, share in shares.items()
    ]


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
                text=_confidence_hover(rows, "accurate_pct"),
                hoverinfo="text",
            ),
            _same(ends, text.AS_STATED),
        ]
    )
    figure.update_layout(xaxis_title=text.CONFIDENCE, yaxis_title=text.WITHIN, legend=formats.LEGEND)
    most = rows.iloc[int(counts.argmax())]
    # The expected calibration error: Naeini, Cooper, Hauskrecht, "Obtaining Well Calibrated Probabilities", AAAI 2015.
    gap = overall(rows.assign(gap=(rows["accurate_pct"] - rows["confidence_pct"]).abs()), "gap")
    stated, found = (formats.percent(most[name]) for name in ("confidence_pct", "accurate_pct"))
    says = text.CALIBRATION_SAYS.format(gap=gap, stated=stated, found=found)
    return Chart(figure, says, headline=text.CALIBRATION_HEADLINE.format(gap=gap))


def _confidence_hover(rows: pd.DataFrame, name: str) -> list[str]:
    said = [text.CONFIDENCE_HOVER.format(formats.percent(confidence)) for confidence in rows["confidence_pct"]]
    return value_hover(rows.assign(said=said), "said", name)


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
            hovertext=_confidence_hover(rows, "mean_absolute_error_minutes"),
            hoverinfo="text",
        )
    )
    figure.update_layout(xaxis_title=text.CONFIDENCE, yaxis_title=text.MEAN_ERROR)
    low, high = rows.iloc[0], rows.iloc[-1]
    mean_errors = {"low_error": errors.iloc[0], "high_error": errors.iloc[-1]}
    says = text.BY_CONFIDENCE_SAYS.format(
        low=formats.percent(low["confidence_pct"]), high=formats.percent(high["confidence_pct"]), **mean_errors
    )
    return Chart(figure, says, headline=text.BY_CONFIDENCE_HEADLINE.format(**mean_errors))


def coverage(rows: pd.DataFrame) -> Chart:
    """The interval coverage by predicted delay. ``rows``: accuracy by ``predicted_bin``."""
    enough = rows[rows["predictions"] >= _FEWEST].sort_values("predicted_bin")
    shown = enough if len(enough) else rows.sort_values("predicted_bin")
    lowest = shown.loc[shown["in_interval_pct"].idxmin()]
    said = [text.COVERAGE_HOVER.format(bounds(int(lower))) for lower in shown["predicted_bin"]]
    figure = go.Figure(
        [
            go.Scatter(
                x=centre(shown["predicted_bin"]),
                y=shown["in_interval_pct"],
                name=text.FOUND_INSIDE,
                mode="lines+markers",
                marker={"size": 7},
                text=value_hover(shown.assign(said=said), "said", "in_interval_pct"),
                hoverinfo="text",
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
        xaxis=AXIS | {"title": text.PREDICTED_DELAY},
        yaxis_title=text.COVERAGE_SHARE,
        yaxis_range=[min(49.0, lowest["in_interval_pct"] - 5), 101],
        legend=formats.LEGEND,
    )
    lower = int(lowest["predicted_bin"])
    share = formats.percent(overall(rows, "in_interval_pct"))
    says = text.COVERAGE_SAYS.format(
        share=share,
        low=formats.percent(float(shown["in_interval_pct"].min())),
        low_bin=bounds(lower),
        fewest=_FEWEST,
    )
    return Chart(figure, says, height=_HEIGHT, headline=text.COVERAGE_HEADLINE.format(share=share))
