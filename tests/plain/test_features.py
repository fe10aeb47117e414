"""Features tell what was known just before the event, and the same in training as in the minute job."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import features, training_data
from skytier import reference

pytestmark = pytest.mark.plain

# The blizzard of 8 and 9 February: many cancellations, long delays, then a late recovery.
BLIZZARD = date(2013, 2, 7), date(2013, 2, 10)

DEPARTURE_WINDOWS = {
    "origin_30min": ("departed", ("origin",), 30),
    "origin_2h": ("departed", ("origin",), 120),
    "origin_6h": ("departed", ("origin",), 360),
    "origin_airline_3h": ("departed", ("origin", "airline"), 180),
    "airline_3h": ("departed", ("airline",), 180),
    "destination_6h": ("departed", ("destination",), 360),
    "route_airline_24h": ("departed", ("origin", "airline", "destination"), 1440),
    "all_1h": ("departed", (), 60),
    "all_4h": ("departed", (), 240),
    "all_12h": ("departed", (), 720),
}
ARRIVAL_WINDOWS = {
    "airline_3h": ("arrived", ("airline",), 180),
    "destination_4h": ("arrived", ("destination",), 240),
    "origin_3h": ("arrived", ("origin",), 180),
    "all_3h": ("arrived", (), 180),
}
CANCELLATION_WINDOWS = {
    "origin_4h": ("cancelled", ("origin",), 240),
    "airline_6h": ("cancelled", ("airline",), 360),
    "all_12h": ("cancelled", (), 720),
}
COUNTS = [name for name in features.FEATURES if name.startswith(("departures_", "cancellations_"))]
MEANS = [name for name in features.FEATURES if name.startswith(("departure_delay_", "arrival_delay_"))]
MEANS.remove("departure_delay_minutes")
AIRCRAFT = ["aircraft_last_delay", "aircraft_last_age_minutes", "aircraft_slack_minutes"]

Row = dict[str, Any]


def _at(clock: str) -> pd.Timestamp:
    """A moment of 6 March 2013, UTC, or of the day that comes before the time."""
    return pd.Timestamp(clock if "T" in clock else f"2013-03-06T{clock}", tz="UTC")


def _event(kind: str, at: str, **fields: object) -> Row:
    flight: Row = {
        "event_type": kind,
        "event_time": _at(at),
        "airline": "UA",
        "origin": "EWR",
        "destination": "IAH",
        "tail_number": None,
        "scheduled_departure": _at("18:00"),
        "scheduled_arrival": _at("22:00"),
        "departure_delay_minutes": np.nan,
        "arrival_delay_minutes": np.nan,
        "distance_miles": 1400.0,
    }
    return flight | fields


def _scheduled(departure: str, **fields: object) -> Row:
    moment = _at(departure)
    ahead = (moment - pd.Timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S")
    return _event("scheduled", ahead, scheduled_departure=moment, **fields)


def _departed(at: str, delay: float, **fields: object) -> Row:
    return _event("departed", at, departure_delay_minutes=delay, **fields)


def _arrived(at: str, delay: float, **fields: object) -> Row:
    lands = _at(at) - pd.Timedelta(minutes=delay)
    return _event("arrived", at, arrival_delay_minutes=delay, scheduled_arrival=lands, **fields)


def _frame(*rows: Row) -> pd.DataFrame:
    names = [*features.EVENT_COLUMNS, *features.WEATHER]
    named = [{"event_id": f"F{i}:{row['event_type']}", "flight_id": f"F{i}"} | row for i, row in enumerate(rows)]
    frame = pd.DataFrame(named, columns=names)
    numbers = ["departure_delay_minutes", "arrival_delay_minutes", "distance_miles", *features.WEATHER]
    return frame.astype(dict.fromkeys(numbers, float))


# A prediction at 16:00.
TARGET = _scheduled("18:00")


def _features(target: Row, *events: Row) -> pd.Series[Any]:
    return features.build(_frame(target), _frame(target | {"event_id": "itself"}, *events)).iloc[0]


def _same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(left, right, check_exact=True)


@pytest.fixture(scope="module")
def events() -> pd.DataFrame:
    return training_data.from_package(*BLIZZARD).events


@pytest.fixture(scope="module")
def targets(events: pd.DataFrame) -> pd.DataFrame:
    return events[features.is_predicted_on(events)]


@pytest.fixture(scope="module")
def batch(targets: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    return features.build(targets, events)


@pytest.fixture(scope="module")
def sample(targets: pd.DataFrame) -> list[pd.DataFrame]:
    """Targets, each alone, late enough for older events to be there; the flight that left latest among them."""
    late = targets[targets["event_time"] > targets["event_time"].min() + features.LOOKBACK + pd.Timedelta(hours=6)]
    chosen = [late["departure_delay_minutes"].idxmax(), *late.sample(24, random_state=5).index]
    return [late.loc[[row]] for row in chosen]


def test_nothing_at_or_after_the_event_changes_its_features(
    events: pd.DataFrame, batch: pd.DataFrame, sample: list[pd.DataFrame]
) -> None:
    for target in sample:
        earlier = events[events["event_time"] < target["event_time"].iloc[0]]
        _same(features.build(target, earlier), batch.loc[target.index])


def test_events_older_than_the_lookback_change_nothing(
    events: pd.DataFrame, batch: pd.DataFrame, sample: list[pd.DataFrame]
) -> None:
    for target in sample:
        recent = events[events["event_time"] >= target["event_time"].iloc[0] - features.LOOKBACK]
        assert len(recent) < len(events)
        _same(features.build(target, recent), batch.loc[target.index])


def test_a_target_alone_has_the_features_that_it_has_among_thousands(
    events: pd.DataFrame, batch: pd.DataFrame, sample: list[pd.DataFrame]
) -> None:
    assert len(batch) > 5000
    for target in sample[:12]:
        _same(features.build(target, events), batch.loc[target.index])


def test_neither_order_nor_repetition_of_events_matters(
    events: pd.DataFrame, targets: pd.DataFrame, batch: pd.DataFrame
) -> None:
    for seed in range(3):
        repeated = pd.concat([events, events.sample(frac=0.3, random_state=seed)])
        shuffled = repeated.sample(frac=1, random_state=seed)
        _same(features.build(targets, shuffled), batch)


def test_the_order_of_the_targets_is_that_of_the_rows(
    events: pd.DataFrame, targets: pd.DataFrame, batch: pd.DataFrame
) -> None:
    shuffled = targets.sample(frac=1, random_state=1)
    _same(features.build(shuffled, events), batch.loc[shuffled.index])


def test_the_inputs_are_left_as_they_are(events: pd.DataFrame, targets: pd.DataFrame) -> None:
    few, copy, known = targets.iloc[:50].copy(), targets.iloc[:50].copy(), events.copy()
    features.build(few, events)
    _same(few, copy)
    _same(events, known)


def _window(
    events: pd.DataFrame, target: pd.Series[Any], kind: str, shared: tuple[str, ...], minutes: int
) -> pd.DataFrame:
    end = target["event_time"]
    is_inside = events["event_time"].between(end - pd.Timedelta(minutes=minutes), end, inclusive="left")
    is_inside &= events["event_type"] == kind
    for name in shared:
        is_inside &= events[name] == target[name]
    return events[is_inside]


def test_windows_agree_with_a_search_through_all_events(
    events: pd.DataFrame, batch: pd.DataFrame, sample: list[pd.DataFrame]
) -> None:
    chosen = pd.concat(sample[:15])
    for (_, target), (_, made) in zip(chosen.iterrows(), batch.loc[chosen.index].iterrows(), strict=True):
        expected: dict[str, float] = {}
        for name, window in DEPARTURE_WINDOWS.items():
            rows = _window(events, target, *window)
            expected[f"departures_{name}"] = len(rows)
            expected[f"departure_delay_{name}"] = rows["departure_delay_minutes"].clip(-30, 240).mean()
        for name, window in ARRIVAL_WINDOWS.items():
            delays = _window(events, target, *window)["arrival_delay_minutes"]
            expected[f"arrival_delay_{name}"] = delays.clip(-30, 240).mean()
        for name, window in CANCELLATION_WINDOWS.items():
            expected[f"cancellations_{name}"] = len(_window(events, target, *window))
        assert set(expected) == {*COUNTS, *MEANS}
        assert made[list(expected)].to_dict() == pytest.approx(expected, rel=1e-6, nan_ok=True)


def test_the_blizzard_shows_in_the_features(batch: pd.DataFrame) -> None:
    assert batch["cancellations_origin_4h"].max() > 50
    assert batch["departure_delay_origin_2h"].max() > 60
    assert batch["aircraft_last_delay"].notna().mean() > 0.3


def test_departures_of_a_window_are_counted_and_averaged() -> None:
    made = _features(
        TARGET,
        _departed("15:30", 10),
        _departed("15:59", 20),
        _departed("15:29", 90, airline="B6", destination="BOS"),
        _departed("15:40", 60, origin="JFK"),
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
    made = _features(TARGET, _departed(at, 33))
    assert made["departures_origin_30min"] == count
    assert made["departure_delay_origin_30min"] == (33 if count else pytest.approx(np.nan, nan_ok=True))


@pytest.mark.parametrize("prefix", ["departures_", "arrival_delay_", "cancellations_"])
def test_each_window_is_as_long_as_its_name_says(prefix: str) -> None:
    windows = {"departures_": DEPARTURE_WINDOWS, "arrival_delay_": ARRIVAL_WINDOWS}.get(prefix, CANCELLATION_WINDOWS)
    for name, (kind, _, minutes) in windows.items():
        first = TARGET["event_time"] - pd.Timedelta(minutes=minutes)
        for moment, is_inside in ((first, True), (first - pd.Timedelta(minutes=1), False)):
            row = _event(kind, "00:00", departure_delay_minutes=7.0, arrival_delay_minutes=7.0)
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
    target = TARGET | {"event_time": _at(predicted_at)}
    assert _features(target, _departed(at, 5))["departures_origin_30min"] == count


def test_an_event_of_the_same_minute_counts_for_nothing() -> None:
    target = _departed("18:05", 5, tail_number="N1")
    made = _features(
        target,
        _departed("18:05", 50, tail_number="N1"),
        _arrived("18:05", 50, tail_number="N1"),
        _event("cancelled", "18:05"),
    )
    assert (made[COUNTS] == 0).all()
    assert made[[*MEANS, *AIRCRAFT]].isna().all()


def test_a_departure_without_a_delay_is_no_part_of_a_mean() -> None:
    made = _features(TARGET, _departed("15:50", np.nan), _departed("15:51", 8))
    assert made["departure_delay_origin_30min"] == 8


def test_extreme_delays_are_limited_in_what_others_see() -> None:
    made = _features(
        TARGET | {"tail_number": "N1"}, _departed("15:40", 1301, tail_number="N1"), _departed("15:50", -43)
    )
    assert made["departure_delay_origin_30min"] == (240 - 30) / 2
    assert made["aircraft_last_delay"] == 240


def test_arrivals_are_averaged_by_what_they_share() -> None:
    made = _features(
        TARGET,
        _arrived("15:00", 10),
        _arrived("15:10", -20, airline="B6"),
        _arrived("15:20", 40, origin="JFK", destination="BOS"),
        _arrived("12:30", 60),
    )
    assert made["arrival_delay_airline_3h"] == 25
    assert made["arrival_delay_destination_4h"] == pytest.approx(50 / 3)
    assert made["arrival_delay_origin_3h"] == -5
    assert made["arrival_delay_all_3h"] == 10


def test_cancellations_are_counted() -> None:
    made = _features(
        TARGET,
        _event("cancelled", "15:00"),
        _event("cancelled", "11:00"),
        _event("cancelled", "15:30", origin="JFK"),
        _event("cancelled", "05:00", airline="B6"),
    )
    assert made[["cancellations_origin_4h", "cancellations_airline_6h", "cancellations_all_12h"]].tolist() == [1, 3, 4]


def test_the_queue_is_the_timetable_of_the_hour_before_at_the_origin() -> None:
    others = [_scheduled(at) for at in ("16:59", "17:00", "17:30", "17:59", "18:00", "18:01")]
    assert _features(TARGET, *others, _scheduled("17:30", origin="JFK"))["origin_queue"] == 3
    assert _features(_departed("18:40", 40), *others)["origin_queue"] == 3


def test_the_queue_of_a_flight_that_left_very_early_knows_nothing_later() -> None:
    assert _features(_departed("15:30", -150), _scheduled("17:45"))["origin_queue"] == 0


def test_an_aircraft_that_has_arrived_is_free_from_then_on() -> None:
    made = _features(TARGET | {"tail_number": "N1"}, _arrived("15:20", 20, tail_number="N1"))
    assert made[AIRCRAFT].tolist() == [20, 40, 160]


def test_an_aircraft_in_the_air_lands_as_late_as_it_left() -> None:
    flying = _departed("15:10", 10, tail_number="N1", scheduled_arrival=_at("17:00"))
    made = _features(TARGET | {"tail_number": "N1"}, flying)
    assert made[AIRCRAFT].tolist() == [10, 50, 50]


def test_the_last_that_was_heard_of_the_aircraft_counts() -> None:
    target = TARGET | {"tail_number": "N1"}
    rows = [
        _departed("10:05", 5, tail_number="N1"),
        _arrived("12:00", -10, tail_number="N1"),
        _departed("13:30", 30, tail_number="N1", scheduled_arrival=_at("16:30")),
        _arrived("15:59", 77, tail_number="N2"),
        _arrived("17:00", 0, tail_number="N1"),
    ]
    assert _features(target, *rows)[AIRCRAFT].tolist() == [30, 150, 60]
    assert _features(target, *reversed(rows))[AIRCRAFT].tolist() == [30, 150, 60]


def test_two_events_of_an_aircraft_in_one_minute_count_alike_in_any_order() -> None:
    target = _frame(TARGET | {"tail_number": "N710TW"})
    both = _frame(_arrived("15:04", -20, tail_number="N710TW"), _arrived("15:04", 64, tail_number="N710TW"))
    _same(features.build(target, both), features.build(target, both[::-1]))


@pytest.mark.parametrize(("at", "age"), [("2013-03-05T16:00", 1440), ("2013-03-05T15:59", np.nan)])
def test_an_aircraft_not_heard_of_for_a_day_is_unknown(at: str, age: float) -> None:
    made = _features(TARGET | {"tail_number": "N1"}, _arrived(at, 0, tail_number="N1"))
    assert made["aircraft_last_age_minutes"] == pytest.approx(age, nan_ok=True)


@pytest.mark.parametrize("nothing", [None, np.nan])
def test_flights_without_a_registration_are_not_one_aircraft(nothing: object) -> None:
    target = TARGET | {"tail_number": nothing}
    made = _features(target, _arrived("15:20", 20, tail_number=nothing), _departed("15:30", 7, tail_number="N1"))
    assert made[[*AIRCRAFT, "aircraft_year", "aircraft_seats", "aircraft_engines"]].isna().all()
    assert made["departures_origin_30min"] == 1


def test_the_register_tells_of_the_aircraft() -> None:
    known = next(row for row in reference.aircraft() if row.year_manufactured)
    unbuilt = next(row for row in reference.aircraft() if not row.year_manufactured)
    rows = [TARGET | {"tail_number": tail} for tail in (known.tail_number, "N0NE", unbuilt.tail_number)]
    made = features.build(_frame(*rows), _frame(TARGET))
    assert made["aircraft_seats"].tolist()[0::2] == [known.seats, unbuilt.seats]
    assert made["aircraft_engines"].tolist()[0::2] == [known.engines, unbuilt.engines]
    assert made["aircraft_year"].iloc[0] == known.year_manufactured
    assert made["aircraft_year"].isna().tolist() == [False, True, True]
    assert made["aircraft_seats"].isna().tolist() == [False, True, False]


def test_an_airline_and_airports_never_seen_before_have_no_past() -> None:
    stranger = TARGET | {"airline": "ZZ", "origin": "XQX", "destination": "QXQ"}
    made = _features(stranger, _departed("15:50", 12), _event("cancelled", "15:50"))
    assert made[list(features.CATEGORIES)].tolist() == ["ZZ", "XQX", "QXQ"]
    of_all = [name for name in COUNTS if "_all_" in name]
    assert (made[of_all] == 1).all()
    assert (made[[name for name in COUNTS if name not in of_all]] == 0).all()
    assert made[[name for name in MEANS if "_all_" not in name]].isna().all()
    assert made["departure_delay_all_1h"] == 12
    assert made[list(features.CALENDAR)].isna().all()
    assert made["scheduled_block_minutes"] == 240


def test_without_events_nothing_is_known_of_the_state() -> None:
    made = features.build(_frame(TARGET), _frame(TARGET).iloc[:0]).iloc[0]
    assert (made[[*COUNTS, "origin_queue"]] == 0).all()
    assert made[[*MEANS, *AIRCRAFT]].isna().all()


def test_events_of_other_kinds_only_are_enough() -> None:
    made = features.build(_frame(TARGET | {"tail_number": "N1"}), _frame(TARGET)).iloc[0]
    assert (made[[*COUNTS, "origin_queue"]] == 0).all()
    assert made[[*MEANS, *AIRCRAFT]].isna().all()


def test_without_targets_there_are_the_columns_only(events: pd.DataFrame) -> None:
    made = features.build(_frame(TARGET).iloc[:0], events)
    assert list(made.columns) == list(features.FEATURES)
    assert made.empty


def test_the_delay_at_departure_is_the_flight_s_own_and_known_once_it_has_left() -> None:
    rows = [
        _departed("18:25", 25),
        _event("departed", "18:31"),
        _departed("2013-03-07T15:41", 1301),
        TARGET | {"departure_delay_minutes": 9.0},
    ]
    made = features.build(_frame(*rows), _frame(TARGET))["departure_delay_minutes"]
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
    made = _features(_scheduled(departure, origin=origin, scheduled_arrival=_at(departure) + pd.Timedelta(hours=3)))
    assert tuple(made[["month", "day_of_week", "scheduled_departure_minute"]]) == expected


def test_the_arrival_is_local_to_the_destination() -> None:
    rows = [
        _scheduled("18:00", destination="LAX", scheduled_arrival=_at("2013-03-07T00:10")),
        _scheduled("18:00", destination="BOS", scheduled_arrival=_at("19:10")),
        _scheduled("18:00", destination="SJU", scheduled_arrival=_at("22:00")),
        _scheduled("2013-03-10T06:30", destination="BOS", scheduled_arrival=_at("2013-03-10T07:40")),
    ]
    made = features.build(_frame(*rows).set_axis([7, 3, 9, 1]), _frame(TARGET))
    assert made["scheduled_arrival_minute"].to_dict() == {7: 16 * 60 + 10, 3: 14 * 60 + 10, 9: 18 * 60, 1: 3 * 60 + 40}
    assert made["scheduled_block_minutes"].tolist() == [370, 70, 240, 70]


@pytest.mark.parametrize("index", [[30, 10, 20], ["c", "a", "b"]])
def test_rows_and_columns_are_those_of_the_contract(index: list[Any]) -> None:
    rows = _frame(TARGET, _departed("18:25", 25), TARGET).set_axis(index)
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
    made = features.is_predicted_on(_frame(*(_event(kind, "16:00") for kind in kinds)))
    assert made.tolist() == [True, True, False, False, False]


HAPPENING = st.builds(
    lambda kind, minute, second, delay, tail, origin, airline: _event(
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
    target = _frame(TARGET | {"tail_number": "N1"})
    known = _frame(TARGET, *rows)
    is_earlier = known["event_time"] < target["event_time"].iloc[0]
    _same(features.build(target, known), features.build(target, known[is_earlier | (known.index == 0)]))
