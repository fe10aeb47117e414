"""Without sign-in only who has the operator's token, at this machine, is an operator; nothing else makes one."""

from __future__ import annotations

import string
import sys
import time
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import SecretStr
from starlette.applications import Starlette

from dashboard import access_text as text
from dashboard import operator_page, operator_token, throttle
from dashboard.access import Role, local_role
from local_stack import cli
from local_stack.environment import ensure_stack_env
from skytier.settings.dashboard import DashboardSettings
from skytier.settings.ports import PortSettings
from tests.serving import Served, served
from tests.visitors import given_for

pytestmark = pytest.mark.plain

TOKEN = "a-token-of-some-stack"  # noqa: S105 - made up
SETTINGS = DashboardSettings(operator_token=SecretStr(TOKEN))
COOKIE = operator_token.cookie_value(SETTINGS)
FORWARDED = [
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "x-forwarded-prefix",
    "X-Real-IP",
    "Via",
    "True-Client-IP",
    "CF-Connecting-IP",
    "CF-Ray",
    "Fastly-Client-IP",
    "X-Client-IP",
    "X-Cluster-Client-IP",
    "X-Original-Forwarded-For",
    "X-Envoy-External-Address",
    "X-ProxyUser-Ip",
    "Client-IP",
    "CDN-Loop",
]


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """The operators' page of a stack with that token; nobody has tried anything yet."""
    monkeypatch.setenv("SKYTIER_DASHBOARD_OPERATOR_TOKEN", TOKEN)
    monkeypatch.setattr(throttle, "sign_ins", throttle.Throttle())
    with served(Starlette(routes=operator_page.routes())) as at:
        yield at


@pytest.mark.parametrize("cookie", [None, "", "operator", TOKEN, COOKIE[:-1], COOKIE.lower(), f"{COOKIE}x"])
def test_nobody_is_an_operator_by_being_here_or_by_another_cookie(cookie: str | None) -> None:
    assert local_role(cookie, None, [], SETTINGS) is Role.VIEWER


@pytest.mark.parametrize("address", [None, "127.0.0.1", "::1"])
def test_who_has_given_the_token_here_is_an_operator(address: str | None) -> None:
    assert local_role(COOKIE, address, ["Host", "Cookie", "User-Agent"], SETTINGS) is Role.OPERATOR


@pytest.mark.parametrize("header", FORWARDED)
def test_who_comes_through_a_proxy_is_a_viewer(header: str) -> None:
    for spelled in (header, header.lower(), header.upper()):
        assert local_role(COOKIE, None, ["Host", spelled], SETTINGS) is Role.VIEWER


@pytest.mark.parametrize("address", ["192.0.2.7", "0.0.0.0", "127.0.0.1.example.org", ""])
def test_who_comes_over_a_network_is_a_viewer(address: str) -> None:
    assert local_role(COOKIE, address, [], SETTINGS) is Role.VIEWER


def test_a_cookie_ends_with_its_time_and_with_its_token(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not operator_token.is_operators(COOKIE, DashboardSettings(operator_token=SecretStr("another token")))
    now, cookie = time.time(), operator_token.cookie_value(SETTINGS)
    monkeypatch.setattr(time, "time", lambda: now + operator_token.COOKIE_SECONDS - 60)
    assert operator_token.is_operators(cookie, SETTINGS)
    monkeypatch.setattr(time, "time", lambda: now + operator_token.COOKIE_SECONDS + 60)
    assert not operator_token.is_operators(cookie, SETTINGS)


def test_where_no_token_was_made_nothing_is_one(page: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYTIER_DASHBOARD_OPERATOR_TOKEN", "")
    none = DashboardSettings(operator_token=SecretStr(""))
    assert page.ask("/operator", form={"token": ""}).status == 403
    assert not operator_token.is_operators(operator_token.cookie_value(none), none)


@given(some.text(string.printable + "äé\x00\U0001f6eb", max_size=60).filter(lambda typed: typed.strip() != TOKEN))
def test_nothing_but_the_token_is_the_token(typed: str) -> None:
    assert not operator_token.is_token(typed, SETTINGS)


def test_the_page_gives_a_cookie_for_the_token_that_no_script_reads(page: Served) -> None:
    response = page.ask("/operator", form={"token": f" {TOKEN}\n"})
    assert (response.status, response.headers["location"]) == (303, "./")
    (cookie,) = SimpleCookie(response.headers["set-cookie"]).values()
    assert cookie.key == operator_token.cookie_name()
    assert operator_token.is_operators(cookie.value, SETTINGS)
    assert TOKEN not in response.headers["set-cookie"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "strict", "/")
    assert int(cookie["max-age"]) == operator_token.COOKIE_SECONDS
    assert response.headers["cache-control"] == "no-store"


def test_the_page_gives_nothing_for_what_is_not_the_token(page: Served) -> None:
    for form in ({}, {"token": ""}, {"token": TOKEN.upper()}, {"token": "x" * 10_000 + TOKEN}, {"Token": TOKEN}):
        response = page.ask("/operator", form=form)
        assert (response.status, "set-cookie" in response.headers) == (403, False)
        assert text.OPERATOR_WRONG.partition("'")[0] in response.body
    assert page.ask(f"/operator?token={TOKEN}").headers.get("set-cookie") is None


@pytest.mark.parametrize("header", FORWARDED)
def test_the_page_takes_no_token_through_a_proxy(page: Served, header: str) -> None:
    response = page.ask("/operator", form={"token": TOKEN}, **{header: "192.0.2.7"})
    assert (response.status, "set-cookie" in response.headers) == (403, False)
    assert "over a network" in response.body


def test_the_page_takes_no_token_where_people_sign_in(page: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYTIER_DASHBOARD_SIGN_IN", "password")
    response = page.ask("/operator", form={"token": TOKEN})
    assert (response.status, "set-cookie" in response.headers) == (403, False)


def test_wrong_tokens_are_throttled_and_the_right_one_is_not(page: Served) -> None:
    statuses = [page.ask("/operator", form={"token": str(number)}).status for number in range(7)]
    assert statuses == [403] * 5 + [429] * 2
    refused = page.ask("/operator", form={"token": "8"})
    assert "Too many failed attempts. Try again at" in refused.body
    assert page.ask("/operator", form={"token": TOKEN}).status == 303


def test_who_leaves_is_a_viewer_again(page: Served) -> None:
    response = page.ask("/operator", form={"leave": "1"})
    (cookie,) = SimpleCookie(response.headers["set-cookie"]).values()
    assert (response.status, cookie.value, cookie["max-age"]) == (303, "", "0")


def test_what_the_page_says_runs_no_script_but_its_own(page: Served) -> None:
    response = page.ask("/operator")
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy
    assert "frame-ancestors 'none'" in policy
    assert TOKEN not in response.body


def test_stacks_side_by_side_have_a_cookie_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYTIER_DASHBOARD_OPERATOR_TOKEN", TOKEN)
    first = given_for(TOKEN)
    monkeypatch.setenv("SKYTIER_PORT_OFFSET", "1000")
    assert set(first).isdisjoint(given_for(TOKEN))


def test_the_link_with_the_token_is_shown_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("SKYTIER_HOME", str(tmp_path))
    monkeypatch.setenv("SKYTIER_DASHBOARD_OPERATOR_TOKEN", TOKEN)
    cli._print_addresses()
    assert "SKYTIER_DASHBOARD_OPERATOR_TOKEN in" in (said := capsys.readouterr().out)
    assert TOKEN not in said
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    cli._print_addresses()
    assert f"http://127.0.0.1:{PortSettings().dashboard}/operator#{TOKEN}\n" in capsys.readouterr().out


def test_every_stack_has_a_token_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tokens = set()
    for name in ("first", "second"):
        monkeypatch.setenv("SKYTIER_HOME", str(tmp_path / name))
        ensure_stack_env()
        token = DashboardSettings().operator_token.get_secret_value()
        ensure_stack_env()  # it stays
        assert DashboardSettings().operator_token.get_secret_value() == token
        assert len(token) >= 32
        tokens.add(token)
    assert len(tokens) == 2
