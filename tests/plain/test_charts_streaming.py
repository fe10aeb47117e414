"""Streaming Analytics drawn from small frames."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.app_pages.streaming import flight_charts as streaming_flights
from dashboard.app_pages.streaming import interval_charts as streaming
from dashboard.app_pages.streaming import metrics as streaming_values
from dashboard.app_pages.streaming import queries, text
from dashboard.panels.drawings import Chart
from dashboard.panels.text import NO_VALUE

pytestmark = pytest.mark.plain

START = pd.Timestamp("2013-01-02 04:00", tz="UTC")
COUNTS = (
    "events",
    "departures",
    "arrivals",
    "cancellations",
    "diversions",
    "departures_with_delay",
    "arrivals_with_delay",
    "delayed_arrivals",
    "arrivals_with_status",
    "events_with_quality",
)
SUMS = ("departure_delay_sum_minutes", "arrival_delay_sum_minutes", "quality_sum")


def intervals(minutes: int = 60, **columns: list[float]) -> pd.DataFrame:
    """Intervals from 04:00 on; the last is not over. Columns that are not told are zero."""
    length = len(next(iter(columns.values())))
    starts = pd.Series(pd.date_range(START, periods=length, freq=f"{minutes}min"))
    zeros = {name: [0] * length for name in COUNTS} | {name: [0.0] * length for name in SUMS}
    return pd.DataFrame(
        {
            "interval_start": starts,
            "interval_end": starts + pd.Timedelta(minutes=minutes),
            "is_complete": [True] * (length - 1) + [False],
            **zeros,
            **columns,
        }
    )


def groups(**by: list[tuple[Any, ...]]) -> pd.DataFrame:
    """Groups by what they are grouped by: name or lower bound, flights, arrivals, sum of delays, delayed."""
    names = ["key", "flights", "arrivals_with_delay", "arrival_delay_sum_minutes", "delayed_arrivals"]
    frame = pd.concat([pd.DataFrame(rows, columns=names).assign(grouped_by=name) for name, rows in by.items()])
    is_delay = frame["grouped_by"].str.endswith("_delay")
    return frame.assign(
        name=frame["key"].where(~is_delay),
        delay_from_minutes=pd.to_numeric(frame["key"].where(is_delay)),
        arrivals_with_status=frame["arrivals_with_delay"],
        cancelled=0,
    )


def chart(drawn: Chart | str) -> Chart:
    assert isinstance(drawn, Chart), drawn
    return drawn


def test_a_mean_of_nothing_is_null_not_zero() -> None:
    frame = intervals(arrival_delay_sum_minutes=[30.0, 0.0, 8.0], arrivals_with_delay=[2, 0, 1])
    assert streaming_values.values(frame, "arrival_delay").tolist() == pytest.approx([15.0, np.nan, 8.0], nan_ok=True)


def test_shares_are_percentages() -> None:
    frame = intervals(delayed_arrivals=[1, 0], arrivals_with_status=[4, 3])
    assert streaming_values.values(frame, "delayed").tolist() == [25.0, 0.0]


def test_sliding_windows_add_counts_up_and_take_means_over_events() -> None:
    frame = intervals(events=[1, 2, 4], quality_sum=[1.0, 1.0, 2.0], events_with_quality=[1, 2, 4])
    assert streaming_values.sliding(frame, "events", 120).tolist()[1:] == [3, 6]
    assert streaming_values.sliding(frame, "quality", 120).tolist()[1:] == pytest.approx([2 / 3, 0.5])
    assert streaming_values.sliding(frame, "events", 120).isna().tolist() == [True, False, False]
    assert streaming_values.moving_average(frame, "events", 120).tolist()[1:] == [1.5, 3]
    assert streaming_values.moving_average(frame, "quality", 120).tolist()[1:] == pytest.approx([2 / 3, 0.5])


def test_tumbling_windows_begin_at_round_times_and_are_full() -> None:
    rows = streaming_values.tumbling(intervals(events=[1, 2, 4, 8, 16, 32, 64]), "events", 180)
    assert rows["window_start"].dt.hour.tolist() == [6]
    assert rows["window_end"].dt.hour.tolist() == [9]
    assert rows["value"].tolist() == [4 + 8 + 16]


@pytest.mark.parametrize("span", queries.RANGES)
def test_windows_of_a_range_are_whole_intervals_and_fit_in_full(span: str) -> None:
    of_range = queries.RANGES[span]
    assert 1440 % of_range.step_minutes == 0
    for minutes in of_range.windows_minutes:
        assert minutes % of_range.step_minutes == 0
        assert of_range.hours * 60 >= 3 * minutes
    assert list(text.RANGES) == list(queries.RANGES)


@given(
    st.lists(st.integers(0, 50), min_size=6, max_size=40),
    st.sampled_from([60, 120, 180]),
)
def test_every_tumbling_window_is_one_of_the_sliding_ones(events: list[int], size_minutes: int) -> None:
    frame = intervals(events=[float(count) for count in events])
    sliding = streaming_values.sliding(frame, "events", size_minutes).set_axis(frame["interval_end"])
    for row in streaming_values.tumbling(frame, "events", size_minutes).itertuples():
        assert sliding[row.window_end] == pytest.approx(row.value)


@pytest.mark.parametrize(("freedom", "expected"), [(3, 3.182), (5, 2.571), (10, 2.228), (30, 2.042), (120, 1.980)])
def test_quantiles_of_students_t(freedom: int, expected: float) -> None:
    """Against the printed tables."""
    assert streaming_values.t_quantile(0.975, freedom) == pytest.approx(expected, rel=0.002)


def test_the_trend_of_a_straight_line_is_the_line() -> None:
    fitted = streaming_values.trend(intervals(events=[1.0, 3.0, 5.0, 7.0, 9.0, 11.0]), "events")
    assert fitted is not None
    assert fitted.slope == pytest.approx(2.0)
    assert fitted.line.tolist() == pytest.approx([1, 3, 5, 7, 9, 11])
    assert fitted.half_width.tolist() == pytest.approx([0] * 6, abs=1e-9)


def test_the_confidence_band_is_that_of_the_textbook() -> None:
    """Oxygen purity: examples 11-1, 11-4 and 11-5 of the book that the formula is from."""
    x = [0.99, 1.02, 1.15, 1.29, 1.46, 1.36, 0.87, 1.23, 1.55, 1.40, 1.19, 1.15, 0.98, 1.01, 1.11, 1.20, 1.26, 1.32]
    x += [1.43, 0.95]
    y = [90.01, 89.05, 91.43, 93.74, 96.73, 94.45, 87.59, 91.77, 99.42, 93.65, 93.54, 92.52, 90.56, 89.54, 89.85, 90.39]
    y += [93.25, 93.41, 94.98, 87.33]
    times = START + pd.to_timedelta(x, unit="h")
    points = intervals(events=y).assign(interval_start=times, interval_end=times)
    fitted = streaming_values.trend(points, "events")
    assert fitted is not None
    assert fitted.slope == pytest.approx(14.947, abs=0.001)
    assert fitted.slope_half_width == pytest.approx(2.101 * np.sqrt(1.18 / 0.68088), abs=0.005)
    center = fitted.half_width[int(np.argmin(np.abs(np.array(x) - np.mean(x))))]
    assert center == pytest.approx(2.101 * np.sqrt(1.18 / 20), abs=0.005)


def test_a_mean_of_many_flights_weighs_as_many_of_one() -> None:
    of_one = [0.0, 0.0, 3.0, 3.0, 1.0, 2.0, 2.0]
    many = intervals(arrival_delay_sum_minutes=[0.0, 6.0, 1.0, 2.0, 2.0], arrivals_with_delay=[2, 2, 1, 1, 1])
    fitted = streaming_values.trend(many, "arrival_delay")
    assert fitted is not None
    slope = np.polyfit([0, 0, 1, 1, 2, 3, 4], of_one, 1)[0]
    assert fitted.slope == pytest.approx(slope)


@pytest.mark.parametrize("metric", streaming_values.METRICS)
def test_one_interval_that_is_not_over_is_told_in_words(metric: str) -> None:
    frame = intervals(events=[3.0])
    assert streaming.series(frame, metric, [60]) == text.NO_VALUES.format(label=text.METRICS[metric].label)
    assert streaming.trend(frame, metric) == text.NO_TREND.format(least=5, count=0)
    for kind in text.KINDS:
        assert streaming.windows(frame, metric, kind, 60) == text.NO_WINDOWS.format(size="1 hour")
    assert len(streaming.summary(frame)) == 5


def test_the_summary_is_over_all_events_and_says_where_there_is_no_mean() -> None:
    frame = intervals(events=[1000, 200, 34], delayed_arrivals=[1, 0, 1], arrivals_with_status=[2, 1, 1])
    shown = {number.label: number for number in streaming.summary(frame)}
    assert shown["Events"].value == "1,234"
    assert list(shown["Events"].trend) == [1000, 200]
    assert shown["Share delayed"].value == "50.0%"
    assert (shown["Mean arrival delay"].value, list(shown["Mean arrival delay"].trend)) == (NO_VALUE, [])


def test_the_series_tells_its_values_and_marks_the_unfinished_interval() -> None:
    drawn = chart(streaming.series(intervals(events=[5, 9, 7, 2]), "events", [120, 180]))
    assert drawn.says.startswith("Events in intervals of 1 hour: 7 in the last complete one (to 2013-01-02 07:00 UTC)")
    assert "minimum 5, maximum 9" in drawn.says
    value, two, three, ring = drawn.figure.data
    assert list(value.y) == [5, 9, 7]
    assert (two.name, two.line.dash, three.line.dash) == ("moving average, 2 hours", "dash", "dot")
    assert (list(ring.y), ring.marker.symbol) == ([2], "circle-open")
    assert drawn.rows is not None
    assert len(drawn.rows) == 4


def test_windows_tell_their_kind() -> None:
    frame = intervals(events=[1, 2, 4, 8, 16, 0])
    tumbling = chart(streaming.windows(frame, "events", text.TUMBLING, 120))
    sliding = chart(streaming.windows(frame, "events", text.SLIDING, 120))
    assert tumbling.says == "2 complete tumbling windows of 2 hours: 12 in the newest, maximum 12."
    assert sliding.says == "4 sliding windows of 2 hours, one every 1 hour: 24 in the newest, maximum 24."
    assert list(sliding.figure.data[0].y) == [3, 6, 12, 24]


def test_a_trend_within_its_uncertainty_has_no_direction() -> None:
    up = chart(streaming.trend(intervals(30, events=[1, 2, 3, 4, 5, 6.5, 0]), "events"))
    none = chart(streaming.trend(intervals(30, events=[1, 9, 2, 8, 1, 9, 0]), "events"))
    assert "per hour (95% confidence" in up.says
    assert ": increasing" in up.says
    assert ": no significant trend" in none.says


def test_far_points_do_not_press_the_band_to_a_line() -> None:
    drawn = chart(streaming.trend(intervals(30, events=[*[4.0, 5.0, 6.0] * 20, 900.0, 0.0]), "events"))
    low, high = drawn.figure.layout.yaxis.range
    assert high - low < 300
    assert drawn.says.endswith("Points outside the axis range: 1. Double-click to show them.")


def test_rankings_leave_out_who_hardly_arrived() -> None:
    frame = groups(airline=[("UA", 40, 30, 60.0, 3), ("XX", 50, 4, 400.0, 4), ("DL", 10, 10, 100.0, 5)])
    by_flights = chart(streaming_flights.ranking(frame, "airline", "flights"))
    by_delay = chart(streaming_flights.ranking(frame, "airline", "arrival_delay"))
    by_share = chart(streaming_flights.ranking(frame, "airline", "delayed"))
    assert list(by_flights.figure.data[0].x) == [50, 40, 10]
    assert list(by_delay.figure.data[0].x) == [10.0, 2.0]
    assert list(by_share.figure.data[0].text) == ["50.0%", "10.0%"]
    assert by_flights.says.startswith("Top of 3 by flights: XX with 50.")
    assert streaming_flights.ranking(frame, "origin", "flights") == text.NO_RANKS.format(least=5)


def test_airlines_without_arrivals_have_no_mean() -> None:
    drawn = chart(streaming_flights.ranking(groups(airline=[("XX", 3, 0, 0.0, 0)]), "airline", "flights"))
    assert drawn.figure.data[0].hovertext[0] == "XX: 3 flights, 0 cancelled, mean arrival delay -, - delayed"


def test_statuses_without_flights_are_shown_as_none() -> None:
    drawn = chart(streaming_flights.status(groups(status=[("arrived", 3, 3, 0.0, 0), ("cancelled", 1, 0, 0.0, 0)])))
    assert list(drawn.figure.data[0].text) == ["3 (75.0%)", "0 (0%)", "1 (25.0%)", "0 (0%)"]
    assert drawn.says.startswith("Of 4 flights")
    assert streaming_flights.status(groups(airline=[("UA", 1, 1, 0.0, 0)])) == text.NO_FLIGHTS


def test_delays_beyond_the_ends_are_in_the_last_bars() -> None:
    rows = [
        (-80.0, 1, 1, 0.0, 0),
        (-5.0, 2, 2, 0.0, 0),
        (10.0, 3, 3, 0.0, 0),
        (15.0, 2, 2, 0.0, 2),
        (900.0, 2, 2, 0.0, 2),
    ]
    drawn = chart(streaming_flights.histogram(groups(arrival_delay=rows), "arrival_delay"))
    assert drawn.rows is not None
    counted = drawn.rows.set_index("delay_from_minutes")["flights"]
    assert (counted.iloc[0], counted[-5], counted[10], counted[15], counted.iloc[-1]) == (1, 2, 3, 2, 2)
    assert counted.sum() == 10
    on_time, late = drawn.figure.data
    assert (sum(on_time.y), sum(late.y), late.marker.pattern.shape) == (6, 4, "/")
    assert late.hovertext[-1] == "120 min or more: 2 flights"
    assert "30.0% early, 30.0% less than 15 minutes late, 40.0% at least 15 minutes late" in drawn.says
    assert streaming_flights.histogram(groups(arrival_delay=rows), "departure_delay") == text.NO_DELAYS


@pytest.mark.parametrize(
    ("minutes", "expected"), [(10, "10 minutes"), (60, "1 hour"), (180, "3 hours"), (4320, "3 days")]
)
def test_durations_are_told_in_their_largest_unit(minutes: int, expected: str) -> None:
    assert text.duration(minutes) == expected
