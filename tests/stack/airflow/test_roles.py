"""Airflow's users by setting, with its roles, over its API."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import requests

from local_stack.airflow_users import password_variable
from local_stack.environment import read_stack_env
from skytier.airflow_api import ARCHIVING, AirflowApi
from skytier.errors import TerminalError
from skytier.settings.airflow import AirflowSettings
from tests.stack.airflow.conftest import USERS

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

Act = Callable[[AirflowApi], object]
LOOKS: dict[str, Act] = {
    "DAGs": lambda api: api.dags(),
    "runs": lambda api: api.runs(ARCHIVING),
}
STARTS: dict[str, Act] = {
    "pause": lambda api: api.pause(ARCHIVING, True),
    "start a run": lambda api: api.trigger(ARCHIVING, "by a test of roles"),
    "end a run": lambda api: api.set_run_state(ARCHIVING, newest(api), "success"),
}
CHANGES: dict[str, Act] = {
    "connections": lambda api: api.get("/connections"),
    "variables": lambda api: api.get("/variables"),
}
MAY: dict[str, dict[str, Act]] = {
    "viewer": LOOKS,
    "user": LOOKS | STARTS,
    "op": LOOKS | STARTS | CHANGES,
    "admin": LOOKS | STARTS | CHANGES,
}


def newest(api: AirflowApi) -> str:
    """The id of the newest run."""
    return str(api.runs(ARCHIVING, limit=1)[0]["dag_run_id"])


@pytest.fixture
def paused(airflow: AirflowApi) -> Iterator[None]:
    """A DAG whose runs wait; those that are left are ended, and it is let go on."""
    airflow.pause(ARCHIVING, True)
    airflow.trigger(ARCHIVING, "by a test of roles")
    yield
    for run in airflow.runs(ARCHIVING):
        if run["state"] in ("queued", "running"):
            airflow.set_run_state(ARCHIVING, run["dag_run_id"], "success")
    airflow.pause(ARCHIVING, False)


def signed_in(name: str, monkeypatch: pytest.MonkeyPatch) -> AirflowApi:
    """Airflow, asked as a user whom the setting names."""
    monkeypatch.setenv("SKYTIER_AIRFLOW_USER", name)
    monkeypatch.setenv("SKYTIER_AIRFLOW_PASSWORD", read_stack_env()[password_variable(name)])
    return AirflowApi()


@pytest.mark.usefixtures("paused")
@pytest.mark.parametrize("name", [*USERS, "admin"])
def test_each_role_may_do_what_airflow_says_of_it(
    name: str, airflow: AirflowApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = airflow if name == "admin" else signed_in(name, monkeypatch)
    every = LOOKS | STARTS | CHANGES
    assert refused(api, every) == set(every) - set(MAY[USERS.get(name, "admin")])


def refused(api: AirflowApi, acts: dict[str, Act]) -> set[str]:
    """What a user may not do."""
    return {name for name, act in acts.items() if is_refused(api, act)}


def is_refused(api: AirflowApi, act: Act) -> bool:
    try:
        act(api)
    except TerminalError as error:
        if "status 403" not in str(error):
            raise
        return True
    return False


@pytest.mark.parametrize(("name", "password"), [("ann", ""), ("ann", "wrong"), ("nobody", "x"), ("admin", "admin")])
def test_nobody_signs_in_with_another_password(airflow: AirflowApi, name: str, password: str) -> None:
    of_bob = read_stack_env()[password_variable("bob")]
    for typed in (password, of_bob):
        login = {"username": name, "password": typed}
        answer = requests.post(f"{AirflowSettings().url}/auth/token", json=login, timeout=10)
        assert answer.status_code in (400, 401, 422)
        assert "access_token" not in answer.text
