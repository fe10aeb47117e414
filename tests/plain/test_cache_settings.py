"""Settings of the cache that were renamed are read by their old names too, for one release."""

from __future__ import annotations

from pathlib import Path

import pytest

from skytier.settings.cache import CacheSettings

pytestmark = pytest.mark.plain

RENAMED = pytest.mark.parametrize(
    ("new", "old"),
    [
        ("SKYTIER_CACHE_WAIT_BUDGET_SECONDS", "SKYTIER_CACHE_PATIENCE_SECONDS"),
        ("SKYTIER_CACHE_LOCK_TIMEOUT_SECONDS", "SKYTIER_CACHE_ASKING_SECONDS"),
    ],
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SKYTIER_HOME", str(tmp_path))
    return tmp_path


def value(variable: str) -> float:
    number: float = getattr(CacheSettings(), variable.removeprefix("SKYTIER_CACHE_").lower())
    return number


@RENAMED
def test_a_renamed_setting_is_read_by_both_names(new: str, old: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(old, "7.5")
    assert value(new) == 7.5
    monkeypatch.setenv(new, "8.5")
    assert value(new) == 8.5


@RENAMED
def test_a_renamed_setting_is_read_from_stack_env(new: str, old: str, home: Path) -> None:
    (home / "stack.env").write_text(f"{old}=7.5\n")
    assert value(new) == 7.5
    (home / "stack.env").write_text(f"{old}=7.5\n{new}=8.5\n")
    assert value(new) == 8.5


def test_settings_are_given_by_name_and_have_defaults() -> None:
    assert (CacheSettings().wait_budget_seconds, CacheSettings().lock_timeout_seconds) == (0.15, 10.0)
    assert CacheSettings(wait_budget_seconds=3, cold_seconds=4).wait_budget_seconds == 3
    with pytest.raises(ValueError, match="greater than 0"):
        CacheSettings(lock_timeout_seconds=0)
