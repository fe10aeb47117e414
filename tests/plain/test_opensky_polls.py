"""Polls go on whatever fails: client and server are real, HDFS and Kafka are lists that can refuse."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import orjson
import pytest

from opensky.answers import States
from opensky.areas import areas
from opensky.client import Client
from opensky.polls import Pace, Poller, Report
from skytier.errors import SkytierError, TerminalError, TransientError
from skytier.settings.opensky import OpenSkySettings
from tests.opensky_api import World, answers, world
from tests.state_rows import made

pytestmark = pytest.mark.plain


@dataclass
class Store:
    """Both ends of a poll, in memory; ``refusals`` are raised first, one a call."""

    kept: list[bytes] = field(default_factory=list)
    published: list[States] = field(default_factory=list)
    raw_refusals: list[SkytierError] = field(default_factory=list)
    refusals: list[SkytierError] = field(default_factory=list)

    def keep(self, content: bytes, _received: float, part: int) -> str:
        if self.raw_refusals:
            raise self.raw_refusals.pop(0)
        self.kept.append(content)
        return f"/opensky/raw/{part}"

    def publish(self, states: States) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        self.published.append(states)

    def addresses(self) -> list[list[str]]:
        return [[event["icao24"] for event in states.valid] for states in self.published]


def poller(found: World, store: Store, box: str = "", seconds: float = 0.05) -> Poller:
    wanted = areas(box)
    pace = Pace(found.settings, wanted)
    pace.seconds = seconds
    return Poller(found.client, wanted, pace, store, store, "sample")


def run(found: World, store: Store, polls: int, box: str = "") -> Report:
    return poller(found, store, box).run(threading.Event(), polls)


def test_each_answer_is_kept_as_it_came_and_its_rows_are_published() -> None:
    store = Store()
    with world() as found:
        found.replay.rows = [made(), made()[:17], made(icao24=None), made(latitude=91)]
        report = run(found, store, 3)
    assert [orjson.loads(content)["states"] for content in store.kept] == [found.replay.rows] * 3
    assert store.addresses() == [["3c6444", "3c6444"]] * 3
    assert [event["source"] for event in store.published[0].valid] == ["sample"] * 2
    assert report.as_dict() == {
        "polls": 3,
        "failed": 0,
        "valid": 6,
        "invalid": 6,
        "reasons": {"missing:icao24": 3, "out_of_range:latitude_deg": 3},
        "credits_remaining": 1_000_000 - 12,
    }


def test_a_poll_of_a_box_across_the_date_line_is_two_answers() -> None:
    store = Store()
    with world() as found:
        report = run(found, store, 1, "-20,170,0,-170")
    assert (len(store.kept), len(store.published)) == (2, 2)
    assert (report.polls, report.failed, report.valid, report.credits_remaining) == (1, 0, 2, 1_000_000 - 6)


@pytest.mark.parametrize("content", [b'{"time": 1633600002, "states": [["3c64', b"<html>", b'{"states": []}'])
def test_an_answer_that_is_none_is_kept_and_counted(content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    store = Store()
    with world() as found:
        found.faults.due.append(answers(200, content))
        report = run(found, store, 2)
    assert store.kept[0] == content
    assert (report.polls, report.failed, report.valid) == (2, 1, 1)
    assert "poll failed" in "".join(capsys.readouterr())


def test_hdfs_that_is_down_does_not_keep_states_from_kafka(capsys: pytest.CaptureFixture[str]) -> None:
    store = Store(raw_refusals=[TransientError("HDFS does not answer.")])
    with world() as found:
        report = run(found, store, 2)
    assert (len(store.kept), store.addresses()) == (1, [["3c6444"]] * 2)
    assert (report.failed, report.valid) == (1, 2)
    assert "HDFS does not answer." in "".join(capsys.readouterr())


def test_states_that_kafka_does_not_take_are_not_counted(capsys: pytest.CaptureFixture[str]) -> None:
    store = Store(refusals=[TransientError("Kafka does not answer.")])
    with world() as found:
        report = run(found, store, 2)
    assert (len(store.kept), len(store.published)) == (2, 1)
    assert (report.failed, report.valid) == (1, 1)
    said = "".join(capsys.readouterr())
    assert "Kafka does not answer." in said
    assert "/opensky/raw/0" in said, "where they are"


def test_a_server_that_is_down_for_a_while_costs_the_polls_of_that_while() -> None:
    store = Store()
    with world() as found:
        found.faults.due.extend([answers(503)] * 3)
        report = run(found, store, 3)
    assert (report.polls, report.failed, report.valid) == (3, 1, 2)


def test_the_first_poll_tells_of_a_wrong_setting_and_later_ones_go_on() -> None:
    with world() as found:
        found.faults.due.append(answers(404))
        with pytest.raises(TerminalError, match="SKYTIER_OPENSKY_URL"):
            run(found, Store(), 2)
        store = Store()
        polls = poller(found, store)
        polls.run(threading.Event(), 1)
        found.faults.due.append(answers(404))
        report = polls.run(threading.Event(), 3)
    assert (report.polls, report.failed, report.valid) == (3, 1, 2)


def test_no_poll_before_the_server_said_and_the_wait_ends_when_it_is_stopped(
    capsys: pytest.CaptureFixture[str],
) -> None:
    store, stop = Store(), threading.Event()
    with world() as found:
        found.faults.due.append(answers(429, b"", X_Rate_Limit_Retry_After_Seconds="600"))
        polls = poller(found, store)
        thread = threading.Thread(target=polls.run, args=(stop,))
        thread.start()
        deadline = time.monotonic() + 20
        while polls.report.failed == 0 and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.5)  # ten intervals
        assert (polls.report.polls, len(found.faults.seen)) == (1, 1)
        stop.set()
        thread.join(5)
        assert not thread.is_alive()
    assert "credits used up" in "".join(capsys.readouterr())


def test_after_a_limit_of_seconds_polls_go_on() -> None:
    store = Store()
    with world() as found:
        found.faults.due.append(answers(429, b"", X_Rate_Limit_Retry_After_Seconds="1"))
        began = time.time()
        report = run(found, store, 2)
        assert time.time() - began >= 1
    assert (report.failed, report.valid) == (1, 1)


def pace(**values: object) -> Pace:
    settings = OpenSkySettings().model_copy(update=values)
    return Pace(settings, areas(settings.box))


def test_it_polls_as_often_as_credits_allow_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert pace().seconds == pytest.approx(864)
    assert pace(daily_credits=4_000).seconds == pytest.approx(86.4)
    assert pace(daily_credits=23_040).seconds == pytest.approx(15)
    assert pace(daily_credits=4_000, box="45,5,50,10").seconds == pytest.approx(21.6)
    assert pace(daily_credits=1_000_000, interval_seconds=5.0).seconds == 10, "the resolution without a client"
    with world() as found:
        assert Pace(found.settings.model_copy(update={"interval_seconds": 5.0}), (None,)).seconds == 5
    capsys.readouterr()
    pace(daily_credits=4_000).log()
    said = "".join(capsys.readouterr())
    assert "credits allow fewer polls" in said
    assert "86.4" in said
    pace(daily_credits=1_000_000).log()
    assert "credits allow fewer polls" not in "".join(capsys.readouterr())


def test_a_client_closes_and_can_be_made_again() -> None:
    with world() as found:
        again = Client(found.settings, is_on_this_machine=True)
        assert again.states(None).content
        again.close()
