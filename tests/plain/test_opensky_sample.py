"""The sample: recorded trajectories, replayed; compared with the recording as plain Python reads it."""

from __future__ import annotations

import gzip
import zipfile
from collections import defaultdict
from functools import cache
from math import asin, cos, radians, sin, sqrt
from pathlib import Path
from typing import Any

import orjson
import pytest

from events import state_rows
from opensky.areas import Box
from opensky.client import Client
from opensky.sample import trajectories
from opensky.sample.replay import SYNTHETIC, Replay
from opensky.sample.server import Api, served, settings_of
from skytier.errors import TerminalError
from skytier.settings.opensky import OpenSkySettings

pytestmark = pytest.mark.plain

PERIOD = 10_800
BEGIN = 1_633_608_001  # 2021-10-07 12:00:01, the recording's first row
CYCLE = 166_300  # an even one, some day of 2026
EPOCH = CYCLE * PERIOD
Row = list[Any]


@cache
def loaded() -> trajectories.Trajectories:
    return trajectories.load(trajectories.FETCHED)


@cache
def recording() -> dict[str, list[dict[str, Any]]]:
    """Rows by address, sorted by time."""
    with zipfile.ZipFile(trajectories.FETCHED) as wheel:
        rows = orjson.loads(gzip.decompress(wheel.read("traffic/data/samples/collections/quickstart.json.gz")))
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row["timestamp"]):
        found[row["icao24"]].append(row)
    return found


def second(row: dict[str, Any]) -> int:
    return int(row["timestamp"]) // 1000 - BEGIN


def is_repeated(row: dict[str, Any], before: dict[str, Any]) -> bool:
    is_same = (row["latitude"], row["longitude"]) == (before["latitude"], before["longitude"])
    return is_same and row["groundspeed"] is not None and row["groundspeed"] > 0.5 * 3600 / 1852


def expected(at: int) -> dict[str, tuple[int, int, float, float, float | None]]:
    """By address: last contact, time of position, longitude, latitude, altitude in feet, in the recording's time."""
    found = {}
    for address, rows in recording().items():
        past = [row for row in rows if second(row) <= at]
        if past and at - second(past[-1]) <= 15:
            last = len(past) - 1
            first = last
            while first and is_repeated(past[first], past[first - 1]):
                first -= 1
            row = past[last]
            found[address] = second(row), second(past[first]), row["longitude"], row["latitude"], row["altitude"]
    return found


@pytest.mark.parametrize("at", [0, 1, 900, 5_461, 7_300, 10_798])
def test_an_answer_has_the_aircraft_of_the_recording_where_they_were(at: int) -> None:
    rows = Replay(loaded()).states(EPOCH + at)
    truth = expected(at)
    assert [row[0] for row in rows] == sorted(truth)
    for row in rows:
        contact, position, longitude, latitude, feet = truth[row[0]]
        assert row[4] == EPOCH + contact
        if at - position > 15:
            assert (row[3], row[5], row[6]) == (None, None, None)
        else:
            assert row[3] == EPOCH + position
            assert (row[5], row[6]) == (round(longitude, 4), round(latitude, 4))
        assert row[7] == (None if feet is None else pytest.approx(feet * 0.3048, abs=0.006))


def test_the_rows_are_the_networks() -> None:
    for moment in range(EPOCH, EPOCH + PERIOD, 600):
        for row in Replay(loaded()).states(moment):
            parsed = state_rows.parse(row, moment, moment + 0.2, "sample")
            position_is_old = {"missing:time_position", "missing:longitude_deg", "missing:latitude_deg"}
            assert set(parsed.reasons) in (set(), position_is_old)
            assert len(row) == 18
            flags = parsed.event["quality_flags"] if parsed.event else []
            assert not [flag for flag in flags if flag.startswith("dropped:")]
        assert {len(row) for row in Replay(loaded()).states(moment, has_category=False)} == {17}


def test_the_row_at_123100_feet_is_replayed() -> None:
    at = 1_633_615_848 - BEGIN
    (row,) = [row for row in Replay(loaded()).states(EPOCH + at) if row[0] == "3946ea"]
    event = state_rows.parse(row, EPOCH + at, EPOCH + at, "sample").event
    assert event is not None
    assert event["quality_flags"] == ["altitude_implausible", "on_ground_aloft"]
    assert (event["origin_country"], event["callsign"], event["squawk"]) == ("France", "AFR54PU", "0664")


def test_it_goes_on_after_a_restart_as_if_there_had_been_none() -> None:
    moments = range(EPOCH, EPOCH + 3_600, 900)
    first, again = Replay(loaded(), 100), Replay(loaded(), 100)
    assert [first.states(moment) for moment in moments] == [again.states(moment) for moment in moments]


def test_nobody_is_elsewhere_within_half_an_hour_after_the_recording_begins_again() -> None:
    replay, last = Replay(loaded()), {row[0] for row in Replay(loaded()).states(EPOCH + PERIOD - 1)}
    seen: dict[str, int] = {}
    for moment in range(EPOCH + PERIOD - 1_800, EPOCH + PERIOD):
        seen |= {row[0]: moment for row in replay.states(moment)}
    assert last <= seen.keys()
    for moment in range(EPOCH + PERIOD, EPOCH + PERIOD + 1_800, 5):
        for row in replay.states(moment):
            assert moment - seen.get(row[0], 0) >= 1_800, row


def metres(a: Row, b: Row) -> float:
    la, lb = radians(a[6]), radians(b[6])
    half = sin((lb - la) / 2) ** 2 + cos(la) * cos(lb) * sin(radians(b[5] - a[5]) / 2) ** 2
    return 2 * 6_371_000 * asin(sqrt(half))


def test_copies_are_labelled_and_fly_as_their_originals() -> None:
    replay = Replay(loaded(), 300)
    counts = [len(replay.states(moment)) for moment in range(EPOCH, EPOCH + PERIOD, 600)]
    assert sum(counts) / len(counts) == pytest.approx(300, rel=0.05)
    rows = replay.states(EPOCH + 900)
    originals = [row for row in rows if row[0] in recording()]
    copies = [row for row in rows if row[0] not in recording()]
    assert originals == Replay(loaded()).states(EPOCH + 900)
    assert {row[2] for row in copies} == {SYNTHETIC}
    assert all(row[0].startswith("b") and row[1].startswith("SYN") for row in copies)
    assert len({row[0] for row in rows}) == len(rows)
    assert SYNTHETIC not in {row[2] for row in originals}
    assert {row[6] > 0 for row in copies if row[6] is not None} == {True, False}
    later = {row[0]: row for row in replay.states(EPOCH + 910)}
    pairs = [(row, later[row[0]]) for row in copies if row[3] and row[0] in later and later[row[0]][3]]
    straight = [(a, b) for a, b in pairs if a[9] and b[9] and a[9] > 100 and a[3] + 10 == b[3]]
    assert len(straight) > 50
    off = [abs(metres(a, b) / 10 - a[9]) / a[9] for a, b in straight]
    assert sorted(off)[len(off) // 2] < 0.05, "they move at the speed that they send"


def test_few_aircraft_are_a_part_of_the_recording() -> None:
    rows = Replay(loaded(), 5).states(EPOCH + 900)
    assert len(rows) < 20
    assert {row[0] for row in rows} <= recording().keys()


def test_a_box_holds_those_within() -> None:
    replay, box = Replay(loaded(), 500), Box(48.5, 2.0, 49.0, 3.0)
    everywhere = replay.states(EPOCH + 900)
    within = [row for row in everywhere if row[6] and 48.5 <= row[6] <= 49 and 2 <= row[5] <= 3]
    assert within
    assert replay.states(EPOCH + 900, box) == within


def test_the_client_polls_the_sample() -> None:
    api = Api(Replay(loaded(), 200), credits_a_day=100, clock=lambda: EPOCH + 907.4)
    with served(api.app()) as url:
        client = Client(settings_of(api, url, OpenSkySettings(), 100), is_on_this_machine=True)
        answer = client.states(None)
        client.close()
    found = orjson.loads(answer.content)
    assert found == {"time": EPOCH + 905, "states": Replay(loaded(), 200).states(EPOCH + 905)}
    assert answer.credits_remaining == 96


def test_trajectories_that_are_not_there_or_no_wheel(tmp_path: Path) -> None:
    with pytest.raises(TerminalError, match="'make install' fetches"):
        trajectories.load(tmp_path / "none.whl")
    other = tmp_path / "other.whl"
    other.write_bytes(b"PK")
    with pytest.raises(TerminalError, match="it has to be the wheel of traffic"):
        trajectories.load(other)
    with zipfile.ZipFile(other, "w") as wheel:
        wheel.writestr("traffic/__init__.py", "")
    with pytest.raises(TerminalError, match="SKYTIER_OPENSKY_TRAJECTORIES"):
        trajectories.load(other)
