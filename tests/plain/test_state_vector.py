"""The contract of state vectors: real rows with their oddities, and made ones for what no recording holds."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from events import state_rows
from events.state_rows import Parsed
from events.state_vector import CONTRACT, FLAGS, REASONS, StateVector
from skytier.settings.base import PROJECT_ROOT
from tests.state_rows import Row, made, recorded

pytestmark = pytest.mark.plain

SCHEMA = json.loads((PROJECT_ROOT / "docs" / "state_vector.schema.json").read_text())
ACCEPTS = Draft202012Validator(SCHEMA).is_valid
NOW = 1_633_600_002
RECEIVED = NOW + 0.4


def parse(row: object, answer_time: int = NOW, received: float = RECEIVED) -> Parsed:
    return state_rows.parse(row, answer_time, received, "opensky")


def event(row: object, answer_time: int = NOW, received: float = RECEIVED) -> dict[str, Any]:
    parsed = parse(row, answer_time, received)
    assert parsed.event is not None, parsed.reasons
    assert parsed.reasons == ()
    assert ACCEPTS(parsed.event)
    return parsed.event


def seen(row: Row) -> dict[str, Any]:
    """The event of a recorded row in an answer of its own second."""
    return event(row, row[4], row[4])


def flags(row: Row) -> list[str]:
    found: list[str] = seen(row)["quality_flags"]
    return found


# ---------------------------------------------------------------- real rows


def test_an_aircraft_on_the_ground_at_72500_feet() -> None:
    before, first, second, last = [seen(row) for row in recorded("ground_at_72500_ft")]
    for odd in (first, second, last):
        assert odd["quality_flags"] == ["altitude_implausible", "on_ground_aloft"]
        assert odd["baro_altitude_m"] == pytest.approx(22_098)
    assert before["quality_flags"] == ["altitude_missing"]
    assert (first["time_position"], last["time_position"]) == ("2021-10-07T13:30:01Z", "2021-10-07T13:35:00Z")


def test_an_altitude_of_123100_feet_in_one_row() -> None:
    before, odd, after = [seen(row) for row in recorded("altitude_123100_ft")]
    assert odd["quality_flags"] == ["altitude_implausible", "on_ground_aloft"]
    assert odd["baro_altitude_m"] == pytest.approx(37_520.88)
    assert (odd["icao24"], odd["callsign"], odd["squawk"]) == ("3946ea", "AFR54PU", "0664")
    assert before["quality_flags"] == after["quality_flags"] == []


def test_an_aircraft_on_the_ground_at_29750_feet() -> None:
    assert {tuple(flags(row)) for row in recorded("ground_at_29750_ft")} == {("on_ground_aloft",)}


def test_on_ground_that_changes_18_times_is_kept_as_it_came() -> None:
    events = [seen(row) for row in recorded("ground_flaps")]
    states = [one["on_ground"] for one in events]
    assert sum(a != b for a, b in pairwise(states)) == 18
    assert len({one["event_id"] for one in events}) == len(events)


def test_a_callsign_that_changes_on_the_stand() -> None:
    events = [seen(row) for row in recorded("two_callsigns")]
    assert [one["callsign"] for one in events] == ["VLG8030", "VLG8030", "VLG8031", "VLG8031"]
    assert {one["icao24"] for one in events} == {"345359"}
    assert [one["velocity_mps"] is None for one in events] == [False, False, True, True]


def test_a_position_that_is_1085_seconds_old() -> None:
    (odd,) = [seen(row) for row in recorded("spoofed")]
    assert odd["quality_flags"] == ["position_stale"]
    assert odd["event_id"] == "4baac6:1726563978"
    assert (odd["time_position"], odd["last_contact"]) == ("2024-09-17T09:06:18Z", "2024-09-17T09:24:24Z")


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("negative_altitude", ["altitude_negative"]),
        ("ground_without_speed", ["altitude_missing", "speed_missing"]),
        ("altitudes_far_apart", ["altitudes_disagree"]),
        ("vertical_rate_over_20000_ft_min", ["altitude_missing", "vertical_rate_implausible"]),
    ],
)
def test_what_else_recordings_hold(case: str, expected: list[str]) -> None:
    assert [flags(row) for row in recorded(case)] == [expected] * len(recorded(case))


# ---------------------------------------------------------------- values


def test_a_row_becomes_an_event_in_the_units_of_the_api() -> None:
    assert event(made()) == {
        "event_id": "3c6444:1633600000",
        "icao24": "3c6444",
        "callsign": "DLH9LF",
        "origin_country": "Germany",
        "time_position": "2021-10-07T09:46:40Z",
        "last_contact": "2021-10-07T09:46:41Z",
        "latitude_deg": 50.1964,
        "longitude_deg": 6.1546,
        "baro_altitude_m": 9_639.3,
        "geo_altitude_m": 9_547.86,
        "on_ground": False,
        "velocity_mps": 232.88,
        "true_track_deg": 98.26,
        "vertical_rate_mps": 4.55,
        "squawk": "1000",
        "spi": False,
        "position_source": "ads_b",
        "category": "large",
        "sensors": None,
        "answer_time": "2021-10-07T09:46:42Z",
        "quality_flags": [],
        "source": "opensky",
        "schema_version": 1,
    }


def test_rows_have_17_or_18_values() -> None:
    assert event(made()[:17]) == event(made()) | {"category": None}
    for row in (made()[:16], [*made(), None], [], None, "row", {"icao24": "3c6444"}):
        assert parse(row) == Parsed(None, ("not_a_state",))


@pytest.mark.parametrize(
    ("given", "callsign", "raised"),
    [
        ("DLH9LF  ", "DLH9LF", []),
        ("        ", None, ["callsign_missing"]),
        ("", None, ["callsign_missing"]),
        (None, None, ["callsign_missing"]),
        ("DLH 9LF", None, ["dropped:callsign", "callsign_missing"]),
        ("DLH9LF\n", "DLH9LF", []),
        (17, None, ["dropped:callsign", "callsign_missing"]),
    ],
)
def test_callsigns(given: object, callsign: str | None, raised: list[str]) -> None:
    found = event(made(callsign=given))
    assert (found["callsign"], found["quality_flags"]) == (callsign, raised)


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"icao24": None}, ("missing:icao24",)),
        ({"icao24": 396_444}, ("wrong_type:icao24",)),
        ({"icao24": "3c64"}, ("wrong_format:icao24",)),
        ({"icao24": "000000"}, ("unassigned_address:icao24",)),
        ({"icao24": "FFFFFF"}, ("unassigned_address:icao24",)),
        ({"time_position": None}, ("missing:time_position",)),
        ({"time_position": "1633600000"}, ("wrong_type:time_position",)),
        ({"time_position": True}, ("wrong_type:time_position",)),
        ({"time_position": 1_633_600_000.5}, ("wrong_type:time_position",)),
        ({"time_position": 10**30}, ("wrong_type:time_position",)),
        ({"time_position": 0}, ("out_of_range:time_position",)),
        ({"last_contact": None}, ("missing:last_contact",)),
        ({"latitude": None, "longitude": None}, ("missing:longitude_deg", "missing:latitude_deg")),
        ({"latitude": 90.01}, ("out_of_range:latitude_deg",)),
        ({"longitude": -180.01}, ("out_of_range:longitude_deg",)),
        ({"longitude": float("nan")}, ("wrong_type:longitude_deg",)),
        ({"on_ground": None}, ("missing:on_ground",)),
        ({"on_ground": 0}, ("wrong_type:on_ground",)),
    ],
)
def test_what_makes_a_row_useless(changes: dict[str, Any], reasons: tuple[str, ...]) -> None:
    assert parse(made(**changes)) == Parsed(None, reasons)


def test_an_altitude_without_a_position_is_none() -> None:
    """As the network answers while it still hears of an aircraft, and not where it is."""
    row = made(time_position=None, latitude=None, longitude=None)
    assert parse(row).reasons == ("missing:time_position", "missing:longitude_deg", "missing:latitude_deg")


def test_times_may_be_a_minute_ahead_of_who_received_them() -> None:
    latest = int(RECEIVED + 60)
    assert event(made(time_position=latest, last_contact=latest))["quality_flags"] == []
    too_late = parse(made(time_position=latest + 1, last_contact=latest + 1))
    assert too_late == Parsed(None, ("in_the_future:time_position", "in_the_future:last_contact"))
    a_year_ahead = NOW + 365 * 86_400
    assert parse(made(time_position=a_year_ahead)).reasons == ("in_the_future:time_position",)
    assert parse(made(last_contact=a_year_ahead)).reasons == ("in_the_future:last_contact",)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"origin_country": ""}, ["country_missing"]),
        ({"origin_country": None}, ["country_missing"]),
        ({"baro_altitude": None}, []),
        ({"baro_altitude": None, "geo_altitude": None}, ["altitude_missing"]),
        ({"velocity": None}, ["speed_missing"]),
        ({"velocity": 401.0}, ["speed_implausible"]),
        ({"velocity": 5_000.0}, ["dropped:velocity_mps", "speed_missing"]),
        ({"baro_altitude": 50_000}, ["dropped:baro_altitude_m"]),
        ({"baro_altitude": "high"}, ["dropped:baro_altitude_m"]),
        ({"geo_altitude": 9_639.3 + 1_500.1}, ["altitudes_disagree"]),
        ({"vertical_rate": -50.9}, ["vertical_rate_implausible"]),
        ({"vertical_rate": 200}, ["dropped:vertical_rate_mps"]),
        ({"true_track": 361}, ["dropped:true_track_deg"]),
        ({"squawk": "7800"}, ["dropped:squawk"]),
        ({"squawk": 1000}, ["dropped:squawk"]),
        ({"squawk": ""}, []),
        ({"spi": None}, []),
        ({"position_source": 4}, ["dropped:position_source"]),
        ({"position_source": True}, ["dropped:position_source"]),
        ({"category": 21}, ["dropped:category"]),
        ({"category": 17}, ["surface_vehicle"]),
        ({"sensors": [1, 2]}, []),
        ({"sensors": [1, "2"]}, ["dropped:sensors"]),
        ({"time_position": 1_633_600_002}, ["position_after_contact"]),
        ({"time_position": 1_633_599_985}, ["position_stale"]),
        ({"time_position": 1_633_599_986}, []),
    ],
)
def test_what_is_odd_and_kept(changes: dict[str, Any], expected: list[str]) -> None:
    assert event(made(**changes))["quality_flags"] == expected


def test_a_vector_that_is_kept_after_its_aircraft_was_lost() -> None:
    contact = made()[4]
    assert "contact_lost" not in event(made(), contact + 15)["quality_flags"]
    assert event(made(), contact + 300, contact + 300)["quality_flags"] == ["contact_lost"]


def test_sources_and_categories_have_the_numbers_of_the_api() -> None:
    assert [event(made(position_source=n))["position_source"] for n in range(4)] == [
        "ads_b",
        "asterix",
        "mlat",
        "flarm",
    ]
    names = [event(made(category=n))["category"] for n in range(21)]
    assert (names[0], names[6], names[8], names[9], names[14], names[20]) == (
        *("none", "heavy", "rotorcraft", "glider", "uav", "line_obstacle"),
    )
    assert len(set(names)) == 21


# ---------------------------------------------------------------- the contract

_ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10), st.lists(st.integers(), max_size=2)
)


@given(st.dictionaries(st.sampled_from(range(18)), _ANYTHING, max_size=4))
def test_whatever_comes_is_an_event_of_the_contract_or_has_a_reason(changes: dict[int, Any]) -> None:
    row = made()
    for index, value in changes.items():
        row[index] = value
    found, reasons = parse(row)
    assert (found is None) == bool(reasons)
    assert {reason.partition(":")[0] for reason in reasons} <= {reason.partition(":")[0] for reason in REASONS}
    if found is not None:
        assert ACCEPTS(found)
        assert StateVector.model_validate_json(orjson.dumps(found)).event_id == found["event_id"]
        raised = {flag.partition(":")[0] for flag in found["quality_flags"]}
        assert raised <= {flag.partition(":")[0] for flag in FLAGS}


def test_every_flag_and_reason_is_raised_by_one_of_these_tests() -> None:
    text = Path(__file__).read_text()
    assert [name for name in {**FLAGS, **REASONS} if f'"{name.partition("<")[0]}' not in text] == []


def test_the_schema_is_that_of_published_events_only() -> None:
    assert ACCEPTS(event(made()))
    for field, value in {
        "icao24": "3C6444", "velocity_mps": "232.88", "on_ground": "false", "time_position": 1_633_600_000,
        "squawk": "7800", "position_source": 0, "latitude_deg": 91, "quality_flags": None,
    }.items():  # fmt: skip
        assert not ACCEPTS(event(made()) | {field: value}), field


def test_spark_knows_every_type_of_it() -> None:
    types = {field.name: field.dataType.simpleString() for field in CONTRACT.spark_schema()}
    assert types == {field.name: field.type for field in CONTRACT.fields()}
    assert (types["on_ground"], types["sensors"], types["quality_flags"]) == ("boolean", "array<int>", "array<string>")
