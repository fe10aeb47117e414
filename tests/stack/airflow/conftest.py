"""Airflow and the dashboard on the session's stack, started once for all modules here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest

from skytier.airflow_api import AirflowApi
from tests.command_lines import CommandLines
from tests.own_stack import OwnStack

USERS = {"ann": "viewer", "una": "user", "bob": "op", "eva": "admin"}
"""Airflow's users beside its first admin, with their roles."""
RUN_SECONDS = 240
"""For the next minute to come, and for a run on a machine that is busy with other tests."""
T = TypeVar("T")


def eventually(question: Callable[[], T], seconds: float) -> T:
    """The first answer that says yes. Fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline, f"still {answer!r} after {seconds:.0f} s"
        time.sleep(1)
    return answer


@pytest.fixture(scope="package")
def command_lines(stack: OwnStack) -> Iterator[CommandLines]:
    """What every user of the machine could read of the processes that ran meanwhile."""
    with CommandLines() as seen:
        yield seen


@pytest.fixture(scope="package")
def airflow(stack: OwnStack, command_lines: CommandLines) -> Iterator[AirflowApi]:
    """Airflow, asked as its admin; afterwards it is stopped again, for it changes data by itself."""
    users = {"SKYTIER_AIRFLOW_USERS": ",".join(f"{name}:{role}" for name, role in USERS.items())}
    done = stack.run_with(stack.environment() | users, "stack", "up", "--without", "feed")
    assert done.returncode == 0, done.stdout + done.stderr
    yield AirflowApi()
    done = stack.skytier("stack", "down", "airflow", "dashboard")
    assert done.returncode == 0, done.stdout + done.stderr
