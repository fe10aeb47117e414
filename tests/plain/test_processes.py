"""Which process is ours, whatever the clock says; what ends while it starts is seen at once and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from local_stack import hdfs, processes, start_up
from local_stack.cli import _print_table
from local_stack.health import Health, older_than, status
from local_stack.progress import Progress
from local_stack.server import Server
from skytier import name_node
from skytier.errors import TerminalError

pytestmark = pytest.mark.plain

NAME = "sleeper"
ENVIRONMENT = {"PATH": os.environ["PATH"]}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of the test's own, with no process left in it."""
    monkeypatch.setenv("SKYTIER_HOME", str(tmp_path))
    yield tmp_path
    processes.stop(NAME, signal.SIGKILL)


def _started(home: Path) -> tuple[psutil.Process, Path]:
    process = processes.start(NAME, ["sleep", "60"], ENVIRONMENT)
    assert process is not None
    pid_file = home / "run" / f"{NAME}.pid"
    deadline = time.monotonic() + 10
    while not processes.find(NAME) and time.monotonic() < deadline:
        time.sleep(0.01)
    return process, pid_file


@pytest.mark.parametrize("hours", [-24 * 365, -1, 1, 24 * 365])
def test_a_process_is_found_whatever_the_wall_clock_says(home: Path, hours: float) -> None:
    process, pid_file = _started(home)
    moved = time.time() + hours * 3600
    os.utime(pid_file, (moved, moved))
    assert processes.find(NAME) == process
    assert processes.stop(NAME)
    assert not processes.alive(process)


def test_a_pid_that_another_process_has_now_is_not_ours(home: Path) -> None:
    process, pid_file = _started(home)
    time.sleep(0.05)  # a tick of the kernel is 10 ms: two processes of different pids may start in one
    with subprocess.Popen(["sleep", "60"]) as other:
        _, *identity = pid_file.read_text().split()
        pid_file.write_text(" ".join([str(other.pid), *identity]) + "\n")
        assert processes.find(NAME) is None
        assert processes.was_started(NAME)
        other.kill()
    process.kill()


def test_a_process_of_an_earlier_boot_is_not_ours(home: Path) -> None:
    process, pid_file = _started(home)
    pid, _, start = pid_file.read_text().split()
    pid_file.write_text(f"{pid} 00000000-0000-0000-0000-000000000000 {start}\n")
    assert processes.find(NAME) is None
    process.kill()


def test_a_pid_file_of_earlier_code_is_understood(home: Path) -> None:
    process, pid_file = _started(home)
    pid_file.write_text(f"{process.pid}\n")
    assert processes.find(NAME) == process
    os.utime(pid_file, (0, 0))
    assert processes.find(NAME) is None
    process.kill()


class _Sleeper(Server):
    """A server that ends as often as it is told before it stays."""

    name = NAME
    patience_seconds = 30

    def __init__(self, ends: int) -> None:
        self.ends, self.starts = ends, 0

    def ports(self) -> dict[str, int]:
        return {}

    def address(self) -> str:
        return ""

    def command(self) -> list[str]:
        self.starts += 1
        return ["sh", "-c", "echo the lock is held; exit 3"] if self.starts <= self.ends else ["sleep", "60"]

    def environment(self) -> dict[str, str]:
        return ENVIRONMENT

    def ready(self) -> bool:
        return self.starts > self.ends and processes.find(NAME) is not None


def test_what_ends_while_it_starts_is_started_again(capfd: pytest.CaptureFixture[str]) -> None:
    server = _Sleeper(ends=1)
    began = time.monotonic()
    start_up.bring_up_one(server, [], Progress(), threading.Event())
    assert time.monotonic() - began < 10
    assert server.starts == 2
    assert "ended, again" in capfd.readouterr().err


def test_what_ends_every_time_is_given_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start_up, "_PAUSES_SECONDS", (0.01, 0.01))
    server = _Sleeper(ends=99)
    began = time.monotonic()
    with pytest.raises(TerminalError, match=r"ended while it started(?s:.*)the lock is held"):
        start_up.bring_up_one(server, [], Progress(), threading.Event())
    assert time.monotonic() - began < 10
    assert server.starts == 3


class _Full(_Sleeper):
    """A server that says why it is not ready."""

    def ready(self) -> bool:
        return False

    def trouble(self) -> str | None:
        # On a busy machine its process may not have noted its pid yet.
        return "its disk is full: 0.1 MB are free" if processes.find(NAME) else None


def test_what_a_server_says_of_its_trouble_is_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    server = _Full(ends=0)
    with pytest.raises(TerminalError, match=r"sleeper is not ready: its disk is full: 0.1 MB are free\."):
        start_up.bring_up_one(server, [], Progress(), threading.Event())
    _print_table(status([server]))
    assert "sleeper is not ready: its disk is full: 0.1 MB are free." in capsys.readouterr().out


def test_a_state_without_a_reason_names_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    _print_table([Health("kafka", "dead", "", "/logs/kafka.log", None, None, 0.0)])
    assert "kafka is dead: see /logs/kafka.log; 'skytier stack up' repairs it." in capsys.readouterr().out


LOW = "Safe mode is ON. Resources are low on NN. Please add or free up more resources"


def test_a_full_disk_is_named_with_the_free_space(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert name_node.full_disk("Safe mode is ON. The reported blocks 0 needs additional 3 blocks") is None
    assert name_node.full_disk("") is None
    assert "its disk is full" in str(name_node.full_disk(LOW))
    folder = home / "data" / "namenode"
    folder.mkdir(parents=True)
    monkeypatch.setattr(name_node, "LEAST_FREE_BYTES", 10**18)
    assert str(folder) in str(name_node.full_disk(LOW))
    assert " MB are free in " in str(name_node.full_disk(LOW))
    monkeypatch.setattr(name_node, "LEAST_FREE_BYTES", 1)
    assert "are free again" in str(name_node.full_disk(LOW))


def test_a_data_node_without_room_says_so() -> None:
    assert "its disk is full: 5.0 MB are free" in str(hdfs.no_room({"Capacity": 10**12, "Remaining": 5 * 1024**2}))
    assert hdfs.no_room({"Capacity": 10**12, "Remaining": 10**12}) is None
    assert hdfs.no_room({"Capacity": 0, "Remaining": 0}) is None
    assert hdfs.no_room({}) is None


def test_a_server_that_was_started_before_an_update_is_named(home: Path) -> None:
    code = home / "code"
    code.mkdir()
    (code / "server.py").touch()
    assert older_than(code, [_Sleeper(ends=0)]) == [], "it does not run"
    process, _ = _started(home)
    os.utime(code / "server.py", (process.create_time() - 60,) * 2)
    assert older_than(code, [_Sleeper(ends=0)]) == []
    (code / "Guard.java").touch()
    os.utime(code / "Guard.java", (process.create_time() + 60,) * 2)
    assert older_than(code, [_Sleeper(ends=0)]) == [NAME]
