"""The client of the OpenSky Network against a server that speaks its API: tokens, limits, failures."""

from __future__ import annotations

import socket
import time

import orjson
import pytest
from pydantic import SecretStr

from opensky import answers as answers_of
from opensky.areas import Box, affordable_seconds, areas, credits_of
from opensky.client import Client, NotYetError
from skytier.errors import TerminalError, TransientError
from skytier.settings.opensky import OpenSkySettings
from tests.opensky_api import World, answers, cut_off, silence, trickles, world
from tests.state_rows import made

pytestmark = pytest.mark.plain

SWITZERLAND = Box(45.8, 5.9, 47.9, 10.5)


def rows(found: World, area: Box | None = None) -> list[object]:
    answer = found.client.states(area)
    states = answers_of.read(answer.content, made()[3] + 10, "sample")
    return [event["icao24"] for event in states.valid]


# ---------------------------------------------------------------- tokens


def test_a_client_asks_for_one_token_and_keeps_it() -> None:
    with world() as found:
        assert [rows(found) for _ in range(3)] == [["3c6444"]] * 3
        assert found.api.tokens_issued == 1
        assert found.faults.seen == [{"extended": "1"}] * 3


def test_a_token_is_replaced_a_minute_before_it_expires() -> None:
    with world() as found:
        found.client.states(None)
        found.pass_seconds(1_800 - 60 - 5)
        found.client.states(None)
        assert found.api.tokens_issued == 1
        found.pass_seconds(10)
        found.client.states(None)
        assert found.api.tokens_issued == 2


def test_a_token_that_expires_in_mid_run_is_replaced_and_no_poll_is_lost() -> None:
    with world() as found:
        found.client.states(None)
        found.api.revoke_tokens()
        assert rows(found) == ["3c6444"]
        assert (found.api.tokens_issued, len(found.faults.seen)) == (2, 3)


def test_a_server_that_refuses_every_token_is_asked_twice_a_poll() -> None:
    with world() as found:
        found.faults.due.extend([answers(401)] * 2)
        with pytest.raises(TransientError, match=r"refuses the token \(status 401\)"):
            found.client.states(None)
        assert (found.api.tokens_issued, len(found.faults.seen)) == (2, 2)
        assert rows(found) == ["3c6444"]


def test_a_wrong_secret_is_an_error_that_names_the_settings_and_not_the_secret() -> None:
    with world() as found:
        wrong = found.settings.model_copy(update={"client_secret": SecretStr("not-it")})
        client = Client(wrong, is_on_this_machine=True)
        with pytest.raises(TerminalError, match="SKYTIER_OPENSKY_CLIENT_SECRET") as error:
            client.states(None)
        client.close()
        assert "not-it" not in str(error.value)
        assert found.faults.seen == []


@pytest.mark.parametrize("content", [b"", b"[]", b'{"access_token": "secret-token"}', b"secret-token"])
def test_a_token_that_is_none(content: bytes) -> None:
    with world() as found:
        found.faults.due_for_tokens.append(answers(200, content))
        with pytest.raises(TransientError, match="something that is no token") as error:
            found.client.states(None)
        assert "secret-token" not in str(error.value)
        assert rows(found) == ["3c6444"]


def test_a_token_server_that_fails_is_asked_again_by_the_next_poll() -> None:
    with world() as found:
        found.faults.due_for_tokens.append(answers(503))
        with pytest.raises(TransientError, match=r"gives no token \(status 503\)"):
            found.client.states(None)
        assert rows(found) == ["3c6444"]


def test_a_token_server_that_is_away_is_named() -> None:
    with world() as found:
        client = Client(found.settings.model_copy(update={"token_url": "http://127.0.0.1:1/token"}))
        with pytest.raises(TransientError, match=r"http://127\.0\.0\.1:1/token cannot be reached"):
            client.states(None)
        client.close()
        assert found.faults.seen == []


def test_an_anonymous_client_asks_for_no_token() -> None:
    with world(is_client=False) as found:
        answer = found.client.states(None)
        assert (found.api.tokens_issued, answer.credits_remaining) == (0, 396)


@pytest.mark.parametrize(("given", "missing"), [("ID", "SECRET"), ("SECRET", "ID")])
def test_half_of_the_credentials_is_an_error(given: str, missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"SKYTIER_OPENSKY_CLIENT_{given}", "one")
    with pytest.raises(TerminalError, match=f"SKYTIER_OPENSKY_CLIENT_{missing} is not"):
        Client(OpenSkySettings())


# ---------------------------------------------------------------- limits


def test_used_up_credits_are_a_time_before_which_nobody_asks() -> None:
    with world(credits_a_day=8) as found:
        assert [found.client.states(None).credits_remaining for _ in range(2)] == [4, 0]
        with pytest.raises(NotYetError, match="credits are used up") as error:
            found.client.states(None)
        wait = error.value.not_before - found.clock()
        assert 86_300 < wait <= 86_401
        asked = len(found.faults.seen)
        for _ in range(3):
            with pytest.raises(NotYetError, match="is not to be asked before"):
                found.client.states(None)
        assert len(found.faults.seen) == asked
        found.pass_seconds(wait + 1)
        assert found.client.states(None).credits_remaining == 4


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"X_Rate_Limit_Retry_After_Seconds": "120"}, 120),
        ({"Retry_After": "30"}, 30),
        ({}, 60),
        ({"X_Rate_Limit_Retry_After_Seconds": "soon"}, 60),
        ({"X_Rate_Limit_Retry_After_Seconds": "nan"}, 60),
        ({"X_Rate_Limit_Retry_After_Seconds": "-5"}, 1),
        ({"X_Rate_Limit_Retry_After_Seconds": "1e9"}, 86_400),
    ],
)
def test_what_a_limit_says_about_when_to_come_back(headers: dict[str, str], wait: float) -> None:
    with world() as found:
        found.faults.due.append(answers(429, b"", **headers))
        began = time.monotonic()
        with pytest.raises(NotYetError) as error:
            found.client.states(None)
        assert error.value.not_before - found.clock() == pytest.approx(wait, abs=3)
        assert time.monotonic() - began < 5, "it says when to come back, and does not wait"


@pytest.mark.parametrize(
    ("box", "cost"),
    [
        ("45,5,50,10", 1),
        ("45,5,50,10.1", 2),
        ("40,0,50,10", 2),
        ("40,0,60,20", 3),
        ("40,0,60,20.1", 4),
        ("", 4),
    ],
)
def test_what_an_area_costs(box: str, cost: int) -> None:
    assert [credits_of(area) for area in areas(box)] == [cost]


def test_how_often_credits_allow_to_poll() -> None:
    assert affordable_seconds(4, 4_000) == pytest.approx(86.4)
    assert affordable_seconds(4, 400) == pytest.approx(14.4 * 60)
    assert affordable_seconds(1, 4_000) == pytest.approx(21.6)


# ---------------------------------------------------------------- areas


def test_a_box_is_asked_for_by_its_edges() -> None:
    with world() as found:
        found.client.states(SWITZERLAND)
        edges = {"lamin": "45.8", "lomin": "5.9", "lamax": "47.9", "lomax": "10.5"}
        assert found.faults.seen == [{"extended": "1", **edges}]


def test_a_box_across_the_date_line_is_two() -> None:
    west, east = areas("-20,170,0,-170")
    assert (west, east) == (Box(-20, 170, 0, 180), Box(-20, -180, 0, -170))
    with world() as found:
        assert [rows(found, one) for one in (west, east)] == [["3c6444"]] * 2


@pytest.mark.parametrize(
    "text", ["1,2,3", "a,b,c,d", "50,5,45,10", "45,5,50,5", "45,5,95,10", "45,5,50,190", "45,5,nan,10"]
)
def test_a_box_that_is_none(text: str) -> None:
    with pytest.raises(TerminalError, match="SKYTIER_OPENSKY_BOX"):
        areas(text)


# ---------------------------------------------------------------- failures


@pytest.mark.parametrize("failures", [1, 2])
def test_a_server_that_fails_is_asked_again(failures: int) -> None:
    with world() as found:
        found.faults.due.extend([answers(503)] * failures)
        assert rows(found) == ["3c6444"]
        assert len(found.faults.seen) == failures + 1


def test_a_server_that_goes_on_failing_is_asked_three_times() -> None:
    with world() as found:
        found.faults.due.extend([answers(503)] * 3)
        with pytest.raises(TransientError, match=r"fails \(status 503\)"):
            found.client.states(None)
        assert len(found.faults.seen) == 3
        assert rows(found) == ["3c6444"]


def test_a_server_that_does_not_answer_in_time() -> None:
    with world(timeout_seconds=0.3) as found:
        found.faults.due.extend([silence(1)] * 3)
        began = time.monotonic()
        with pytest.raises(TransientError, match=r"/all does not answer within 0\.3 s \(SKYTIER_OPENSKY_TIMEOUT"):
            found.client.states(None)
        assert time.monotonic() - began < 4


def test_an_answer_that_does_not_end() -> None:
    with world(timeout_seconds=0.3) as found:
        found.faults.due.extend([trickles] * 3)
        began = time.monotonic()
        with pytest.raises(TransientError, match="does not answer within"):
            found.client.states(None)
        assert time.monotonic() - began < 5


def test_an_answer_that_breaks_off_is_asked_for_again() -> None:
    with world() as found:
        found.faults.due.append(cut_off)
        assert rows(found) == ["3c6444"]


def test_an_address_where_nobody_is() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        settings = OpenSkySettings(url=f"http://127.0.0.1:{free.getsockname()[1]}")
    client = Client(settings, is_on_this_machine=True)
    with pytest.raises(TransientError, match="cannot be reached"):
        client.states(None)
    client.close()


@pytest.mark.parametrize(("status", "error"), [(400, TerminalError), (404, TerminalError), (403, TransientError)])
def test_a_request_that_is_refused_is_not_repeated(status: int, error: type[Exception]) -> None:
    with world() as found:
        found.faults.due.append(answers(status))
        with pytest.raises(error, match=f"status {status}"):
            found.client.states(None)
        assert len(found.faults.seen) == 1


# ---------------------------------------------------------------- answers


def read(content: bytes) -> answers_of.States:
    return answers_of.read(content, made()[4] + 1, "opensky")


def test_nobody_is_there() -> None:
    states = read(b'{"time": 1633600002, "states": null}')
    assert (states.time, states.valid, states.invalid) == (1_633_600_002, [], [])
    with world() as found:
        found.replay.rows = []
        assert b'"states":null' in found.client.states(None).content
        assert rows(found) == []


def test_rows_of_17_and_of_18_values_and_others() -> None:
    content = orjson.dumps({"time": 1_633_600_002, "states": [made()[:17], made(), made()[:16], "row", made(icao24=7)]})
    states = read(content)
    assert [event["category"] for event in states.valid] == [None, "large"]
    assert states.reasons() == {"not_a_state": 2, "wrong_type:icao24": 1}
    assert [one.key for one in states.invalid] == ["3c6444", None, None]
    record = orjson.loads(states.invalid_record(states.invalid[2], "opensky"))
    assert record == {
        "row": made(icao24=7),
        "reasons": ["wrong_type:icao24"],
        "answer_time": "2021-10-07T09:46:42Z",
        "source": "opensky",
    }


def test_a_row_too_large_for_kafka_is_cut() -> None:
    states = read(orjson.dumps({"time": 1_633_600_002, "states": [["x" * 2_000_000]]}))
    record = states.invalid_record(states.invalid[0], "opensky")
    assert len(record) < 11_000
    assert states.invalid[0].key is None
    assert orjson.loads(record)["row"].startswith('["xxx')


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b'{"time": 1633600002, "states": [["3c6444", "DLH',
        b"[]",
        b"null",
        b'{"time": 1633600002}',
        b'{"states": []}',
        b'{"time": "now", "states": []}',
        b'{"time": true, "states": []}',
        b'{"time": -1, "states": []}',
        b'{"time": 999999999999, "states": []}',
        b'{"time": 1633600002, "states": {}}',
    ],
)
def test_what_is_no_answer(content: bytes) -> None:
    with pytest.raises(TransientError, match="the answer"):
        read(content)
