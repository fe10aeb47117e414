"""One server in the foreground, and what is asked of it from elsewhere."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from local_stack import processes, servers, single, stack
from local_stack.commands import COMMANDS
from local_stack.postgres import Postgres
from local_stack.server import Server, make_home
from skytier.errors import TerminalError, TransientError
from skytier.settings.base import PROJECT_ROOT
from tests import commands

pytestmark = pytest.mark.plain

SKYTIER = [sys.executable, "-m", "skytier.cli"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Of commands on a stack that was never started, on ports that nobody uses."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    of_redis = {"SKYTIER_REDIS_PASSWORD": "of tests", "SKYTIER_REDIS_ADMIN_PASSWORD": "of their admin"}
    return {
        "PATH": os.environ["PATH"],
        "SKYTIER_HOME": str(tmp_path / "home"),
        "SKYTIER_PORT_REDIS": str(port),
    } | of_redis


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SKYTIER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_every_server_is_found_by_its_name() -> None:
    names = [*servers.LOCAL, *servers.OF_CLUSTERS]
    assert [server.name for server in (*stack.SERVERS, *stack.CLUSTER_SERVERS)] == names
    assert [servers.find(name).name for name in names] == names
    for position, server in enumerate(stack.SERVERS):
        assert {*server.needs} <= {before.name for before in stack.SERVERS[:position]}
    with pytest.raises(TerminalError, match="There is no server oracle; the servers are postgres, "):
        servers.find("oracle")


def test_the_local_stack_starts_none_of_a_clusters() -> None:
    assert {server.name for server in stack.CLUSTER_SERVERS}.isdisjoint(server.name for server in stack.select([]))


def test_a_server_runs_in_the_place_of_the_command_until_it_is_ended(environment: dict[str, str]) -> None:
    with subprocess.Popen([*SKYTIER, "stack", "run", "redis"], env=environment, cwd=PROJECT_ROOT) as server:
        try:
            deadline = time.monotonic() + 30
            while commands.run(("stack", "check", "redis"), environment, 30).returncode:
                assert server.poll() is None
                assert time.monotonic() < deadline
            assert "server" in Path(f"/proc/{server.pid}/cmdline").read_text()
            status = Path(f"/proc/{server.pid}/status").read_text()
            assert "Umask:\t0077\n" in status
            again = commands.run(("stack", "run", "redis"), environment, 30)
            assert (again.returncode, f"runs already, as process {server.pid}." in again.stderr) == (1, True)
        finally:
            server.send_signal(signal.SIGTERM)
    assert server.returncode == 0
    after = commands.run(("stack", "check", "redis"), environment, 30)
    assert (after.returncode, after.stdout.startswith("redis is not ready: ConnectionError: ")) == (1, True)


def test_a_taken_port_is_named(environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", int(environment["SKYTIER_PORT_REDIS"]))):
        refused = commands.run(("stack", "run", "redis"), environment, 30)
    assert refused.returncode == 1
    assert "which redis needs, is in use" in refused.stderr
    assert "SKYTIER_PORT_REDIS" in refused.stderr


def test_a_server_waits_for_its_database(environment: dict[str, str]) -> None:
    """Containers start together: the metastore must not end because PostgreSQL is not set up yet."""
    waiting = subprocess.Popen(
        [*SKYTIER, "stack", "run", "metastore"], env=environment, cwd=PROJECT_ROOT, stderr=subprocess.PIPE, text=True
    )
    with waiting:
        assert waiting.stderr is not None
        said = waiting.stderr.readline()
        waiting.kill()
    assert "metastore waits" in said
    assert "OperationalError" in said


def test_what_is_waited_for_is_asked_until_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [OSError("no route\nto it"), OSError("no route"), psycopg.OperationalError("no database"), None]

    def ask() -> None:
        if answer := answers.pop(0):
            raise answer

    monkeypatch.setattr(single, "_POLL_SECONDS", 0.0)
    single.wait_for(ask, "kafka waits", 10)
    assert answers == []
    with pytest.raises(TransientError, match=r"kafka waits: given up after 0 s \(OSError: gone\)"):
        single.wait_for(lambda: (_ for _ in ()).throw(OSError("gone")), "kafka waits", 0)
    with pytest.raises(TerminalError, match="never"):
        single.wait_for(lambda: (_ for _ in ()).throw(TerminalError("never")), "kafka waits", 10)


def test_configuration_is_written_without_the_programs_of_servers(environment: dict[str, str], tmp_path: Path) -> None:
    done = commands.run(("stack", "prepare", "postgres", "mongodb", "redis"), environment, 60)
    assert done.returncode == 0, done.stderr
    home = tmp_path / "home"
    assert {path.name for path in (home / "conf").iterdir()} == {
        "mongod.key",
        "mongod.yaml",
        "postgresql.conf",
        "redis.conf",
    }
    assert not (home / "data").exists()
    assert yaml.safe_load((home / "conf" / "mongod.yaml").read_text())["storage"]["dbPath"] == str(
        home / "data/mongodb"
    )
    written = (home / "conf" / "redis.conf").read_text()
    assert "of tests" not in written


def test_the_configuration_of_postgresql_leaves_an_images_sockets_where_they_are(home: Path) -> None:
    Postgres().configure()
    written = (home / "conf" / "postgresql.conf").read_text()
    assert "unix_socket_directories" not in written
    options = Postgres()._settings()
    assert written.splitlines() == [f"{k} = '{v}'" for k, v in options.items() if k != "unix_socket_directories"]


def test_a_process_that_becomes_a_server_is_found_as_one(home: Path) -> None:
    processes.note_own("redis")
    found = processes.find("redis")
    assert found is not None
    assert found.pid == os.getpid()
    # As the launcher of the local stack writes it.
    noted = (home / "run" / "redis.pid").read_text().split()
    (home / "run" / "redis.pid").write_text(f"{noted[0]} {noted[1]} 1\n")  # another one of this pid
    assert processes.find("redis") is None


class Kept(Server):
    """A server that needs something made anew in each process."""

    name = "kept"
    kept = 0
    is_ready = True

    def ports(self) -> dict[str, int]:
        return {}

    def address(self) -> str:
        return ""

    def command(self) -> list[str]:
        return []

    def ready(self) -> bool:
        return self.is_ready

    def keep_up(self) -> None:
        Kept.kept += 1


def test_a_check_makes_anew_what_ended_with_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "find", lambda name: Kept())
    assert single.trouble("kept") is None
    assert Kept.kept == 1
    Kept.is_ready = False
    assert single.trouble("kept") == "it says that it is not ready"
    assert Kept.kept == 1


def test_help_names_every_command_with_what_it_is_for() -> None:
    shown = commands.run(("stack", "--help"), {}, 60).stdout
    for name, (_, purpose) in COMMANDS.items():
        assert name in shown
        assert purpose.split()[0] in shown


@pytest.mark.parametrize("command", ["run", "check", "set-up", "prepare"])
def test_an_unknown_server_is_refused(command: str, environment: dict[str, str]) -> None:
    refused: Any = commands.run(("stack", command, "oracle"), environment, 30)
    assert refused.returncode == 1
    assert "There is no server oracle" in refused.stderr


def test_what_waits_ends_when_it_is_told_to(environment: dict[str, str]) -> None:
    """As the first process of a container, which no signal ends that it does not handle."""
    command = [*SKYTIER, "stack", "run", "metastore"]
    with subprocess.Popen(command, env=environment, cwd=PROJECT_ROOT, stderr=subprocess.PIPE, text=True) as waiting:
        assert waiting.stderr is not None
        waiting.stderr.readline()
        caught = re.search(r"SigCgt:\s+(\w+)", Path(f"/proc/{waiting.pid}/status").read_text())
        waiting.send_signal(signal.SIGTERM)
    assert caught is not None
    assert int(caught[1], 16) >> (signal.SIGTERM - 1) & 1
    assert waiting.returncode == 128 + signal.SIGTERM


def test_a_home_that_a_platform_made_is_taken_as_it_is(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, mode: int) -> None:
        raise PermissionError

    home.mkdir()
    home.chmod(0o777)
    monkeypatch.setattr(Path, "chmod", refuse)
    with pytest.raises(TerminalError, match="is open to other users"):
        make_home()
    make_home(may_be_open=True)


def test_a_check_deletes_old_logs_of_its_host(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "find", lambda name: Kept())
    monkeypatch.setattr(Kept, "is_ready", True)
    old, new = (home / "airflow" / "logs" / name for name in ("old.log", "new.log"))
    old.parent.mkdir(parents=True)
    for log in (old, new):
        log.touch()
    os.utime(old, (0, 0))
    assert single.trouble("kept") is None
    assert old.exists()  # on one host a task of Airflow does it
    monkeypatch.setenv("SKYTIER_BIND_ADDRESS", "0.0.0.0")
    assert single.trouble("kept") is None
    assert (old.exists(), new.exists()) == (False, True)
    os.utime(new, (0, 0))
    assert single.trouble("kept") is None
    assert new.exists()  # once an hour
