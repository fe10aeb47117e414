"""Historical Analytics drawn from small frames."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dashboard.app_pages.history import cancellation_charts as history_cancellations
from dashboard.app_pages.history import comparison_charts as history_compare
from dashboard.app_pages.history import daily_charts as history
from dashboard.app_pages.history import drill_charts, queries, text
from dashboard.app_pages.history import drill_down as history_drill
from dashboard.app_pages.history import weekly_charts as history_week
from dashboard.app_pages.history.measures import MEASURES, SUMS, by_day, by_weekday
from dashboard.panels.drawings import Chart, Grid
from dashboard.panels.filters import Filters

pytestmark = pytest.mark.plain

KEYS = ["part", "flight_date", "day_of_week", "hour", "airline", "origin", "destination", "flight_number", "side"]
NOBODY = Filters()
Row = dict[str, Any]


def row(part: str, flights: int, *, cancelled: int = 0, delayed: int = 0, delay: float = 0.0, **keys: Any) -> Row:
    arrived = flights - cancelled
    sums = dict.fromkeys(SUMS, 0) | {
        "flights": flights,
        "arrived": arrived,
        "cancelled": cancelled,
        "delayed_arrivals": delayed,
        "departures_with_delay": arrived,
        "arrivals_with_delay": arrived,
        # A sum over nothing is null in SQL.
        "departure_delay_sum_minutes": arrived * delay if arrived else None,
        "arrival_delay_sum_minutes": arrived * delay if arrived else None,
    }
    return dict.fromkeys(KEYS) | {"part": part} | keys | sums


def day(text_of_day: str, flights: int, **rest: Any) -> Row:
    return row("day", flights, flight_date=date.fromisoformat(text_of_day), **rest)


def frame(*rows: Row) -> pd.DataFrame:
    return pd.DataFrame(list(rows))


SUMMARY = frame(
    day("2013-01-07", 30, cancelled=10, delayed=5, delay=6.0),
    day("2013-01-09", 10, delayed=10, delay=30.0),
    row("hour", 20, day_of_week=1, hour=6, delayed=2, delay=3.0),
    row("hour", 10, day_of_week=1, hour=7, cancelled=10),
    row("hour", 10, day_of_week=3, hour=6, delayed=10, delay=30.0),
    row("route", 25, airline="UA", origin="EWR", destination="IAH", cancelled=10, delayed=5, delay=6.0),
    row("route", 5, airline="UA", origin="JFK", destination="LAX", delay=6.0),
    row("route", 10, airline="B6", origin="JFK", destination="LAX", delayed=10, delay=30.0),
)
ONE_CANCELLED = frame(
    day("2013-01-07", 1, cancelled=1),
    row("hour", 1, day_of_week=1, hour=6, cancelled=1),
    row("route", 1, airline="UA", origin="EWR", destination="IAH", cancelled=1),
)


def test_a_day_without_flights_is_there_with_zeros() -> None:
    assert by_day(SUMMARY)["flights"].tolist() == [30, 0, 10]
    assert MEASURES[text.DELAYED].of(by_day(SUMMARY)).isna().tolist() == [False, True, False]


def test_a_weekday_counts_how_often_it_came() -> None:
    twice = pd.concat([SUMMARY, frame(day("2013-01-14", 6), row("hour", 6, day_of_week=1, hour=6))])
    found = by_weekday(twice)
    assert MEASURES[text.FLIGHTS].of(found).tolist() == [(30 + 6) / 2, 10]


def test_the_headline_is_of_all_flights() -> None:
    total, delayed, arrival, cancelled, diverted = history.summary(SUMMARY)
    assert (total.value, total.note) == ("40", "on 2 days")
    assert (delayed.value, delayed.note) == ("50.0%", "15 flights")
    assert (arrival.value, cancelled.value, diverted.value) == ("+14.0 min", "25.0%", "0%")


def test_an_incomplete_day_is_marked_and_neither_maximum_nor_minimum() -> None:
    chart = history.daily(SUMMARY, text.DELAYED, date(2013, 1, 8))
    assert [trace.name for trace in chart.figure.data] == [text.EACH_DAY, text.WEEK_MEAN, text.UNDER_WAY]
    assert list(chart.figure.data[2].y) == [100.0]
    assert "maximum" not in chart.says
    assert "50.0% overall" in chart.says
    assert "maximum 100% on 2013-01-09, minimum 25.0% on 2013-01-07" in history.daily(SUMMARY, text.DELAYED, None).says


def test_a_week_is_the_flights_of_seven_days_together() -> None:
    rows = [day(f"2013-01-{number:02d}", number, delayed=number if number == 7 else 0) for number in range(1, 9)]
    week = history.daily(frame(*rows), text.DELAYED, None).figure.data[1].y
    assert np.isnan(list(week[:6])).all()
    assert list(week[6:]) == [100 * 7 / 28, 100 * 7 / 35]


def test_bars_by_hour_and_weekday() -> None:
    hours, weekdays = history_week.hourly(SUMMARY, text.DELAYED), history_week.weekday(SUMMARY, text.DELAYED)
    assert list(hours.figure.data[0].x) == ["06:00", "07:00"]
    assert hours.figure.data[0].y[0] == 40.0
    assert np.isnan(hours.figure.data[0].y[1])
    assert "maximum 40.0% (06:00), minimum 40.0% (06:00)" in hours.says
    assert dict(zip(weekdays.figure.data[0].x, weekdays.figure.data[0].y, strict=True)) == {"Mon": 10.0, "Wed": 100.0}
    assert hours.rows is not None
    assert list(hours.rows) == [
        "hour",
        "flights",
        "arrived",
        "cancelled",
        "diverted",
        "delayed_arrivals",
        text.DELAYED_AXIS,
    ]


HOURS = {6: 20, 7: 3, 8: 1}


def test_no_bar_is_drawn_of_one_flight_and_few_are_grey_with_their_number() -> None:
    few = frame(
        *(
            row("hour", flights, delayed=flights, day_of_week=1, hour=hour)
            for hour, flights in ((6, 20), (7, 3), (8, 1))
        )
    )
    chart = history_week.hourly(pd.concat([frame(day("2013-01-07", 24)), few]), text.DELAYED)
    bars = chart.figure.data[0]
    assert list(bars.y) == [100.0, 100.0, 0.0]
    assert list(bars.text) == ["100", "100<br>n=3", "n=1"]
    assert ["128" in colour for colour in bars.marker.color] == [False, True, True]
    assert "maximum 100% (06:00), minimum 100% (06:00)" in chart.says
    per_day = history_week.hourly(pd.concat([frame(day("2013-01-07", 24)), few]), text.FLIGHTS)
    assert list(per_day.figure.data[0].y) == [20, 3, 1], "a count is a count"


def test_an_airline_of_few_flights_does_not_lead_the_cancellations() -> None:
    routes = [row("route", 1, cancelled=1, airline="OO"), row("route", 40, cancelled=2, airline="UA")]
    chart = history_cancellations.by_airline(frame(*(one | {"origin": "EWR", "destination": "IAH"} for one in routes)))
    bars = chart.figure.data[0]
    assert dict(zip(bars.y, bars.x, strict=True)) == {"UA · 5.0%": 5.0, "OO · n=1": 0.0}
    assert "UA with 5.0% (2 of 40 flights)" in chart.says


def test_the_heat_map_has_every_weekday_and_a_gap_where_nothing_flew() -> None:
    chart = history_week.heat(SUMMARY, text.CANCELLED)
    heat = chart.figure.data[0]
    assert list(heat.y) == list(text.DAY_NAMES)
    assert heat.z[0].tolist() == [0.0, 100.0]
    assert np.isnan(heat.z[1]).all()
    assert "maximum 100% on Monday 07:00" in chart.says


def test_an_hour_with_few_flights_does_not_take_the_colours() -> None:
    few = pd.concat([SUMMARY, frame(row("hour", 9, day_of_week=2, hour=8, delayed=9))])
    assert history_week.heat(few, text.CANCELLED).figure.data[0].zmin == 0.0
    heat = history_week.heat(ONE_CANCELLED, text.CANCELLED)
    assert heat.figure.data[0].zmax is None
    assert "no hour of the week has at least 10 flights" in heat.says


@pytest.mark.parametrize("name", MEASURES)
def test_one_flight_that_was_cancelled_breaks_nothing(name: str) -> None:
    charts = [
        history.daily(ONE_CANCELLED, name, None),
        history_week.hourly(ONE_CANCELLED, name),
        history_week.weekday(ONE_CANCELLED, name),
        history_week.heat(ONE_CANCELLED, name),
        history_cancellations.by_date(ONE_CANCELLED, None),
        history_cancellations.by_airline(ONE_CANCELLED),
    ]
    assert not [chart.says for chart in charts if "nan" in chart.says]
    assert [number.value for number in history.summary(ONE_CANCELLED)][1:4] == ["no value", "no value", "100%"]


def test_cancellations_by_day_say_the_share_of_days_that_are_over() -> None:
    chart = history_cancellations.by_date(SUMMARY, date(2013, 1, 8))
    bars, line = chart.figure.data
    assert list(bars.y) == [10, 0, 0]
    assert line.y[0] == pytest.approx(100 / 3)
    assert np.isnan(line.y[2])
    assert chart.says.startswith("10 of 40 flights were cancelled (25.0%); maximum 10 on 2013-01-07.")
    assert "None of 2 flights" in history_cancellations.by_date(frame(day("2013-01-07", 2)), None).says


def test_cancellations_by_airline_come_with_their_interval() -> None:
    chart = history_cancellations.by_airline(SUMMARY)
    assert list(chart.figure.data[0].y) == ["B6 · 0%", "UA · 33.3%"]
    assert "UA with 33.3% (10 of 30 flights)" in chart.says


def test_the_interval_of_a_share() -> None:
    low, high = history_cancellations.interval(pd.Series([0.0, 5.0, 10.0]), pd.Series([10.0, 10.0, 10.0]))
    # Newcombe (1998), Statistics in Medicine 17, method 3.
    assert low.round(1).tolist() == [0.0, 23.7, 72.2]
    assert high.round(1).tolist() == [27.8, 76.3, 100.0]


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ("", ()),
        ("UA", ("UA",)),
        ("UA-EWR-IAH-1545", ("UA", "EWR", "IAH", "1545")),
        ("UA-EWR-IAH-all", ("UA", "EWR", "IAH", "all")),
        ("9E-JFK-x'; drop", ("9E", "JFK")),
        ("united", ()),
        ("UA-EWR-IAH-1545-more", ("UA", "EWR", "IAH", "1545")),
    ],
)
def test_a_place_of_the_address_is_read_as_far_as_it_makes_sense(place: str, path: tuple[str, ...]) -> None:
    assert history_drill.path_of(place) == path
    assert history_drill.path_of(history_drill.place_of(path)) == path


def test_a_step_of_the_path_is_called_by_its_name() -> None:
    path = ("UA", "EWR", "IAH", "1545")
    assert [history_drill.crumb(path[:depth]) for depth in range(5)] == [
        "All airlines",
        "UA · United Air Lines Inc.",
        "from EWR",
        "to IAH",
        "UA 1545",
    ]
    assert history_drill.crumb((*path[:3], queries.ALL_NUMBERS)) == "All flights"
    assert history_drill.name_of("airline", "ZZ") == "ZZ"


def test_the_way_down_shows_what_is_below_a_place() -> None:
    assert history_drill.codes(SUMMARY, ())[["code", "flights"]].to_numpy().tolist() == [["UA", 30], ["B6", 10]]
    assert history_drill.codes(SUMMARY, ("UA",))["code"].tolist() == ["EWR", "JFK"]
    grid = history_drill.steps(SUMMARY, ("UA", "JFK"))
    assert isinstance(grid, Grid)
    assert grid.rows["step"].tolist() == ["LAX · Los Angeles"]
    assert grid.config["step"].config["type_config"]["button_type"] == "secondary", "a name that can be opened looks so"
    assert grid.rows["mean_arrival_delay_minutes"].tolist() == [6.0]
    assert grid.says.startswith("Destinations: 1. 5 flights;")
    assert history_drill.steps(SUMMARY, ("UA", "LGA")) == text.NOT_HERE


def test_all_flights_of_a_route_come_before_its_numbers() -> None:
    numbers = frame(
        row("", 2, flight_number=7.0), row("", 3, flight_number=1545.0, delayed=3), row("", 5, delayed=3)
    ).astype({"flight_number": float})
    grid = history_drill.steps(numbers, ("UA", "EWR", "IAH"))
    assert isinstance(grid, Grid)
    assert grid.rows["step"].tolist() == ["All flights", "1545", "7"]
    assert grid.says.startswith("Flight numbers of the route: 2. 5 flights; 60.0%")


def chart_of(drawn: Chart | str) -> Chart:
    assert isinstance(drawn, Chart)
    return drawn


def test_each_level_of_the_way_down_has_a_chart() -> None:
    top = chart_of(drill_charts.below(SUMMARY, (), text.DELAYED))
    bars = top.figure.data[0]
    assert (list(bars.y), list(bars.x)) == (["UA", "B6"], [25.0, 100.0])
    assert bars.hovertext[0] == "UA · United Air Lines Inc.: 25.0% of 30 flights"
    assert top.headline == "B6 is worst: 100% of arrivals late"
    few = chart_of(drill_charts.below(SUMMARY, ("UA", "JFK"), text.FLIGHTS))
    assert few.figure.data[0].y[0] == "LAX"
    numbers = frame(row("", 2, flight_number=7.0), row("", 3, flight_number=1545.0, delayed=3), row("", 5, delayed=3))
    numbers = numbers.astype({"flight_number": float})
    of_route = chart_of(drill_charts.below(numbers, ("UA", "EWR", "IAH"), text.FLIGHTS))
    assert list(of_route.figure.data[0].y) == ["1545", "7"]
    assert of_route.says.startswith(text.DELAYED), "how many days a flight number flew is not known"
    assert of_route.headline == "", "two and three flights lead nothing"
    assert drill_charts.below(SUMMARY, ("UA", "LGA"), text.DELAYED) == text.NOT_HERE


def test_the_last_level_draws_each_flight_that_arrived() -> None:
    flown = pd.DataFrame(
        {
            "flight_date": [date(2013, 1, 7), date(2013, 1, 8), date(2013, 1, 9)],
            "scheduled_departure": pd.date_range("2013-01-07 12:00", periods=3, freq="D", tz="UTC"),
            "arrival_delay_minutes": [-3.0, 15.0, None],
        }
    )
    chart = chart_of(drill_charts.below(flown, ("UA", "EWR", "IAH", "1545"), text.ARRIVAL))
    assert list(chart.figure.data[0].text) == ["2013-01-07: -3.0 min", "2013-01-08: +15.0 min"]
    assert chart.headline == "1 of 2 arrivals delayed"
    none = flown.assign(arrival_delay_minutes=float("nan"))
    assert drill_charts.below(none, ("UA", "EWR", "IAH", "1545"), text.ARRIVAL) == text.NO_ARRIVALS


def compared(*rows: tuple[str, Row]) -> pd.DataFrame:
    return frame(*({**found, "side": side} for side, found in rows))


BOTH = compared(
    ("A", day("2013-01-07", 10, delayed=5, delay=10.0)),
    ("A", day("2013-01-08", 10, delayed=0, delay=0.0)),
    ("A", row("hour", 20, hour=6, delayed=5, delay=5.0)),
    ("B", day("2013-01-01", 10, cancelled=2, delayed=2, delay=4.0)),
    ("B", row("hour", 10, hour=7, cancelled=2, delayed=2, delay=4.0)),
)


def test_a_comparison_gives_both_sides_and_the_difference() -> None:
    grid = history_compare.table(BOTH, (NOBODY, NOBODY))
    assert isinstance(grid, Grid)
    assert grid.rows.set_index("measure").loc[[text.TOTAL, text.DELAYED, text.ARRIVAL]].to_numpy().tolist() == [
        ["20", "10", "+10"],
        ["25.0%", "25.0%", "0.0 points"],
        ["+5.0 min", "+4.0 min", "+1.0 min"],
    ]


def test_a_side_without_flights_is_named() -> None:
    only_a = BOTH[BOTH["side"] == "A"]
    assert history_compare.table(only_a, (NOBODY, NOBODY)) == text.ONE_SIDE.format("B")
    for name in history_compare.AXES:
        chart = history_compare.side_by_side(only_a, text.DELAYED, name, (NOBODY, NOBODY))
        assert "no value (B: all)" in chart.says


@pytest.mark.parametrize(
    ("name", "places"),
    [
        (text.BY_HOUR, (["06:00"], ["07:00"])),
        (text.BY_WEEKDAY, (["Monday", "Tuesday"], ["Tuesday"])),
        (text.BY_DAY, ([1, 2], [1])),
    ],
)
def test_sides_are_drawn_by_hour_weekday_and_day_of_each(name: str, places: tuple[list[object], list[object]]) -> None:
    chart = history_compare.side_by_side(BOTH, text.DELAYED, name, (NOBODY, NOBODY))
    assert isinstance(chart, Chart)
    assert tuple(list(trace.x) for trace in chart.figure.data) == places
    assert {trace.line.dash for trace in chart.figure.data} == {"solid", "dash"}


def test_sides_are_named_by_what_was_chosen() -> None:
    week = Filters(first=date(2013, 1, 1), last=date(2013, 1, 7), airlines=("UA",), origins=("EWR", "JFK"))
    assert history_compare.names((week, NOBODY)) == ["A: 2013-01-01 to 2013-01-07, UA, EWR, JFK", "B: all"]
    assert history_compare.names((Filters(first=date(2013, 1, 1)), NOBODY))[0] == "A: since 2013-01-01"


def test_a_side_holds_what_was_chosen_for_it_else_the_sidebar() -> None:
    sidebar = Filters(airlines=("UA",), last=date(2013, 1, 20))
    a, b = queries.sides(sidebar, (Filters(airlines=("DL",)), Filters(first=date(2013, 1, 10))))
    assert a == Filters(airlines=("DL",), last=date(2013, 1, 20))
    assert b == Filters(airlines=("UA",), first=date(2013, 1, 10), last=date(2013, 1, 20))


def test_equal_sides_become_the_last_two_whole_weeks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "last_complete_day", lambda: date(2013, 1, 28))
    a, b = queries.sides(Filters(last=date(2013, 1, 20)), (NOBODY, NOBODY))
    assert (a.first, a.last) == (date(2013, 1, 14), date(2013, 1, 20))
    assert (b.first, b.last) == (date(2013, 1, 7), date(2013, 1, 13))
    assert queries.sides(NOBODY, (NOBODY, NOBODY))[0].last == date(2013, 1, 28)
    monkeypatch.setattr(queries, "last_complete_day", lambda: None)
    assert queries.sides(NOBODY, (NOBODY, NOBODY)) == (NOBODY, NOBODY)
