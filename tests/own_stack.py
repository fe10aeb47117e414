"""A stack of the tests' own: another home, other ports, the same commands that a user has."""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from skytier.settings.base import PRIVATE, PROJECT_ROOT
from tests import commands

SKYTIER = str(Path(sys.executable).parent / "skytier")
UP_SECONDS = 900  # with the one training of a fresh clone, beside other work
WITHOUT = ("airflow", "feed", "dashboard")  # what most tests do not want: it changes data by itself, or is not asked
SHORT_LIVED = {"SKYTIER_SQL_JVM_OPTIONS": "-XX:TieredStopAtLevel=1"}
"""Settings of a stack for minutes: the JVM that answers queries compiles once and quickly, not twice and well."""
BY_SPARK_SUBMIT = {"SKYTIER_SPARK_SUBMIT": ""}
"""Settings of a Spark job that has a JVM of its own, as a user's has: it may be killed, or run beside another."""
TEST_HOMES = PROJECT_ROOT / "var" / "test"
# Which ports are taken is told beside the checkouts: test sessions of several may run at once.
SLOTS = Path(tempfile.gettempdir()) / f"skytier-test-ports-{os.getuid()}"
# No two ports of a stack differ by a multiple of 500; all stay below ephemeral ones.
OFFSETS = range(1000, 5000, 500)


@dataclass(frozen=True)
class OwnStack:
    """One stack in a folder of ``var/test``."""

    home: Path
    port_offset: int
    settings: dict[str, str] = field(default_factory=dict)
    _drivers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def variables(self) -> dict[str, str]:
        """What makes a process use this stack."""
        return {
            "SKYTIER_HOME": str(self.home),
            "SKYTIER_PORT_OFFSET": str(self.port_offset),
            "SKYTIER_FEED_ENABLED": "0",
            **self.settings,
        }

    def environment(self) -> dict[str, str]:
        """The environment of a command that uses this stack; it may keep compiled modules, as in most shells."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("SKYTIER_")}
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        return kept | self.variables()

    def skytier(self, *arguments: str, seconds: float = UP_SECONDS) -> subprocess.CompletedProcess[str]:
        """Run the command line to its end, whatever its exit status."""
        return self.run_with(self.environment(), *arguments, seconds=seconds)

    def run_with(
        self, environment: dict[str, str], *arguments: str, seconds: float = UP_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        """The same, in another environment."""
        return commands.run(arguments, environment, seconds)

    def run_python(self, code: str) -> None:
        """Run a line of Python against this stack; its output is the failure's message."""
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, env=self.environment(), cwd=PROJECT_ROOT, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a command, and its Spark job, as a user does, and do not wait for it."""
        environment = self.environment() | BY_SPARK_SUBMIT
        return subprocess.Popen([SKYTIER, *arguments], env=environment, stderr=subprocess.DEVNULL, cwd=PROJECT_ROOT)

    @contextmanager
    def one_driver(self) -> Iterator[None]:
        """Within the block the Spark jobs of the stack, which is up, share a driver that stays."""
        address = SLOTS / f"{self.port_offset}.driver"
        address.unlink(missing_ok=True)
        command = [sys.executable, "-m", "tests.job_driver", str(address)]
        log_file = self.home / "logs" / "job-driver.log"
        log_file.touch(0o600)
        with log_file.open("a") as log:
            driver = subprocess.Popen(
                command,
                env=self.environment(),
                cwd=PROJECT_ROOT,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                umask=PRIVATE,  # as the command line has it
            )
        self._drivers.append(driver)
        while not address.exists():
            assert driver.poll() is None, f"The driver of the jobs died: {log.name}"
            time.sleep(0.02)
        client = [sys.executable, "-S", str(PROJECT_ROOT / "tests" / "submit_to_driver.py"), str(address)]
        self.settings["SKYTIER_SPARK_SUBMIT"] = shlex.join(client)
        try:
            yield
        finally:
            self.end_driver()

    def end_driver(self) -> None:
        """No process is left of the driver, where there is one: from now on every job is one of its own."""
        self.settings.pop("SKYTIER_SPARK_SUBMIT", None)
        while self._drivers:
            self._drivers.pop().communicate()

    def up(self, without: Sequence[str]) -> None:
        """Bring the stack up; its output is the failure's message."""
        options = [part for name in without for part in ("--without", name)]
        done = self.skytier("stack", "up", *options)
        assert done.returncode == 0, done.stdout + done.stderr

    def down(self) -> None:
        """Take the stack down."""
        done = self.skytier("stack", "down")
        assert done.returncode == 0, done.stdout + done.stderr

    def servers(self) -> dict[str, dict[str, Any]]:
        """What ``status --json`` says of each server."""
        return {server["name"]: server for server in json.loads(self.skytier("stack", "status", "--json").stdout)}

    def processes(self) -> list[psutil.Process]:
        """All processes that were started for this stack, whoever their parent is now."""
        return [process for process in psutil.process_iter() if self._owns(process)]

    def _owns(self, process: psutil.Process) -> bool:
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            return process.environ().get("SKYTIER_HOME") == str(self.home) and process.pid != os.getpid()
        return False


@contextmanager
def own_stack(name: str, settings: Mapping[str, str] | None = None) -> Iterator[OwnStack]:
    """A stack with a fresh home, not started; taken down at the end, and removed unless the test failed in it."""
    with _slot() as (offset, last_home):
        for home in {last_home, TEST_HOMES / f"{name}-{offset}"}:
            if home is not None:
                _remove(OwnStack(home, offset))
        stack = OwnStack(TEST_HOMES / f"{name}-{offset}", offset, dict(settings or {}))
        (SLOTS / f"{offset}.lock").write_text(str(stack.home))
        try:
            yield stack
        except BaseException:
            stack.down()  # its logs stay until the slot is used again
            raise
        _remove(stack)


@contextmanager
def settings_of(stack: OwnStack) -> Iterator[None]:
    """Let this process's own settings point to the stack, and let it write there as commands do: for its owner only."""
    kept, environment, mask = dict(os.environ), stack.environment(), os.umask(PRIVATE)
    os.environ.clear()
    os.environ.update(environment)
    try:
        yield
    finally:
        os.umask(mask)
        os.environ.clear()
        os.environ.update(kept)


def _remove(stack: OwnStack) -> None:
    if stack.home.exists():
        stack.down()
        shutil.rmtree(stack.home)


@contextmanager
def _slot() -> Iterator[tuple[int, Path | None]]:
    """Ports for one stack: an offset that no other test session holds, and the home that used it last."""
    SLOTS.mkdir(exist_ok=True)
    for offset in OFFSETS:
        with (SLOTS / f"{offset}.lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            lock.seek(0)
            last = lock.read()
            yield offset, Path(last) if last else None
            return
    raise RuntimeError(f"All {len(OFFSETS)} places for test stacks are taken: wait for other test sessions to end.")
