"""What operators may do is refused to viewers in the action itself, however they got at it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import access_text
from dashboard.access import Role, User
from dashboard.app_pages.operations import text
from tests.visitors import Visitor, operator, visited_by

pytestmark = pytest.mark.plain


def acknowledging() -> None:
    from dashboard.app_pages.operations import actions

    actions._acknowledge("0123456789abcdef01234567")


def starting() -> None:
    from dashboard.app_pages.operations import actions
    from skytier.airflow_api import ARCHIVING

    actions._start(ARCHIVING, "Archive run")


@pytest.fixture(autouse=True)
def no_servers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No password and no server: who gets past the check is told of that instead."""
    monkeypatch.setenv("SKYTIER_HOME", str(tmp_path))
    monkeypatch.setenv("SKYTIER_DASHBOARD_OPERATOR_TOKEN", "a-token-of-some-stack")
    monkeypatch.setenv("SKYTIER_AIRFLOW_URL", "http://127.0.0.1:1")


def said(action: Callable[[], None], who: Visitor, **state: object) -> str:
    """What an action says that is called by itself, as a message to the server can have it called."""
    app = AppTest.from_function(action, default_timeout=60)
    for name, value in state.items():
        app.session_state[name] = value
    with visited_by(who):
        app.run()
    assert not app.exception
    return str(app.session_state["operations-said"])


ACTIONS = pytest.mark.parametrize("action", [acknowledging, starting])
REFUSED = text.FAILED_ACTION.format(reason=access_text.OPERATORS_ONLY)


@ACTIONS
@pytest.mark.parametrize(
    "who",
    [Visitor(), Visitor({"skytier-operator-8501": "operator"}), Visitor(remote_ip=None, sent={"Host": "localhost"})],
    ids=["viewer", "forger", "here"],
)
def test_an_action_is_refused_to_viewers(action: Callable[[], None], who: Visitor) -> None:
    assert said(action, who) == REFUSED


@ACTIONS
def test_an_action_goes_by_who_asks_not_by_what_the_page_found(action: Callable[[], None]) -> None:
    assert said(action, Visitor(), user=User("eve", Role.OPERATOR)) == REFUSED


@ACTIONS
def test_an_action_is_refused_to_who_has_not_signed_in(
    action: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    as_operator = operator()
    monkeypatch.setenv("SKYTIER_DASHBOARD_SIGN_IN", "password")
    assert said(action, as_operator) == REFUSED
    assert said(action, as_operator, user=User("eve", Role.VIEWER)) == REFUSED
    assert said(action, Visitor(), user=User("ann", Role.OPERATOR)) != REFUSED


@ACTIONS
def test_an_action_of_an_operator_gets_to_the_server(action: Callable[[], None]) -> None:
    words = said(action, operator())
    assert words != REFUSED
    assert "MongoDB" in words or "MONGODB" in words or "Airflow at" in words
