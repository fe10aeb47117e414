"""Features of a few hand-written flights: each value, to the minute."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.delay import features
from skytier import reference
from tests.feature_windows import AIRCRAFT, ARRIVAL_WINDOWS, CANCELLATION_WINDOWS, COUNTS, DEPARTURE_WINDOWS, MEANS
from tests.flight_frames import Row, arrived, departed, event, frame, scheduled, utc

pytestmark = pytest.mark.plain

# A prediction at 16:00.
TARGET = scheduled("18:00")


def _features(target: Row, *events: Row) -> pd.Series[Any]:
    return features.build(frame(target), frame(target | {"event_id": "itself"}, *events)).iloc[0]


def _same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(left, right, check_exact=True)


def test_departures_of_a_window_are_counted_and_averaged() -> None:
    made = _features(
        TARGET,
        departed("15:30", 10),
        departed("15:59", 20),
        departed("15:29", 90, airline="B6", destination="BOS"),
        departed("15:40", 60, origin="JFK"),
    )
    assert (made["departures_origin_30min"], made["departure_delay_origin_30min"]) == (2, 15)
    assert (made["departures_origin_2h"], made["departure_delay_origin_2h"]) == (3, 40)
    assert (made["departures_origin_airline_3h"], made["departure_delay_origin_airline_3h"]) == (2, 15)
    assert (made["departures_airline_3h"], made["departure_delay_airline_3h"]) == (3, 30)
    assert (made["departures_destination_6h"], made["departure_delay_destination_6h"]) == (3, 30)
    assert (made["departures_route_airline_24h"], made["departure_delay_route_airline_24h"]) == (2, 15)
    assert (made["departures_all_1h"], made["departure_delay_all_1h"]) == (4, 45)


@pytest.mark.parametrize(
    ("at", "count"), [("15:29", 0), ("15:30", 1), ("15:59", 1), ("16:00", 0), ("16:01", 0), ("2013-03-07T15:45", 0)]
)
def test_a_window_begins_with_its_first_minute_and_ends_before_the_prediction(at: str, count: int) -> None:
    made = _features(TARGET, departed(at, 33))
    assert made["departures_origin_30min"] == count
    assert made["departure_delay_origin_30min"] == (33 if count else pytest.approx(np.nan, nan_ok=True))


@pytest.mark.parametrize("prefix", ["departures_", "arrival_delay_", "cancellations_"])
def test_each_window_is_as_long_as_its_name_says(prefix: str) -> None:
    windows = {"departures_": DEPARTURE_WINDOWS, "arrival_delay_": ARRIVAL_WINDOWS}.get(prefix, CANCELLATION_WINDOWS)
    for name, (kind, _, minutes) in windows.items():
        first = TARGET["event_time"] - pd.Timedelta(minutes=minutes)
        for moment, is_inside in ((first, True), (first - pd.Timedelta(minutes=1), False)):
            row = event(kind, "00:00", departure_delay_minutes=7.0, arrival_delay_minutes=7.0)
            made = _features(TARGET, row | {"event_time": moment})[f"{prefix}{name}"]
            assert (made > 0) == is_inside


@pytest.mark.parametrize(
    ("at", "predicted_at", "count"),
    [
        ("15:59:30", "16:00:00", 0),
        ("15:59:00", "16:00:00", 1),
        ("16:00:00", "16:00:30", 1),
        ("16:00:10", "16:00:50", 0),
    ],
)
def test_an_event_is_known_from_the_end_of_its_minute(at: str, predicted_at: str, count: int) -> None:
    target = TARGET | {"event_time": utc(predicted_at)}
    assert _features(target, departed(at, 5))["departures_origin_30min"] == count


def test_an_event_of_the_same_minute_counts_for_nothing() -> None:
    target = departed("18:05", 5, tail_number="N1")
    made = _features(
        target,
        departed("18:05", 50, tail_number="N1"),
        arrived("18:05", 50, tail_number="N1"),
        event("cancelled", "18:05"),
    )
    assert (made[COUNTS] == 0).all()
    assert made[[*MEANS, *AIRCRAFT]].isna().all()


def test_a_departure_without_a_delay_is_no_part_of_a_mean() -> None:
    made = _features(TARGET, departed("15:50", np.nan), departed("15:51", 8))
    assert made["departure_delay_origin_30min"] == 8


def test_extreme_delays_are_limited_in_what_others_see() -> None:
    made = _features(TARGET | {"tail_number": "N1"}, departed("15:40", 1301, tail_number="N1"), departed("15:50", -43))
    assert made["departure_delay_origin_30min"] == (240 - 30) / 2
    assert made["aircraft_last_delay"] == 240


def test_arrivals_are_averaged_by_what_they_share() -> None:
    made = _features(
        TARGET,
        arrived("15:00", 10),
        arrived("15:10", -20, airline="B6"),
        arrived("15:20", 40, origin="JFK", destination="BOS"),
        arrived("12:30", 60),
    )
    assert made["arrival_delay_airline_3h"] == 25
    assert made["arrival_delay_destination_4h"] == pytest.approx(50 / 3)
    assert made["arrival_delay_origin_3h"] == -5
    assert made["arrival_delay_all_3h"] == 10


def test_cancellations_are_counted() -> None:
    made = _features(
        TARGET,
        event("cancelled", "15:00"),
        event("cancelled", "11:00"),
        event("cancelled", "15:30", origin="JFK"),
        event("cancelled", "05:00", airline="B6"),
    )
    assert made[["cancellations_origin_4h", "cancellations_airline_6h", "cancellations_all_12h"]].tolist() == [1, 3, 4]


def test_the_queue_is_the_timetable_of_the_hour_before_at_the_origin() -> None:
    others = [scheduled(at) for at in ("16:59", "17:00", "17:30", "17:59", "18:00", "18:01")]
    assert _features(TARGET, *others, scheduled("17:30", origin="JFK"))["origin_queue"] == 3
    assert _features(departed("18:40", 40), *others)["origin_queue"] == 3


def test_the_queue_of_a_flight_that_left_very_early_knows_nothing_later() -> None:
    assert _features(departed("15:30", -150), scheduled("17:45"))["origin_queue"] == 0


def test_an_aircraft_that_has_arrived_is_free_from_then_on() -> None:
    made = _features(TARGET | {"tail_number": "N1"}, arrived("15:20", 20, tail_number="N1"))
    assert made[AIRCRAFT].tolist() == [20, 40, 160]


def test_an_aircraft_in_the_air_lands_as_late_as_it_left() -> None:
    flying = departed("15:10", 10, tail_number="N1", scheduled_arrival=utc("17:00"))
    made = _features(TARGET | {"tail_number": "N1"}, flying)
    assert made[AIRCRAFT].tolist() == [10, 50, 50]


def test_the_last_that_was_heard_of_the_aircraft_counts() -> None:
    target = TARGET | {"tail_number": "N1"}
    rows = [
        departed("10:05", 5, tail_number="N1"),
        arrived("12:00", -10, tail_number="N1"),
        departed("13:30", 30, tail_number="N1", scheduled_arrival=utc("16:30")),
        arrived("15:59", 77, tail_number="N2"),
        arrived("17:00", 0, tail_number="N1"),
    ]
    assert _features(target, *rows)[AIRCRAFT].tolist() == [30, 150, 60]
    assert _features(target, *reversed(rows))[AIRCRAFT].tolist() == [30, 150, 60]


def test_two_events_of_an_aircraft_in_one_minute_count_alike_in_any_order() -> None:
    target = frame(TARGET | {"tail_number": "N710TW"})
    both = frame(arrived("15:04", -20, tail_number="N710TW"), arrived("15:04", 64, tail_number="N710TW"))
    _same(features.build(target, both), features.build(target, both[::-1]))


@pytest.mark.parametrize(("at", "age"), [("2013-03-05T16:00", 1440), ("2013-03-05T15:59", np.nan)])
def test_an_aircraft_not_heard_of_for_a_day_is_unknown(at: str, age: float) -> None:
    made = _features(TARGET | {"tail_number": "N1"}, arrived(at, 0, tail_number="N1"))
    assert made["aircraft_last_age_minutes"] == pytest.approx(age, nan_ok=True)


@pytest.mark.parametrize("nothing", [None, np.nan])
def test_flights_without_a_registration_are_not_one_aircraft(nothing: object) -> None:
    target = TARGET | {"tail_number": nothing}
    made = _features(target, arrived("15:20", 20, tail_number=nothing), departed("15:30", 7, tail_number="N1"))
    assert made[[*AIRCRAFT, "aircraft_year", "aircraft_seats", "aircraft_engines"]].isna().all()
    assert made["departures_origin_30min"] == 1


def test_the_register_tells_of_the_aircraft() -> None:
    known = next(row for row in reference.aircraft() if row.year_manufactured)
    unbuilt = next(row for row in reference.aircraft() if not row.year_manufactured)
    rows = [TARGET | {"tail_number": tail} for tail in (known.tail_number, "N0NE", unbuilt.tail_number)]
    made = features.build(frame(*rows), frame(TARGET))
    assert made["aircraft_seats"].tolist()[0::2] == [known.seats, unbuilt.seats]
    assert made["aircraft_engines"].tolist()[0::2] == [known.engines, unbuilt.engines]
    assert made["aircraft_year"].iloc[0] == known.year_manufactured
    assert made["aircraft_year"].isna().tolist() == [False, True, True]
    assert made["aircraft_seats"].isna().tolist() == [False, True, False]


def test_an_airline_and_airports_never_seen_before_have_no_past() -> None:
    stranger = TARGET | {"airline": "ZZ", "origin": "XQX", "destination": "QXQ"}
    made = _features(stranger, departed("15:50", 12), event("cancelled", "15:50"))
    assert made[list(features.CATEGORIES)].tolist() == ["ZZ", "XQX", "QXQ"]
    of_all = [name for name in COUNTS if "_all_" in name]
    assert (made[of_all] == 1).all()
    assert (made[[name for name in COUNTS if name not in of_all]] == 0).all()
    assert made[[name for name in MEANS if "_all_" not in name]].isna().all()
    assert made["departure_delay_all_1h"] == 12
    assert made[list(features.CALENDAR)].isna().all()
    assert made["scheduled_block_minutes"] == 240


def test_without_events_nothing_is_known_of_the_state() -> None:
    made = features.build(frame(TARGET), frame(TARGET).iloc[:0]).iloc[0]
    assert (made[[*COUNTS, "origin_queue"]] == 0).all()
    assert made[[*MEANS, *AIRCRAFT]].isna().all()


def test_events_of_other_kinds_only_are_enough() -> None:
    made = features.build(frame(TARGET | {"tail_number": "N1"}), frame(TARGET)).iloc[0]
    assert (made[[*COUNTS, "origin_queue"]] == 0).all()
    assert made[[*MEANS, *AIRCRAFT]].isna().all()


def test_the_delay_at_departure_is_the_flight_s_own_and_known_once_it_has_left() -> None:
    rows = [
        departed("18:25", 25),
        event("departed", "18:31"),
        departed("2013-03-07T15:41", 1301),
        TARGET | {"departure_delay_minutes": 9.0},
    ]
    made = features.build(frame(*rows), frame(TARGET))["departure_delay_minutes"]
    assert made.tolist() == pytest.approx([25, 31, 1301, np.nan], nan_ok=True)


@pytest.mark.parametrize(
    ("origin", "departure", "expected"),
    [
        ("EWR", "2013-01-15T18:07", (1, 2, 787)),
        ("EWR", "2013-07-15T18:07", (7, 1, 847)),
        ("EWR", "2013-04-01T02:00", (3, 7, 1320)),
        ("EWR", "2013-01-01T04:59", (12, 1, 1439)),
        ("EWR", "2013-03-10T06:59", (3, 7, 119)),
        ("EWR", "2013-03-10T07:00", (3, 7, 180)),
        ("EWR", "2013-11-03T05:30", (11, 7, 90)),
        ("EWR", "2013-11-03T06:30", (11, 7, 90)),
        ("PHX", "2013-07-15T18:07", (7, 1, 667)),
        ("HNL", "2013-07-15T09:59", (7, 7, 1439)),
    ],
)
def test_the_calendar_is_local_to_the_origin(origin: str, departure: str, expected: tuple[int, ...]) -> None:
    made = _features(scheduled(departure, origin=origin, scheduled_arrival=utc(departure) + pd.Timedelta(hours=3)))
    assert tuple(made[["month", "day_of_week", "scheduled_departure_minute"]]) == expected


def test_the_arrival_is_local_to_the_destination() -> None:
    rows = [
        scheduled("18:00", destination="LAX", scheduled_arrival=utc("2013-03-07T00:10")),
        scheduled("18:00", destination="BOS", scheduled_arrival=utc("19:10")),
        scheduled("18:00", destination="SJU", scheduled_arrival=utc("22:00")),
        scheduled("2013-03-10T06:30", destination="BOS", scheduled_arrival=utc("2013-03-10T07:40")),
    ]
    made = features.build(frame(*rows).set_axis([7, 3, 9, 1]), frame(TARGET))
    assert made["scheduled_arrival_minute"].to_dict() == {7: 16 * 60 + 10, 3: 14 * 60 + 10, 9: 18 * 60, 1: 3 * 60 + 40}
    assert made["scheduled_block_minutes"].tolist() == [370, 70, 240, 70]


@pytest.mark.parametrize("index", [[30, 10, 20], ["c", "a", "b"]])
def test_rows_and_columns_are_those_of_the_contract(index: list[Any]) -> None:
    rows = frame(TARGET, departed("18:25", 25), TARGET).set_axis(index)
    rows["weather_wind_speed_mph"] = [10.36, np.nan, 0.0]
    made = features.build(rows, rows)
    assert made.index.tolist() == index
    assert tuple(made.columns) == features.FEATURES
    assert len(set(features.FEATURES)) == len(features.FEATURES)
    kinds = {name: str(kind) for name, kind in made.dtypes.items()}
    assert {name for name, kind in kinds.items() if kind == "object"} == set(features.CATEGORIES)
    assert {kind for name, kind in kinds.items() if name not in features.CATEGORIES} == {"float32"}
    assert made["weather_wind_speed_mph"].tolist() == pytest.approx([np.float32(10.36), np.nan, 0], nan_ok=True)


def test_predictions_are_made_on_scheduled_and_departed_only() -> None:
    kinds = ["scheduled", "departed", "arrived", "cancelled", "diverted"]
    made = features.is_predicted_on(frame(*(event(kind, "16:00") for kind in kinds)))
    assert made.tolist() == [True, True, False, False, False]


HAPPENING = st.builds(
    lambda kind, minute, second, delay, tail, origin, airline: event(
        kind,
        f"{15 + minute // 60}:{minute % 60:02}:{second:02}",
        departure_delay_minutes=float(delay) if kind != "cancelled" else np.nan,
        arrival_delay_minutes=float(delay) if kind == "arrived" else np.nan,
        tail_number=tail,
        origin=origin,
        airline=airline,
    ),
    st.sampled_from(["departed", "arrived", "cancelled"]),
    st.integers(0, 119),
    st.sampled_from([0, 0, 1, 30, 59]),
    st.integers(-60, 400),
    st.sampled_from(["N1", "N2", None]),
    st.sampled_from(["EWR", "JFK"]),
    st.sampled_from(["UA", "B6"]),
)


@settings(max_examples=30)
@given(st.lists(HAPPENING, max_size=12))
def test_only_what_is_strictly_earlier_counts(rows: list[Row]) -> None:
    target = frame(TARGET | {"tail_number": "N1"})
    known = frame(TARGET, *rows)
    is_earlier = known["event_time"] < target["event_time"].iloc[0]
    _same(features.build(target, known), features.build(target, known[is_earlier | (known.index == 0)]))
