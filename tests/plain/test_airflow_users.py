"""Airflow's users by setting: names, roles, and passwords that are made once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from local_stack import airflow_users
from local_stack.environment import ensure_stack_env, read_stack_env
from skytier.errors import TerminalError
from skytier.settings.airflow import AirflowSettings

pytestmark = pytest.mark.plain

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,31}", fullmatch=True).filter(lambda name: name != "admin")


def settings(users: str) -> AirflowSettings:
    return AirflowSettings(user="admin", password=SecretStr("of-admin"), users=users)


@given(st.dictionaries(NAMES, st.sampled_from(airflow_users.ROLES)), st.sampled_from([",", ", ", ",,"]))
def test_every_user_has_its_role_and_a_password_of_its_own(chosen: dict[str, str], between: str) -> None:
    named = settings(between.join(f"{name}:{role}" for name, role in chosen.items()))
    assert airflow_users.roles(named) == {"admin": "admin"} | chosen
    variables = airflow_users.password_variables(named)
    assert len(set(variables)) == len(chosen)
    passwords = airflow_users.passwords(named, {variable: f"made: {variable}" for variable in variables})
    assert passwords.keys() == airflow_users.roles(named).keys()
    assert passwords["admin"] == "of-admin"
    assert len(set(passwords.values())) == len(passwords)
    listed = airflow_users.simple_auth_manager_users(named).split(",")
    assert listed == [f"{name}:{role}" for name, role in airflow_users.roles(named).items()]


@pytest.mark.parametrize(
    ("users", "said"),
    [
        ("ann", "'ann'.*one of viewer, user, op, admin"),
        ("ann:", "one of viewer"),
        ("ann:root", "'ann:root'"),
        ("ann:viewer:team", "one of viewer"),
        ("ann:Viewer", "one of viewer"),
        (":viewer", "':viewer'.*a name is"),
        ("Ann:viewer", "a name is"),
        ("an-n:viewer", "a name is"),
        ("ann:viewer,ann:op", "ann twice"),
        ("admin:viewer", "SKYTIER_AIRFLOW_USER"),
    ],
)
def test_a_setting_that_cannot_be_read_is_refused_before_anything_starts(
    users: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKYTIER_HOME", str(tmp_path))
    monkeypatch.setenv("SKYTIER_AIRFLOW_USERS", users)
    with pytest.raises(TerminalError, match=f"SKYTIER_AIRFLOW_USERS .*{said}"):
        ensure_stack_env()
    assert list(tmp_path.iterdir()) == []


def test_passwords_are_made_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYTIER_HOME", str(tmp_path))
    ensure_stack_env()
    alone = read_stack_env()
    monkeypatch.setenv("SKYTIER_AIRFLOW_USERS", "ann:viewer,bob:op")
    ensure_stack_env()
    ensure_stack_env()
    kept = read_stack_env()
    assert kept.keys() - alone.keys() == {"SKYTIER_AIRFLOW_PASSWORD_ANN", "SKYTIER_AIRFLOW_PASSWORD_BOB"}
    assert kept.items() >= alone.items()
    monkeypatch.setenv("SKYTIER_AIRFLOW_USERS", "bob:viewer")
    ensure_stack_env()
    assert read_stack_env() == kept
