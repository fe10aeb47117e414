"""A stack of the tests' own: another home, other ports, the same commands that a user has."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from skytier.settings import PROJECT_ROOT

SKYTIER = str(Path(sys.executable).parent / "skytier")
UP_SECONDS = 400


@dataclass(frozen=True)
class OwnStack:
    """One stack in a folder of ``var/test``."""

    home: Path
    port_offset: int

    def variables(self) -> dict[str, str]:
        """What makes a process use this stack."""
        return {
            "SKYTIER_HOME": str(self.home),
            "SKYTIER_PORT_OFFSET": str(self.port_offset),
            "SKYTIER_FEED_ENABLED": "0",
        }

    def environment(self) -> dict[str, str]:
        """The environment of a command that uses this stack."""
        return {key: value for key, value in os.environ.items() if not key.startswith("SKYTIER_")} | self.variables()

    def skytier(self, *arguments: str, seconds: float = UP_SECONDS) -> subprocess.CompletedProcess[str]:
        """Run the command line to its end, whatever its exit status."""
        return self.run_with(self.environment(), *arguments, seconds=seconds)

    def run_with(
        self, environment: dict[str, str], *arguments: str, seconds: float = UP_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        """The same, in another environment."""
        return subprocess.run(
            [SKYTIER, *arguments],
            env=environment,
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a command and do not wait for it."""
        return subprocess.Popen(
            [SKYTIER, *arguments], env=self.environment(), stderr=subprocess.DEVNULL, cwd=PROJECT_ROOT
        )

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
def own_stack(name: str, port_offset: int) -> Iterator[OwnStack]:
    """A stack with a fresh home, not started; taken down and removed at the end."""
    stack = OwnStack(PROJECT_ROOT / "var" / "test" / name, port_offset)
    if stack.home.exists():  # an earlier session was killed
        stack.skytier("stack", "down")
        shutil.rmtree(stack.home)
    yield stack
    stack.down()
    shutil.rmtree(stack.home)
