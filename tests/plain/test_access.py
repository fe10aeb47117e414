"""Who may look at the dashboard and who may start things: the rules, and the form before the pages."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import SecretStr
from streamlit.testing.v1 import AppTest

from dashboard import access_text as text
from dashboard import throttle
from dashboard.access import LEAST_CHARACTERS, Role, role_by_address, role_by_password
from skytier.settings.dashboard import DashboardSettings
from tests.visitors import Visitor, operator, visited_by

pytestmark = pytest.mark.plain

VIEWER, OPERATOR = "only-looking-around", "correct-horse-battery"
SETTINGS = DashboardSettings(viewer_password=SecretStr(VIEWER), operator_password=SecretStr(OPERATOR))
INVITED = DashboardSettings(viewers="eve@example.org, Bob@Example.org", operators="ann@example.org")


@pytest.mark.parametrize(
    ("typed", "role"),
    [(VIEWER, Role.VIEWER), (OPERATOR, Role.OPERATOR), (OPERATOR.upper(), None), (OPERATOR + " ", None), ("", None)],
)
def test_a_password_gives_its_role(typed: str, role: Role | None) -> None:
    assert role_by_password(typed, SETTINGS) is role


@pytest.mark.parametrize("password", ["", "x" * (LEAST_CHARACTERS - 1)])
def test_a_password_that_is_not_set_or_short_lets_nobody_in(password: str) -> None:
    settings = SETTINGS.model_copy(update={"operator_password": SecretStr(password)})
    assert role_by_password(password, settings) is None
    assert role_by_password(VIEWER, settings) is Role.VIEWER


def test_the_same_password_for_both_is_an_operators() -> None:
    settings = SETTINGS.model_copy(update={"viewer_password": SecretStr(OPERATOR)})
    assert role_by_password(OPERATOR, settings) is Role.OPERATOR


@pytest.mark.parametrize(
    ("user", "role"),
    [
        ({"email": "ANN@example.org", "email_verified": True}, Role.OPERATOR),
        ({"email": "bob@example.org"}, Role.VIEWER),
        ({"email": "eve@example.org", "email_verified": True}, Role.VIEWER),
        ({"email": "ann@example.org", "email_verified": False}, None),
        ({"email": "mallory@example.org"}, None),
        ({"email": None}, None),
        ({}, None),
    ],
)
def test_an_address_gives_its_role(user: dict[str, Any], role: Role | None) -> None:
    assert role_by_address(user, INVITED) is role


def test_everybody_may_look_only_where_that_is_said() -> None:
    stranger = {"email": "mallory@example.org"}
    assert role_by_address(stranger, DashboardSettings()) is None
    everybody = DashboardSettings(viewers="*", operators="*")
    assert role_by_address(stranger, everybody) is Role.VIEWER
    for nobody in ({}, {"email": None}, {"email": ""}):
        assert role_by_address(nobody, everybody) is None


def page() -> None:
    import streamlit as st

    from dashboard import access
    from skytier.settings.dashboard import DashboardSettings

    settings = DashboardSettings()
    access.require(access.signed_in(settings), settings)
    st.write(f"inside: {access.current_user().role}, operator: {access.is_operator()}")
    if st.button("act"):
        access.require_operator()


def opened(monkeypatch: pytest.MonkeyPatch, **variables: str) -> AppTest:
    for name, value in variables.items():
        monkeypatch.setenv(f"SKYTIER_DASHBOARD_{name}", value)
    return AppTest.from_function(page, default_timeout=60).run()


def inside(app: AppTest) -> list[str]:
    return [element.value for element in app.markdown]


def test_without_sign_in_nobody_is_asked_and_only_the_token_makes_an_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYTIER_DASHBOARD_OPERATOR_TOKEN", "a-token-of-some-stack")
    with visited_by(Visitor()):
        assert inside(opened(monkeypatch)) == ["inside: viewer, operator: False"]
    with visited_by(operator()):
        app = opened(monkeypatch)
        assert inside(app) == ["inside: operator, operator: True"]
    with visited_by(Visitor()):  # the role is evaluated again at each action
        app.button[0].click().run()
        assert text.OPERATORS_ONLY in [error.value for error in app.exception]


def test_wrong_passwords_are_throttled_by_address(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr(throttle, "sign_ins", throttle.Throttle(per_address=2, clock=lambda: now))
    with visited_by(Visitor(remote_ip="192.0.2.7")):
        app = opened(monkeypatch, SIGN_IN="password", OPERATOR_PASSWORD=OPERATOR)
        for _ in range(throttle.sign_ins.per_address):
            assert tried(app, "a wrong password") == text.WRONG
        assert tried(app, OPERATOR).startswith(text.TOO_MANY.partition("{")[0])
        assert inside(app) == []
    with visited_by(Visitor(remote_ip="192.0.2.8")):
        assert tried(app, "a wrong password") == text.WRONG
    now += throttle.sign_ins.seconds
    with visited_by(Visitor(remote_ip="192.0.2.7")):
        assert tried(app, OPERATOR) == ""
        assert inside(app) == ["inside: operator, operator: True"]


def tried(app: AppTest, password: str) -> str:
    """What is said of a password."""
    app.text_input[0].set_value(password)
    app.button[0].click().run()
    return "".join(error.value for error in app.error)


def test_nothing_is_shown_before_the_right_password(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    app = opened(monkeypatch, SIGN_IN="password", VIEWER_PASSWORD=VIEWER, OPERATOR_PASSWORD=OPERATOR)
    assert inside(app) == []
    app.text_input[0].set_value("a wrong password")
    app.button[0].click().run()
    assert (inside(app), [error.value for error in app.error]) == ([], [text.WRONG])
    assert "sign-in refused" in logged(capfd)
    app.text_input[0].set_value(VIEWER)
    app.button[0].click().run()
    assert inside(app) == ["inside: viewer, operator: False"]
    assert "access-password" not in app.session_state
    assert re.search(r"signed in .*address=.*role=viewer", logged(capfd))
    assert [caption.value for caption in app.sidebar.caption] == [text.SIGNED_IN.format(text.ROLES[Role.VIEWER])]
    assert [button.label for button in app.sidebar.button] == [text.SIGN_OUT]
    app.button[0].click().run()
    assert text.OPERATORS_ONLY in [error.value for error in app.exception]
    app.button(key="access-out").click().run()
    assert inside(app) == []


def logged(capfd: pytest.CaptureFixture[str]) -> str:
    """What stands in the log, without the colours of a terminal."""
    return re.sub(r"\x1b\[[0-9;]*m", "", "".join(capfd.readouterr()))


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"SIGN_IN": "password"}, text.NOTHING_SET.partition("{")[0]),
        ({"SIGN_IN": "password", "OPERATOR_PASSWORD": "short"}, text.NOTHING_SET.partition("{")[0]),
        ({"SIGN_IN": "oidc"}, text.NO_PROVIDER),
    ],
)
def test_sign_in_that_is_not_set_up_lets_nobody_in(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], says: str
) -> None:
    app = opened(monkeypatch, **variables)
    assert inside(app) == []
    assert app.error[0].value.startswith(says)
