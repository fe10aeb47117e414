"""Real-Time Overview: numbers, ingestion rate, map of the flights in the air."""

from __future__ import annotations

import math

import pandas as pd
import plotly.graph_objects as go

from dashboard.app_pages.overview import text
from dashboard.panels import formats
from dashboard.panels.delays import DELAY_SCALE, DELAYED_MINUTES, delay_colour
from dashboard.panels.drawings import Chart, Grid, MoreIs, Number
from dashboard.panels.formats import pattern
from dashboard.panels.hot_tier_size import HOT_TIER_TOO_LARGE
from dashboard.panels.states import limited
from dashboard.panels.text import EVENT_TYPES
from skytier import reference

_TREND_HOURS, _RATE_MINUTES, _LATENCY_BATCHES = 12, 60, 30
_MAP_HEIGHT, _MAP_SHAPE = 460, 1.4  # pixels; width to height
_AROUND, _LEAST_DEG = 1.15, 12.0
_EARLY, _LATE = -15.0, 60.0


def hot_size(frame: pd.DataFrame) -> list[Number]:
    row = frame.iloc[0]
    share = row["size_mb"] / row["limit_mb"]
    return [
        Number(text.HOT_RECORDS, formats.count(row["documents"])),
        Number(
            text.HOT_SIZE,
            formats.size(row["size_mb"]),
            note=text.OF_LIMIT.format(formats.share(share), formats.size(row["limit_mb"])),
            state=limited(share, 1.0, HOT_TIER_TOO_LARGE),
            help=text.HOT_SIZE_HELP,
        ),
    ]


def in_the_air(flights: pd.DataFrame) -> list[Number]:
    """The number of flights in the air, and of late ones, as of the warehouse clock; with trends."""
    clock = flights["clock"].iloc[0]
    moments = [clock - pd.Timedelta(hours=hours) for hours in range(_TREND_HOURS, -1, -1)]
    aloft = [_aloft(flights, moment) for moment in moments]
    flying, late = (
        [len(rows) for rows in aloft],
        [int((rows["departure_delay_minutes"] >= DELAYED_MINUTES).sum()) for rows in aloft],
    )
    return [
        _hourly(text.IN_THE_AIR, flying, "off", text.IN_THE_AIR_HELP),
        _hourly(text.DELAYED_NOW, late, "inverse", text.DELAYED_HELP),
    ]


def _hourly(label: str, counts: list[int], more_is: MoreIs, meaning: str) -> Number:
    more = counts[-1] - counts[-2]
    change, note = (f"{more:+,}", None) if more else (None, text.UNCHANGED)
    return Number(label, formats.count(counts[-1]), change, more_is, note, counts, meaning)


def _aloft(flights: pd.DataFrame, moment: pd.Timestamp) -> pd.DataFrame:
    landed = flights["landed_at"].notna() & (flights["landed_at"] <= moment)
    return flights[(flights["departed_at"] <= moment) & ~landed]


def batches(frame: pd.DataFrame) -> list[Number]:
    ordered = frame.sort_values("committed_at").tail(_LATENCY_BATCHES)
    newest = ordered.iloc[-1]
    return [
        Number(text.RECORDS, formats.count(newest["records"]), trend=ordered["records"].tolist()),
        Number(
            text.LATENCY,
            formats.seconds(newest["latency_seconds"]),
            trend=ordered["latency_seconds"].tolist(),
            help=text.LATENCY_HELP,
        ),
    ]


def incoming(frame: pd.DataFrame) -> list[Number]:
    """The records that Kafka gets now."""
    row = frame.iloc[0]
    age_seconds = row["age_seconds"]
    note = text.NEVER if pd.isna(age_seconds) else text.NEWEST_RECORD.format(formats.age(age_seconds))
    quiet = text.QUIET.total_seconds()
    state = limited(age_seconds, quiet, math.inf)
    return [Number(text.INCOMING_RATE, formats.count(row["arrived"]), note=note, state=state, help=text.INCOMING_HELP)]


def ingestion(frame: pd.DataFrame) -> Chart:
    """The records of the batches of the last hour, by minute of their commit and by outcome."""
    minutes = by_minute(frame)
    figure = go.Figure()
    for number, (name, label) in enumerate(text.OUTCOMES.items()):
        figure.add_bar(x=minutes["minute"], y=minutes[name], name=label, marker={"pattern": pattern(number)})
    figure.update_traces(hovertemplate=text.RECORDS_HOVER)
    figure.update_layout(
        barmode="stack",
        xaxis_title=text.COMMITTED,
        yaxis_title=text.RECORDS_A_MINUTE,
        yaxis_rangemode="tozero",
        legend=formats.LEGEND,
        hovermode="x unified",
    )
    # As many ticks as stand side by side in the narrow panel.
    figure.update_xaxes(nticks=4, tickangle=0, hoverformat=formats.TIME)
    headline = text.INGESTION_HEADLINE.format(stored=formats.count(minutes["stored"].sum()))
    return Chart(figure, _ingestion_says(minutes), rows=minutes, headline=headline)


def by_minute(batches: pd.DataFrame) -> pd.DataFrame:
    """``consumed``, ``stored``, ``duplicates`` and ``rejected`` for each ``minute`` of the hour before the query."""
    until = batches["now"].max().floor("min") + pd.Timedelta(minutes=1)
    minutes = pd.date_range(until - pd.Timedelta(minutes=_RATE_MINUTES), until, freq="min", inclusive="left")
    counts = ["consumed", *text.OUTCOMES]
    sums = batches.groupby(batches["committed_at"].dt.floor("min"))[counts].sum()
    return sums.reindex(minutes, fill_value=0).rename_axis("minute").reset_index()


def _ingestion_says(minutes: pd.DataFrame) -> str:
    sums = minutes.drop(columns="minute").sum()
    if not sums["consumed"]:
        return text.INGESTION_NONE
    peak = minutes.iloc[int(minutes["consumed"].argmax())]
    return text.INGESTION_SAYS.format(
        **{str(name): formats.count(number) for name, number in sums.items()},
        peak=formats.count(peak["consumed"]),
        at=f"{peak['minute']:%H:%M}",
    )


def latest(frame: pd.DataFrame) -> Grid:
    rows = frame.assign(event_type=frame["event_type"].map(EVENT_TYPES))
    return Grid(rows, formats.grid(rows))


def routes(flights: pd.DataFrame, idle: str | None = None) -> Chart | str:
    """The routes with flights in the air, coloured by departure delay; where there is none, ``idle`` says why."""
    clock = flights["clock"].iloc[0]
    aloft = _aloft(flights, clock)
    if aloft.empty:
        return " ".join([text.NONE_ALOFT.format(f"{clock:%Y-%m-%d %H:%M}"), *([idle] if idle else [])])
    places = {airport.iata: airport for airport in reference.airports()}
    found = (
        aloft.groupby(["origin", "destination"])
        .agg(flights=("flight_id", "size"), delay=("departure_delay_minutes", "mean"))
        .reset_index()
    )
    figure = go.Figure()
    for origin, destination, flights_there, delay in found.itertuples(index=False):
        start, end = places[origin], places[destination]
        figure.add_trace(
            go.Scattergeo(
                lat=[start.latitude_deg, end.latitude_deg],
                lon=[start.longitude_deg, end.longitude_deg],
                mode="lines",
                line={"width": 1 + min(flights_there, 6) / 2, "color": delay_colour(delay, _EARLY, _LATE)},
                hoverinfo="skip",
                showlegend=False,
            )
        )
    figure.add_trace(_airports(found, places))
    ends = [places[code] for code in {*found["origin"], *found["destination"]}]
    figure.update_geos(
        **_window([end.latitude_deg for end in ends], [end.longitude_deg for end in ends]), **formats.MAP
    )
    figure.update_layout(margin=formats.MARGIN_MAP)
    late = int((aloft["departure_delay_minutes"] >= DELAYED_MINUTES).sum())
    counts = {"flights": formats.count(len(aloft)), "late": formats.count(late)}
    says = text.ROUTES_SAYS.format(routes=formats.count(len(found)), **counts)
    return Chart(figure, says, height=_MAP_HEIGHT, headline=text.ROUTES_HEADLINE.format(**counts))


def _window(latitudes_deg: list[float], longitudes_deg: list[float]) -> dict[str, list[float]]:
    """The extent of a map: around the places, with a minimum size, in the aspect ratio of the panel."""
    height = max(_LEAST_DEG, _AROUND * (max(latitudes_deg) - min(latitudes_deg)))
    width = max(_LEAST_DEG, _AROUND * (max(longitudes_deg) - min(longitudes_deg)))
    spans = {"lataxis_range": max(height, width / _MAP_SHAPE), "lonaxis_range": max(width, height * _MAP_SHAPE)}
    middles = [(min(ends) + max(ends)) / 2 for ends in (latitudes_deg, longitudes_deg)]
    return {
        name: [middle - span / 2, middle + span / 2]
        for (name, span), middle in zip(spans.items(), middles, strict=True)
    }


def _airports(found: pd.DataFrame, places: dict[str, reference.Airport]) -> go.Scattergeo:
    """The destination airports, with the delay as colour and as label."""
    by_airport = found.groupby("destination").agg(flights=("flights", "sum"), delay=("delay", "mean")).reset_index()
    airports = [places[code] for code in by_airport["destination"]]
    return go.Scattergeo(
        lat=[airport.latitude_deg for airport in airports],
        lon=[airport.longitude_deg for airport in airports],
        mode="markers",
        marker={
            "size": 7 + by_airport["flights"].clip(upper=12),
            "color": by_airport["delay"],
            "colorscale": DELAY_SCALE,
            "cmin": _EARLY,
            "cmax": _LATE,
            "colorbar": {
                "title": {"text": text.DELAY_BAR, "side": "top"},
                "thickness": 12,
                "len": 0.6,
                "orientation": "h",
                "y": 0,
                "yanchor": "top",
            },
            "line": {"width": 1, "color": "#444444"},
        },
        text=[
            text.AIRPORT_HOVER.format(code=code, flights=there, delay=formats.minutes(delay))
            for code, there, delay in by_airport.itertuples(index=False)
        ],
        hoverinfo="text",
        showlegend=False,
    )
