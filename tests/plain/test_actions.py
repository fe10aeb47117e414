"""What operators may do is refused to viewers in the action itself, however they got at it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.access import Person, Role
from dashboard.text import access as access_text
from dashboard.text import operations as text

pytestmark = pytest.mark.plain


def acknowledging() -> None:
    from dashboard import actions

    actions._acknowledge()


def starting() -> None:
    from dashboard import actions
    from skytier.airflow_api import ARCHIVING

    actions._start(ARCHIVING, "Archive run")


@pytest.fixture(autouse=True)
def no_servers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No password and no server: who gets past the check is told of that instead."""
    monkeypatch.setenv("SKYTIER_HOME", str(tmp_path))
    monkeypatch.setenv("SKYTIER_AIRFLOW_URL", "http://127.0.0.1:1")


def said(action: Callable[[], None], who: Person | None) -> str:
    """What an action says that is called by itself, as a message to the server can have it called."""
    app = AppTest.from_function(action)
    if who is not None:
        app.session_state["person"] = who
    app.session_state["operations-alerts"] = ["0123456789abcdef01234567"]
    app.run()
    assert not app.exception
    return str(app.session_state["operations-said"])


ACTIONS = pytest.mark.parametrize("action", [acknowledging, starting])
REFUSED = text.FAILED_ACTION.format(reason=access_text.OPERATORS_ONLY)


@ACTIONS
@pytest.mark.parametrize("who", [Person("eve", Role.VIEWER), None], ids=["viewer", "nobody"])
def test_an_action_is_refused_to_viewers(action: Callable[[], None], who: Person | None) -> None:
    assert said(action, who) == REFUSED


@ACTIONS
def test_an_action_of_an_operator_gets_to_the_server(action: Callable[[], None]) -> None:
    words = said(action, Person("ann", Role.OPERATOR))
    assert words != REFUSED
    assert "MongoDB" in words or "MONGODB" in words or "Airflow at" in words
