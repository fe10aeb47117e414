"""No secret of the stack is where others read: its values themselves are looked for, whatever they are called."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest

from local_stack import environment
from skytier.airflow_api import MINUTE, AirflowApi
from skytier.settings.base import PROJECT_ROOT
from tests import secret_values
from tests.command_lines import CommandLines
from tests.own_stack import OwnStack
from tests.stack.airflow.conftest import RUN_SECONDS, USERS, eventually

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]

# What servers and clients read their secrets from; everything else of a home must not have any.
HOLD_SECRETS = ("stack.env", "conf", "tls")


@pytest.fixture
def secrets(stack: OwnStack, airflow: AirflowApi) -> dict[str, set[str]]:
    """Every secret of the running stack, by name; a job of Airflow's has run in it."""
    eventually(lambda: [run for run in airflow.runs(MINUTE) if run["state"] == "success"], RUN_SECONDS)
    found = secret_values.all_of(stack)
    assert found.keys() >= environment.OF_ONE_HOST.keys()
    assert found.keys() >= {f"SKYTIER_AIRFLOW_PASSWORD_{name.upper()}" for name in USERS}
    return found


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]


def test_secrets_are_in_private_configuration_only(stack: OwnStack, secrets: dict[str, set[str]]) -> None:
    looked_at = [path for path in files(stack.home) if path.relative_to(stack.home).parts[0] != "data"]
    names = {str(path.relative_to(stack.home)) for path in looked_at}
    assert {"logs/mongodb.log", "logs/airflow-api.log", "logs/dashboard.log", "logs/sql.log"} <= names
    assert any(name.startswith(f"airflow/logs/dag_id={MINUTE}") for name in names)
    shown = {path: found for path in looked_at if (found := secret_values.shown_in_file(path, secrets))}
    holding = {path for path in shown if path.relative_to(stack.home).parts[0] in HOLD_SECRETS}
    assert {path: found for path, found in shown.items() if path not in holding} == {}
    assert stack.home / "stack.env" in holding
    assert [path for path in holding if stat.S_IMODE(path.stat().st_mode) != 0o600] == []


def test_no_secret_was_on_a_command_line(command_lines: CommandLines, secrets: dict[str, set[str]]) -> None:
    seen = "\n".join(command_lines.seen)
    assert "process_flight_events" in seen, "a job's command line was not seen"
    assert secret_values.shown_in(seen, secrets) == []


def test_git_has_no_secret(secrets: dict[str, set[str]]) -> None:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    paths = [path for path in tracked.stdout.split("\0") if path]
    shown = {path: found for path in paths if (found := secret_values.shown_in_file(PROJECT_ROOT / path, secrets))}
    assert shown == {}
    state = ["var/stack.env", "var/conf/sql-reader.password", "var/logs/sql.log"]
    ignored = subprocess.run(
        ["git", "check-ignore", *state], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
    )
    assert ignored.stdout.split() == state


def test_airflow_shows_no_secret(airflow: AirflowApi, secrets: dict[str, set[str]]) -> None:
    told = [str(airflow.get(path)) for path in ("/connections", "/variables", "/providers", "/plugins")]
    for dag in airflow.dags():
        told.append(str(airflow.get(f"/dagSources/{dag}")))
        told.append(str(airflow.get(f"/dags/{dag}/dagRuns/~/taskInstances?limit=20")))
    assert secret_values.shown_in("\n".join(told), secrets) == []
