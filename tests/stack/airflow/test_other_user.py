"""Another user of the same machine: what they get from each server, and of what the stack keeps and does.

Where the tests do not run as root there is no second account: then who asks has none of the stack's credentials, and
the modes of files and processes are looked at.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from skytier.settings.base import PROJECT_ROOT
from tests import intruder, port_table
from tests.accounts import another_account, open_to_others
from tests.own_stack import OwnStack
from tests.port_table import Row

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("airflow")]

ASKING = [row for row in port_table.rows() if not row.is_open]
OPEN = [row for row in port_table.rows() if row.is_open and row.port in intruder.ATTACKS]
# What each server says to who has no credentials, or wrong ones; "it does not answer" is no refusal.
WORDS = {
    "dashboard": "403",
    "Airflow": "401",
    "SQL endpoint": "TSocket read 0 bytes|Bad status|Error validating the login",
    "MongoDB": "requires authentication|Authentication failed",
    "PostgreSQL": "password",
    "Redis": "already authenticated|NOAUTH|WRONGPASS|invalid username-password",
    "NameNode, HTTP": "403",
    "DataNode, HTTP": "403",
    "Kafka": "closes the connection|Authentication failed|_TRANSPORT|_TIMED_OUT",
}
PROCESS_FILES = ("environ", "mem", "maps", "fd", "cwd", "io")


@pytest.fixture(scope="module")
def got(stack: OwnStack) -> dict[str, Any]:
    """What another user got who tried everything, and read a file that is open to all."""
    pids = [process.pid for process in stack.processes()]
    paths = [str(stack.home), *map(str, stack.home.rglob("*"))]
    paths += [f"/proc/{pid}/{name}" for pid in pids for name in PROCESS_FILES]
    with another_account() as account:
        asked = {
            "uid": account.pw_uid,
            "gid": account.pw_gid,
            "offset": stack.port_offset,
            "ports": [row.port for row in (*ASKING, *OPEN) if row.port in intruder.ATTACKS],
            "paths": ["/etc/passwd", *paths],
            "pids": [os.getpid(), *pids],
        }
        done = subprocess.run(
            [sys.executable, "-m", "tests.intruder"],
            input=json.dumps(asked),
            env={"PATH": os.environ["PATH"], "HOME": account.pw_dir, "USER": account.pw_name},
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_every_server_that_asks_for_something_has_an_attack() -> None:
    assert {row.port for row in ASKING} <= intruder.ATTACKS.keys(), "add what asks it without to tests/intruder.py"


@pytest.mark.parametrize("credentials", ["none", "wrong"])
@pytest.mark.parametrize("row", ASKING, ids=lambda row: row.server)
def test_no_server_lets_another_user_in(got: dict[str, Any], row: Row, credentials: str) -> None:
    said = got["servers"][str(row.port)][credentials]
    assert said != intruder.IN
    (words,) = [words for server, words in WORDS.items() if row.server.startswith(server)] or [""]
    assert re.search(words, said), said


def test_what_is_documented_to_ask_for_nothing_does_so(got: dict[str, Any]) -> None:
    """Else the table says less than is true, and an attack that comes through is known to be one."""
    assert {row.server: got["servers"][str(row.port)]["none"] for row in OPEN} == {
        row.server: intruder.IN for row in OPEN
    }


def test_another_user_reads_nothing_of_the_stack(stack: OwnStack, got: dict[str, Any]) -> None:
    if os.geteuid() == 0:
        assert got["opened"] == ["/etc/passwd"]
        assert got["signalled"] == []
    assert open_to_others([stack.home, *stack.home.rglob("*")]) == []
    assert open_to_others(Path(f"/proc/{process.pid}/environ") for process in stack.processes()) == []
