"""The figures of Historical Analytics against the tables of the real flights."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from dashboard.app_pages.history import cancellation_charts as history_cancellations
from dashboard.app_pages.history import comparison_charts as history_compare
from dashboard.app_pages.history import daily_charts as history
from dashboard.app_pages.history import drill_down as history_drill
from dashboard.app_pages.history import queries, text
from dashboard.app_pages.history import weekly_charts as history_week
from dashboard.app_pages.history.measures import MEASURES
from dashboard.panels import tiers
from dashboard.panels.drawings import Chart, Grid
from dashboard.panels.filters import Filters
from dashboard.panels.formats import percent
from dashboard.panels.text import EVENT_TYPES
from dashboard.panels.tiers import Tier
from tests import oracle
from tests.query_results import rows_of

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600), pytest.mark.usefixtures("january")]

FIRST, LAST = date(2013, 1, 2), date(2013, 1, 27)
DAYS = Filters(first=FIRST, last=LAST)
FILTERS = [DAYS, replace(DAYS, airlines=("UA", "DL"), origins=("EWR",))]
PATH = ("UA", "EWR", "IAH")
WEEKS = (
    Filters(first=date(2013, 1, 14), last=date(2013, 1, 20)),
    Filters(first=date(2013, 1, 7), last=date(2013, 1, 13)),
)
SIDES = (Filters(airlines=("UA",), first=date(2013, 1, 10), last=date(2013, 1, 20)), Filters(origins=("JFK",)))


@pytest.fixture(autouse=True)
def _this_stack() -> Iterator[None]:
    """Sessions and cache of this process are of the stack that settings point to now."""
    _forget()
    yield
    _forget()


def _forget() -> None:
    tiers.cache.cache_clear()
    tiers.close_sessions()


def real(filters: Filters) -> pd.DataFrame:
    table = oracle.ends(filters.first or FIRST, filters.last or LAST)
    for column, codes in (("airline", filters.airlines), ("origin", filters.origins)):
        if codes:
            table = table[table[column].isin(codes)]
    return table


def value(name: str, table: pd.DataFrame) -> float:
    """A measure of flights, straight from their delays and ends."""
    arrived = table["end"] == "arrived"
    return {
        text.DELAYED: 100 * (table.loc[arrived, "arrival_delay"] >= 15).mean(),
        text.ARRIVAL: table.loc[arrived, "arrival_delay"].mean(),
        text.DEPARTURE: table.loc[table["end"] != "cancelled", "departure_delay"].mean(),
        text.CANCELLED: 100 * (table["end"] == "cancelled").mean(),
        text.FLIGHTS: len(table) / max(1, table["flight_date"].nunique()),
    }[name]


def by(name: str, table: pd.DataFrame, *columns: str) -> list[float]:
    keys = list(columns)
    return [value(name, rows) for _, rows in table.groupby(keys[0] if len(keys) == 1 else keys)]


def traces(chart: Chart | str) -> tuple[go.Scatter, ...]:
    assert isinstance(chart, Chart), chart
    return tuple(chart.figure.data)


def same(found: object, expected: object) -> None:
    np.testing.assert_allclose(np.array(found, dtype=float), np.array(expected, dtype=float), rtol=1e-9, atol=1e-9)


@pytest.fixture(params=FILTERS, ids=["all", "some"])
def filters(request: pytest.FixtureRequest) -> Filters:
    found: Filters = request.param
    return found


@pytest.fixture
def summary(filters: Filters) -> pd.DataFrame:
    return rows_of(queries.summary(filters))


def test_the_view_over_both_tiers_and_the_fact_table_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    assert queries.tier() is Tier.ALL_EVENTS
    keys = ["part", "flight_date", "day_of_week", "hour", "airline", "origin", "destination"]
    both = rows_of(queries.summary(DAYS)).sort_values(keys, ignore_index=True)
    monkeypatch.setattr(queries, "source", lambda: "flight_dw.fact_flight_events")
    cold = rows_of(queries.summary(DAYS)).sort_values(keys, ignore_index=True)
    pd.testing.assert_frame_equal(both, cold)


def test_the_headline(filters: Filters, summary: pd.DataFrame) -> None:
    table = real(filters)
    total, delayed, arrival, cancelled, diverted = history.summary(summary)
    assert total.value == f"{len(table):,}"
    assert total.note == f"on {table['flight_date'].nunique()} days"
    assert delayed.value == percent(value(text.DELAYED, table))
    assert delayed.note == f"{((table['end'] == 'arrived') & (table['arrival_delay'] >= 15)).sum():,} flights"
    assert arrival.value == f"{value(text.ARRIVAL, table):+.1f} min"
    assert arrival.note == f"{(table['end'] == 'arrived').sum():,} arrived"
    assert cancelled.value == percent(value(text.CANCELLED, table))
    assert cancelled.note == f"{(table['end'] == 'cancelled').sum():,} flights"
    assert diverted.value == percent(100 * (table["end"] == "diverted").mean())
    assert diverted.note == f"{(table['end'] == 'diverted').sum():,} flights"


@pytest.mark.parametrize("name", MEASURES)
def test_a_measure_by_day_hour_and_weekday(name: str, filters: Filters, summary: pd.DataFrame) -> None:
    table = real(filters)
    day, week = traces(history.daily(summary, name, None))
    same(day.y, by(name, table, "flight_date"))
    last_week = table[table["flight_date"] > pd.Timestamp(LAST) - pd.Timedelta(days=7)]
    same(week.y[-1], value(name, last_week))
    by_hour, by_weekday = traces(history_week.hourly(summary, name)), traces(history_week.weekday(summary, name))
    if name == text.FLIGHTS:
        same(by_hour[0].y, table.groupby("hour").size() / table["flight_date"].nunique())
    else:
        same(by_hour[0].y, by(name, table, "hour"))
    same(by_weekday[0].y, by(name, table, "day_of_week"))


@pytest.mark.parametrize("name", MEASURES)
def test_the_heat_map(name: str, filters: Filters, summary: pd.DataFrame) -> None:
    table = real(filters)
    (heat,) = traces(history_week.heat(summary, name))
    dates = table.groupby("day_of_week")["flight_date"].nunique()
    for _, rows in table.groupby(["day_of_week", "hour"]):
        weekday, hour = int(rows["day_of_week"].iloc[0]), int(rows["hour"].iloc[0])
        expected = len(rows) / dates[weekday] if name == text.FLIGHTS else value(name, rows)
        same(heat.z[weekday - 1][list(heat.x).index(f"{hour:02d}:00")], expected)
        assert heat.customdata[weekday - 1][list(heat.x).index(f"{hour:02d}:00")].endswith(f" {len(rows):,} flights")


def test_cancellations(filters: Filters, summary: pd.DataFrame) -> None:
    table = real(filters)
    flights, share = traces(history_cancellations.by_date(summary, None))
    same(flights.y, table.groupby("flight_date")["end"].agg(lambda ends: (ends == "cancelled").sum()))
    same(share.y, by(text.CANCELLED, table, "flight_date"))
    (bars,) = traces(history_cancellations.by_airline(summary))
    for label, found in zip(bars.y, bars.x, strict=True):
        same(found, value(text.CANCELLED, table[table["airline"] == label.split()[0]]))
    assert len(bars.y) == table["airline"].nunique()


def test_the_drill_down_from_airline_to_flight() -> None:
    table = real(DAYS)
    for depth, column in enumerate(queries.STEPS):
        path = PATH[:depth]
        frame = rows_of(queries.below(DAYS, path))
        rows, grid = history_drill.codes(frame, path), history_drill.steps(frame, path)
        assert isinstance(grid, Grid)
        parts = rows["code"] != queries.ALL_NUMBERS
        expected = {str(code): part for code, part in table.groupby(column)}
        assert set(rows.loc[parts, "code"]) == set(expected)
        for code, shown in zip(rows["code"], grid.rows.to_dict("records"), strict=True):
            part = table if code == queries.ALL_NUMBERS else expected[code]
            same(
                [shown["flights"], shown["diverted"], shown["delayed_pct"], shown["cancelled_pct"]],
                [len(part), (part["end"] == "diverted").sum(), value(text.DELAYED, part), value(text.CANCELLED, part)],
            )
            same(shown["mean_departure_delay_minutes"], value(text.DEPARTURE, part))
            same(shown["mean_arrival_delay_minutes"], value(text.ARRIVAL, part))
        if depth < len(PATH):
            table = table[table[column] == PATH[depth]]


@pytest.mark.parametrize("number", [queries.ALL_NUMBERS, "one"])
def test_the_flights_below_a_route(number: str) -> None:
    table = real(DAYS)
    table = table[(table["airline"] == "UA") & (table["origin"] == "EWR") & (table["destination"] == "IAH")]
    if number == "one":
        number = str(table["flight_number"].mode()[0])
        table = table[table["flight_number"] == int(number)]
    grid = history_drill.flights(rows_of(queries.below(DAYS, (*PATH, number))))
    keys = ["flight_date", "flight_number"]
    found = grid.rows.assign(flight_date=pd.to_datetime(grid.rows["flight_date"])).sort_values(keys)
    expected = table.sort_values(keys)
    assert found[keys].to_numpy().tolist() == expected[keys].to_numpy().tolist()
    assert found["event_type"].tolist() == expected["end"].map(EVENT_TYPES).tolist()
    same(found["departure_delay_minutes"], expected["departure_delay"].where(expected["end"] != "cancelled"))
    same(found["arrival_delay_minutes"], expected["arrival_delay"].where(expected["end"] == "arrived"))
    assert grid.rows["scheduled_departure"].is_monotonic_decreasing


def number_in(text: str) -> float:
    """The number that is shown."""
    return float(re.sub(r"[^-+.0-9]", "", text))


@pytest.mark.parametrize("chosen", [WEEKS, SIDES], ids=["weeks", "selections"])
def test_two_sides_are_compared(chosen: tuple[Filters, Filters]) -> None:
    sides = queries.sides(DAYS, chosen)
    a, b = (real(side) for side in sides)
    frame = rows_of(queries.comparison(DAYS, chosen))
    grid = history_compare.table(frame, sides)
    assert isinstance(grid, Grid)
    rows = {name: values for name, *values in grid.rows.itertuples(index=False)}
    assert rows[text.TOTAL] == [f"{len(a):,}", f"{len(b):,}", f"{len(a) - len(b):+,}"]
    for name, measure in MEASURES.items():
        shown = [measure.said(value(name, side)) for side in (a, b)]
        assert rows[name] == [*shown, measure.gap(number_in(shown[0]) - number_in(shown[1]))]
        for by_name, column in (
            (text.BY_HOUR, "hour"),
            (text.BY_WEEKDAY, "day_of_week"),
            (text.BY_DAY, "flight_date"),
        ):
            for trace, table in zip(
                traces(history_compare.side_by_side(frame, name, by_name, sides)), (a, b), strict=True
            ):
                if (name, by_name) == (text.FLIGHTS, text.BY_HOUR):
                    same(trace.y, table.groupby("hour").size() / table["flight_date"].nunique())
                else:
                    same(trace.y, by(name, table, column))


def test_without_a_choice_the_last_whole_weeks_are_compared() -> None:
    a, b = queries.sides(DAYS, (Filters(), Filters()))
    assert (a.first, a.last) == (date(2013, 1, 21), date(2013, 1, 27))
    assert (b.first, b.last) == (date(2013, 1, 14), date(2013, 1, 20))
