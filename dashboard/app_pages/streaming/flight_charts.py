"""Streaming Analytics: the flights of a range by airline, airport, status and delay."""

from __future__ import annotations

from functools import cache
from textwrap import shorten

import pandas as pd
import plotly.graph_objects as go

from dashboard.app_pages.streaming import text
from dashboard.app_pages.streaming.queries import BIN_MINUTES
from dashboard.panels import formats
from dashboard.panels.delays import DELAYED_MINUTES
from dashboard.panels.drawings import Chart
from dashboard.panels.text import NO_VALUE
from skytier import reference

TOP, _LABEL = 10, 22
_AXIS_HEIGHT, _BAR_HEIGHT = 100, 26
LEAST_ARRIVALS = 5
"""A mean over fewer arrivals is not significant"""
FIRST_BIN, LAST_BIN = -45.0, 120.0
"""The first and the last bar contain the delays beyond"""


def ranking(groups: pd.DataFrame, grouped_by: str, rank: str) -> Chart | str:
    """The top airlines, origins or destinations by a rank of ``text.RANKS``."""
    found = _measured(groups[groups["grouped_by"] == grouped_by])
    if rank != "flights":
        found = found[found["arrivals_with_delay"] >= LEAST_ARRIVALS]
    if found.empty:
        return text.NO_RANKS.format(least=LEAST_ARRIVALS)
    ordered = found.sort_values([rank, "name"], ascending=[False, True])
    top = ordered.head(TOP)
    said = text.RANK_VALUES[rank]
    figure = go.Figure(
        go.Bar(
            x=top[rank],
            y=[shorten(_label(grouped_by, code), _LABEL, placeholder="…") for code in top["name"]],
            orientation="h",
            text=[said(value) for value in top[rank]],
            textposition="auto",
            hovertext=[_hover(grouped_by, row) for _, row in top.iterrows()],
            hoverinfo="text",
        )
    )
    figure.update_yaxes(autorange="reversed")
    figure.update_layout(xaxis_title=text.RANK_UNITS[rank])
    height = _AXIS_HEIGHT + _BAR_HEIGHT * len(top)
    best = top.iloc[0]
    says = text.RANK_SAYS.format(
        count=formats.count(len(found)),
        rank=text.RANKS[rank].lower(),
        name=_label(grouped_by, best["name"]),
        value=said(best[rank]),
        others=text.RANK_ALL if rank == "flights" else text.RANK_LEAST.format(least=LEAST_ARRIVALS),
    )
    value = said(best[rank]) + text.RANK_UNIT[rank]
    headline = text.RANK_HEADLINE.format(name=_label(grouped_by, best["name"]), value=value)
    return Chart(figure, says, height, _rows(ordered), headline)


def _measured(groups: pd.DataFrame) -> pd.DataFrame:
    """Add the mean arrival delay in minutes, and the percentage of delayed arrivals."""
    arrivals, with_status = groups["arrivals_with_delay"], groups["arrivals_with_status"]
    return groups.assign(
        arrival_delay=groups["arrival_delay_sum_minutes"] / arrivals.where(arrivals > 0),
        delayed=100 * groups["delayed_arrivals"] / with_status.where(with_status > 0),
    )


def _rows(ordered: pd.DataFrame) -> pd.DataFrame:
    names = ["name", "flights", "cancelled", "arrivals_with_delay", "arrival_delay", "delayed"]
    return ordered[names].rename(columns={"name": "code", "arrivals_with_delay": "arrivals"})


@cache
def _names() -> dict[str, dict[str, str]]:
    airports = {airport.iata: airport.city or airport.name or airport.iata for airport in reference.airports()}
    airlines = {airline.iata: airline.name for airline in reference.airlines()}
    return {"airline": airlines, "origin": airports, "destination": airports}


def _label(grouped_by: str, code: str) -> str:
    return f"{code} {_names()[grouped_by].get(code, '')}".strip()


def _hover(grouped_by: str, row: pd.Series) -> str:
    known = pd.notna(row["arrival_delay"])
    return text.RANK_HOVER.format(
        name=_label(grouped_by, row["name"]),
        flights=formats.count(row["flights"]),
        cancelled=formats.count(row["cancelled"]),
        delay=formats.minutes(row["arrival_delay"]) if known else NO_VALUE,
        delayed=formats.percent(row["delayed"]),
    )


def status(groups: pd.DataFrame) -> Chart | str:
    """The number of flights by final status, or en route."""
    found = groups[groups["grouped_by"] == "status"].set_index("name")["flights"]
    counts = found.reindex(list(text.STATUSES), fill_value=0)
    total = int(counts.sum())
    if not total:
        return text.NO_FLIGHTS
    shares = [formats.share(count / total) for count in counts]
    labels = [
        text.STATUS_LABEL.format(count=formats.count(count), share=share)
        for count, share in zip(counts, shares, strict=True)
    ]
    figure = go.Figure(
        go.Bar(
            x=counts,
            y=list(text.STATUSES.values()),
            orientation="h",
            text=labels,
            textposition=["inside" if count > counts.max() / 2 else "outside" for count in counts],
            cliponaxis=False,
        )
    )
    figure.update_traces(hovertemplate="%{y}: %{text}<extra></extra>")
    figure.update_yaxes(autorange="reversed")
    figure.update_layout(xaxis_title=text.FLIGHTS)
    values = {str(name): formats.count(count) for name, count in counts.items()}
    rows = pd.DataFrame({"status": list(text.STATUSES.values()), "flights": counts.to_numpy()})
    says = text.STATUS_SAYS.format(flights=formats.count(total), **values)
    headline = text.STATUS_HEADLINE.format(**dict(zip(counts.index, shares, strict=True)))
    return Chart(figure, says, height=360, rows=rows, headline=headline)


def histogram(groups: pd.DataFrame, delay: str) -> Chart | str:
    """The distribution of delays in bins; the first and the last contain all values beyond."""
    found = groups[groups["grouped_by"] == delay]
    if found.empty:
        return text.NO_DELAYS
    bins = _bins(found)
    late = bins["delay_from_minutes"] >= DELAYED_MINUTES
    figure = go.Figure()
    for part, name, shape in ((bins[~late], text.ON_TIME, ""), (bins[late], text.LATE, "/")):
        figure.add_bar(
            x=part["delay_from_minutes"] + BIN_MINUTES / 2,
            y=part["flights"],
            width=BIN_MINUTES * 0.92,
            name=name,
            marker={"pattern": {"shape": shape, "size": 5}},
            hovertext=[_bin(*row) for row in part.itertuples(index=False)],
            hoverinfo="text",
        )
    figure.update_layout(
        xaxis_title=text.DELAY_AXIS.format(text.DELAYS[delay]),
        yaxis_title=text.FLIGHTS,
        legend=formats.LEGEND,
    )
    headline = text.DELAY_HEADLINE.format(late=_late_shares(found)[-1])
    return Chart(figure, _delay_says(found, delay), height=360, rows=bins, headline=headline)


def _bins(found: pd.DataFrame) -> pd.DataFrame:
    """Every bin from the first to the last, by lower bound; these two contain all values beyond."""
    lower = found["delay_from_minutes"].clip(FIRST_BIN, LAST_BIN)
    every = pd.Index([float(low) for low in range(int(FIRST_BIN), int(LAST_BIN) + 1, BIN_MINUTES)])
    counts = found["flights"].groupby(lower).sum().reindex(every, fill_value=0)
    return pd.DataFrame({"delay_from_minutes": every, "flights": counts.to_numpy()})


def _bin(low: float, count: int) -> str:
    template = text.DELAY_FIRST if low == FIRST_BIN else text.DELAY_LAST if low == LAST_BIN else text.DELAY_BIN
    return template.format(low=low, high=low + BIN_MINUTES, count=count)


def _delay_says(found: pd.DataFrame, delay: str) -> str:
    values = dict(zip(("early", "slightly", "late"), _late_shares(found), strict=True))
    return text.DELAY_SAYS.format(kind=text.DELAYS[delay], flights=formats.count(found["flights"].sum()), **values)


def _late_shares(found: pd.DataFrame) -> list[str]:
    """The shares of flights that were early, less than 15 minutes late, and later."""
    total, lower = int(found["flights"].sum()), found["delay_from_minutes"]
    early, late = lower < 0, lower >= DELAYED_MINUTES
    return [formats.share(found.loc[chosen, "flights"].sum() / total) for chosen in (early, ~early & ~late, late)]
