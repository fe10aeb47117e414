"""What ``stack.env`` keeps: the local stack and the settings read the same values from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from local_stack.environment import ensure_stack_env, read_stack_env
from local_stack.server import make_home
from skytier.errors import TerminalError
from skytier.settings.mongodb import MongoSettings

pytestmark = pytest.mark.plain

NAME = "SKYTIER_MONGODB_PASSWORD"
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1).filter(
    lambda text: "${" not in text
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stack that was never started."""
    monkeypatch.setenv("SKYTIER_HOME", str(tmp_path / "home"))
    monkeypatch.delenv(NAME, raising=False)
    make_home()
    return tmp_path / "home"


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=TEXTS)
@example(value="a b # c")
@example(value="it's \\'quoted\\\\' \"twice\"")
@example(value=" blanks ")
@example(value="two\nlines\\n")
def test_a_value_that_is_given_is_kept_as_it_is(home: Path, value: str) -> None:
    (home / "stack.env").unlink(missing_ok=True)
    with pytest.MonkeyPatch.context() as once:
        once.setenv(NAME, value)
        ensure_stack_env()
    assert read_stack_env()[NAME] == value
    assert MongoSettings().password.get_secret_value() == value
    ensure_stack_env()
    assert read_stack_env()[NAME] == value


def test_what_is_quoted_by_hand_is_read_as_the_settings_read_it(home: Path) -> None:
    (home / "stack.env").write_text(f'# by hand\n\nexport {NAME}="a b"  # mine\nSKYTIER_PORT_OFFSET = 7\n')
    ensure_stack_env()
    assert read_stack_env()[NAME] == MongoSettings().password.get_secret_value() == "a b"
    assert read_stack_env()["SKYTIER_PORT_OFFSET"] == "7"


def test_what_the_file_cannot_keep_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "secret-${HOME}")
    with pytest.raises(TerminalError, match=r"SKYTIER_MONGODB_PASSWORD holds '\$\{'") as raised:
        ensure_stack_env()
    assert "secret-" not in str(raised.value)
    assert not (home / "stack.env").exists()


def test_there_is_nothing_before_the_first_start(home: Path) -> None:
    assert read_stack_env() == {}
    assert dotenv_values(home / "stack.env") == {}
