"""The figures of Streaming Analytics against the tables of the real flights, the topic and the cold tier."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache

import numpy as np
import pandas as pd
import pytest

from dashboard.app_pages.streaming import flight_charts, queries, text
from dashboard.app_pages.streaming import interval_charts as charts
from dashboard.app_pages.streaming import metrics as streaming_values
from dashboard.panels import formats, tiers
from dashboard.panels.drawings import Chart
from dashboard.panels.filters import Filters
from skytier import hot_tier
from skytier.hot_tier import Document
from skytier.sql import query
from tests import oracle, stores
from tests.query_results import rows_of

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]

FIRST, LAST = date(2013, 1, 8), date(2013, 1, 20)
DAYS = Filters(first=FIRST, last=LAST)
SOME = Filters(airlines=("UA", "DL"), origins=("EWR",), first=FIRST, last=LAST)
MONTH = "28d"
WEEK = "7d"


@pytest.fixture(autouse=True)
def _this_stack() -> Iterator[None]:
    """The client of this process is of the stack that settings point to now."""
    tiers.mongodb.cache_clear()
    yield
    tiers.mongodb.cache_clear()


def chart(drawn: Chart | str) -> Chart:
    assert isinstance(drawn, Chart), drawn
    return drawn


def real_flights(filters: Filters) -> pd.DataFrame:
    """The flights table, with the UTC time of departure."""
    table = oracle.flights(FIRST, LAST)
    if filters.airlines:
        table = table[table["carrier"].isin(filters.airlines) & table["origin"].isin(filters.origins)]
    scheduled = pd.to_datetime(table["time_hour"], utc=True) + pd.to_timedelta(table["minute"], unit="min")
    return table.assign(departed_at=scheduled + pd.to_timedelta(table["dep_delay"], unit="min"))


@cache
def sent() -> pd.DataFrame:
    """The real events of these days as the topic holds them, each once."""
    copies = (event for event in stores.first_copies().values() if event["source"] == "replay")
    events = pd.DataFrame(list(copies))
    days = pd.to_datetime(events["flight_id"].str[:10])
    return events.loc[days.between(pd.Timestamp(FIRST), pd.Timestamp(LAST))]


def in_range(events: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    begin: pd.Timestamp = rows["interval_start"].min()
    return events[events["event_time"].ge(begin)]


@pytest.mark.usefixtures("january")
@pytest.mark.parametrize("filters", [DAYS, SOME])
def test_intervals_add_up_to_the_flights_of_the_days(filters: Filters) -> None:
    table = real_flights(filters)
    departed, arrived = table["dep_time"].notna(), table["arr_delay"].notna()
    found = rows_of(queries.intervals(filters, MONTH)).sum(numeric_only=True)
    assert found["events"] == len(table) + (~departed).sum() + 2 * departed.sum()
    assert found["departures"] == departed.sum()
    assert found["arrivals"] == found["arrivals_with_status"] == arrived.sum()
    assert found["cancellations"] == (~departed).sum()
    assert found["diversions"] == (departed & ~arrived).sum()
    assert found["departure_delay_sum_minutes"] == pytest.approx(table.loc[departed, "dep_delay"].sum())
    assert found["arrival_delay_sum_minutes"] == pytest.approx(table["arr_delay"].sum())
    assert found["delayed_arrivals"] == (table["arr_delay"] >= 15).sum()


@pytest.mark.usefixtures("january")
def test_the_summary_shows_the_means_of_the_flights() -> None:
    shown = {number.label: number.value for number in charts.summary(rows_of(queries.intervals(DAYS, MONTH)))}
    table = real_flights(DAYS)
    arrivals = table["arr_delay"].dropna()
    assert shown["Departures"] == f"{table['dep_time'].notna().sum():,}"
    assert shown["Mean arrival delay"] == f"{arrivals.mean():+.1f} min"
    assert shown["Share delayed"] == f"{100 * (arrivals >= 15).mean():.1f}%"


@pytest.mark.usefixtures("january")
@pytest.mark.parametrize("filters", [DAYS, SOME])
@pytest.mark.parametrize("span", queries.RANGES)
def test_departures_by_interval(filters: Filters, span: str) -> None:
    rows = rows_of(queries.intervals(filters, span))
    step = f"{queries.RANGES[span].step_minutes}min"
    departed = real_flights(filters).dropna(subset="dep_time")["departed_at"].dt.floor(step)
    expected = departed.value_counts().reindex(rows["interval_start"], fill_value=0)
    assert rows["departures"].tolist() == expected.tolist()
    assert rows["interval_start"].diff().dropna().eq(pd.Timedelta(step)).all()
    clock = sent()["event_time"].max()
    assert rows["interval_start"].iloc[-1] <= clock < rows["interval_end"].iloc[-1]
    assert rows["is_complete"].tolist() == [True] * (len(rows) - 1) + [False]
    begins = max(clock - pd.Timedelta(hours=queries.RANGES[span].hours), sent()["event_time"].min())
    assert rows["interval_start"].iloc[0] == begins.floor(step)


@pytest.mark.usefixtures("january")
def test_events_and_arrivals_by_interval_are_those_of_the_topic() -> None:
    rows = rows_of(queries.intervals(DAYS, WEEK)).set_index("interval_start")
    events = in_range(sent(), rows.reset_index())
    arrived = events[events["event_type"] == "arrived"]
    hours = events["event_time"].dt.floor("h")
    assert rows["events"].tolist() == hours.value_counts().reindex(rows.index, fill_value=0).tolist()
    delays = arrived["arrival_delay_minutes"].groupby(hours).mean().reindex(rows.index)
    shown = streaming_values.values(rows.reset_index(), "arrival_delay")
    assert shown.tolist() == pytest.approx(delays.tolist(), nan_ok=True)


@pytest.mark.usefixtures("january")
def test_the_mean_quality_is_that_of_the_cold_tier() -> None:
    found = rows_of(queries.intervals(DAYS, MONTH))
    statement = "SELECT quality_score FROM flight_dw.staging_flight_events WHERE source = 'replay' AND "
    rows = query(statement + f"substr(flight_id, 1, 10) BETWEEN '{FIRST}' AND '{LAST}'").rows
    whole = found["quality_sum"].sum() / found["events_with_quality"].sum()
    assert whole == pytest.approx(float(np.mean([score for (score,) in rows])))
    assert found["events_with_quality"].sum() == len(rows)


@pytest.mark.usefixtures("january")
@pytest.mark.parametrize("size_minutes", queries.RANGES[WEEK].windows_minutes)
def test_windows_of_a_mean_are_means_over_their_flights(size_minutes: int) -> None:
    rows = rows_of(queries.intervals(DAYS, WEEK))
    departed = real_flights(DAYS).dropna(subset="dep_time").set_index("departed_at").sort_index()
    begin, end = rows["interval_start"].iloc[0], rows["interval_start"].iloc[-1]
    for kind in text.KINDS:
        shown = chart(charts.windows(rows, "departure_delay", kind, size_minutes)).rows
        assert shown is not None
        for start, until, value in zip(shown["window_start"], shown["window_end"], shown["value"], strict=True):
            of_window = departed[(departed.index >= start) & (departed.index < until)]
            assert value == pytest.approx(of_window["dep_delay"].mean(), nan_ok=True)
        assert shown["window_start"].min() >= begin
        assert (shown["window_end"] - shown["window_start"]).eq(pd.Timedelta(minutes=size_minutes)).all()
        apart = pd.Timedelta(minutes=size_minutes if kind == text.TUMBLING else 60)
        assert shown["window_start"].diff().dropna().eq(apart).all()
        assert end - shown["window_end"].iloc[-1] < apart


@pytest.mark.usefixtures("january")
def test_the_moving_average_is_that_of_pandas() -> None:
    rows = rows_of(queries.intervals(DAYS, WEEK))
    drawn = chart(charts.series(rows, "departures", [360]))
    departed = real_flights(DAYS).dropna(subset="dep_time")["departed_at"].dt.floor("h").value_counts()
    hourly = departed.reindex(rows["interval_start"][:-1], fill_value=0)
    assert list(drawn.figure.data[1].y)[5:] == pytest.approx(hourly.rolling(6).mean()[5:].tolist())


@pytest.mark.usefixtures("january")
def test_the_trend_is_that_of_least_squares() -> None:
    """Of counts, against numpy's fit and its covariance matrix."""
    rows = rows_of(queries.intervals(DAYS, WEEK))
    fitted = streaming_values.trend(rows[rows["is_complete"]], "departures")
    departed = real_flights(DAYS).dropna(subset="dep_time")["departed_at"].dt.floor("h").value_counts()
    hourly = departed.reindex(rows["interval_start"][:-1], fill_value=0).to_numpy()
    hours = np.arange(len(hourly), dtype=float)
    line, covariance = np.polyfit(hours, hourly, 1, cov=True)
    design = np.vander(hours, 2)
    assert fitted is not None
    assert fitted.slope == pytest.approx(line[0])
    assert fitted.line == pytest.approx(design @ line)
    error = np.sqrt(np.einsum("ij,jk,ik->i", design, covariance, design))
    assert fitted.half_width == pytest.approx(streaming_values.t_quantile(0.975, len(hours) - 2) * error)


@pytest.mark.usefixtures("january")
@pytest.mark.parametrize("filters", [DAYS, SOME])
@pytest.mark.parametrize(
    ("grouped_by", "column"), [("airline", "carrier"), ("origin", "origin"), ("destination", "dest")]
)
def test_flights_by_airline_and_airport(filters: Filters, grouped_by: str, column: str) -> None:
    by = real_flights(filters).groupby(column)
    expected = pd.DataFrame(
        {
            "flights": by.size(),
            "cancelled": by["dep_time"].apply(lambda times: times.isna().sum()),
            "arrivals": by["arr_delay"].count(),
            "arrival_delay": by["arr_delay"].mean(),
            "delayed": 100 * by["arr_delay"].apply(lambda delays: (delays.dropna() >= 15).mean()),
        }
    ).rename_axis("code")
    asked_for = rows_of(queries.flights(filters, MONTH))
    for rank in text.RANKS:
        drawn = chart(flight_charts.ranking(asked_for, grouped_by, rank))
        assert drawn.rows is not None
        shown = drawn.rows.set_index("code")
        ranked = expected if rank == "flights" else expected[expected["arrivals"] >= 5]
        pd.testing.assert_frame_equal(shown.sort_index(), ranked.sort_index(), check_dtype=False)
        assert shown[rank].is_monotonic_decreasing
        assert list(drawn.figure.data[0].x) == pytest.approx(shown[rank].head(10).tolist())


@pytest.mark.usefixtures("january")
@pytest.mark.parametrize("filters", [DAYS, SOME])
def test_what_became_of_the_flights(filters: Filters) -> None:
    table = real_flights(filters)
    departed, arrived = table["dep_time"].notna(), table["arr_delay"].notna()
    drawn = chart(flight_charts.status(rows_of(queries.flights(filters, MONTH))))
    expected = [arrived.sum(), 0, (~departed).sum(), (departed & ~arrived).sum()]
    assert list(drawn.figure.data[0].x) == expected
    assert drawn.says.startswith(f"Of {len(table):,} flights")


@pytest.mark.usefixtures("january")
def test_what_became_of_the_flights_of_a_week() -> None:
    """Those that left or were cancelled in it, though others landed in it too."""
    events = in_range(sent(), rows_of(queries.intervals(DAYS, WEEK)))
    by_type = events.groupby("event_type")["flight_id"].agg(set)
    left = by_type["departed"]
    expected = [len(left & by_type["arrived"]), 0, len(by_type["cancelled"]), len(left & by_type["diverted"])]
    assert len(by_type["arrived"] - left) > 0
    drawn = chart(flight_charts.status(rows_of(queries.flights(DAYS, WEEK))))
    assert list(drawn.figure.data[0].x) == expected


@pytest.mark.usefixtures("january")
@pytest.mark.parametrize(("delay", "column"), [("arrival_delay", "arr_delay"), ("departure_delay", "dep_delay")])
def test_the_histogram_of_delays(delay: str, column: str) -> None:
    delays = real_flights(DAYS)[column].dropna()
    drawn = chart(flight_charts.histogram(rows_of(queries.flights(DAYS, MONTH)), delay))
    assert drawn.rows is not None
    edges = [-np.inf, *range(-40, 125, 5), np.inf]
    assert drawn.rows["flights"].tolist() == np.histogram(delays, edges)[0].tolist()
    shares = [
        formats.share(share) for share in ((delays < 0).mean(), delays.between(0, 14).mean(), (delays >= 15).mean())
    ]
    assert "{} early, {} less than 15 minutes late, {} at least 15".format(*shares) in drawn.says


NOON = datetime(2013, 3, 5, 12, tzinfo=UTC)


@pytest.fixture
def own_events(stack: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Document]]:
    """A hot tier of the test's own, to be filled."""
    monkeypatch.setenv("SKYTIER_MONGODB_COLLECTION", "test_streaming")
    with hot_tier.client() as connection:
        hot_tier.events(connection).drop()
        yield []
        hot_tier.events(connection).drop()


def store(*events: tuple[str, str, float, float | None]) -> None:
    """Store events: flight, type, hours before noon, delay in minutes."""
    documents = [
        {
            "_id": f"{flight}:{event_type}",
            "flight_id": flight,
            "event_type": event_type,
            "event_time": NOON - timedelta(hours=hours),
            "flight_date": "2013-03-05",
            "airline": "XX",
            "origin": "EWR",
            "destination": "BOS",
            "departure_delay_minutes": delay if event_type == "departed" else None,
            "arrival_delay_minutes": delay if event_type == "arrived" else None,
            "is_delayed": None if delay is None else delay >= 15,
            "quality_score": 1.0,
        }
        for flight, event_type, hours, delay in events
    ]
    with hot_tier.client() as connection:
        hot_tier.events(connection).insert_many(documents)


@pytest.mark.usefixtures("own_events")
def test_flights_that_have_not_ended_are_on_the_way() -> None:
    store(
        ("left before", "departed", 7.0, 3.0),
        ("left before", "arrived", 3.0, 20.0),
        ("landed", "departed", 5.0, None),
        ("landed", "arrived", 2.0, -1.0),
        ("in the air", "departed", 1.0, 14.0),
        ("gone elsewhere", "departed", 4.0, 0.0),
        ("gone elsewhere", "diverted", 1.0, None),
        ("never left", "cancelled", 0.0, None),
        ("to come", "scheduled", 0.5, None),
    )
    rows, flights = rows_of(queries.intervals(Filters(), "6h")), rows_of(queries.flights(Filters(), "6h"))
    drawn = chart(flight_charts.status(flights))
    assert list(drawn.figure.data[0].x) == [1, 1, 1, 1]
    assert len(rows) == 37
    assert rows["interval_start"].iloc[-1] == NOON
    total = rows.sum(numeric_only=True)
    assert (total["events"], total["departures"], total["departures_with_delay"], total["arrivals"]) == (8, 3, 2, 2)
    assert (total["delayed_arrivals"], total["arrivals_with_status"]) == (1, 2)
    shown = chart(flight_charts.histogram(flights, "departure_delay")).rows
    assert shown is not None
    assert shown.loc[shown["flights"] > 0, "delay_from_minutes"].tolist() == [0.0, 10.0]


@pytest.mark.usefixtures("own_events")
def test_an_empty_hot_tier_has_no_rows() -> None:
    assert rows_of(queries.intervals(Filters(), WEEK)).empty
    assert rows_of(queries.flights(Filters(), WEEK)).empty


@pytest.mark.usefixtures("own_events")
def test_filters_that_match_nothing_have_no_rows() -> None:
    store(("one", "departed", 1.0, 3.0))
    for filters in (Filters(airlines=("none",)), Filters(first=date(2014, 1, 1)), Filters(last=date(2012, 1, 1))):
        assert rows_of(queries.intervals(filters, WEEK)).empty
        assert rows_of(queries.flights(filters, WEEK)).empty


@pytest.mark.usefixtures("own_events")
def test_a_single_event_is_an_interval() -> None:
    store(("one", "departed", 0.0, 3.0))
    rows = rows_of(queries.intervals(Filters(), WEEK))
    assert rows["departures"].tolist() == [1]
    assert isinstance(charts.series(rows, "departures", [360]), str)
