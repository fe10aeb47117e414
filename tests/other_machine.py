"""Another machine that works on a stack: the same servers by settings, and no home, files or locks in common."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from dotenv import dotenv_values

from skytier.settings.base import PROJECT_ROOT
from tests.own_stack import BY_SPARK_SUBMIT, SKYTIER, OwnStack

_SECONDS = 120


@dataclass(frozen=True)
class Machine:
    """Where commands run that share nothing with others but the servers."""

    home: Path
    environment: Mapping[str, str]

    def start(self, *arguments: str, **settings: str) -> Running:
        """Start a command, and its Spark job, as a user does, and do not wait for it."""
        output = self.home / f"output-{time.monotonic_ns()}.log"
        with output.open("wb") as log:
            process = subprocess.Popen(
                [SKYTIER, *arguments],
                env={**self.environment, **settings},
                stdout=log,
                stderr=log,
                cwd=PROJECT_ROOT,
            )
        return Running(process, output)


@dataclass(frozen=True)
class Running:
    """A command that was started, with the processes of its Spark job."""

    process: subprocess.Popen[bytes]
    output: Path

    def said(self) -> list[dict[str, Any]]:
        """The events that it has logged."""
        return [json.loads(line) for line in self.output.read_text().splitlines() if line.startswith("{")]

    def wait_for(self, event: str) -> dict[str, Any]:
        """The first event of a name, once it is logged."""
        end = time.monotonic() + _SECONDS
        while not (found := [known for known in self.said() if known["event"] == event]):
            assert time.monotonic() < end, self.output.read_text()
            assert self.process.poll() is None, self.output.read_text()
            time.sleep(0.3)
        return found[0]

    def wait_until_stopped(self) -> None:
        """Wait until a fault point has stopped its job, then stop what else of it there is."""
        end = time.monotonic() + _SECONDS
        while not any(process.status() == psutil.STATUS_STOPPED for process in self._processes()):
            assert time.monotonic() < end, self.output.read_text()
            assert self.process.poll() is None, self.output.read_text()
            time.sleep(0.3)
        self._signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Let all of it go on."""
        self._signal(signal.SIGCONT)

    def end(self) -> int:
        """Its exit status."""
        return self.process.wait(_SECONDS)

    def _processes(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def _signal(self, number: int) -> None:
        for process in self._processes():
            os.kill(process.pid, number)


def machine(stack: OwnStack, home: Path, **settings: str) -> Machine:
    """A machine with a home of its own, which reaches the servers of a stack by its environment alone.

    Where they speak TLS it has a copy of their authority's certificate.
    """
    home.mkdir()
    trusted = {}
    if (authority := stack.home / "tls" / "ca.pem").exists():
        trusted = {"SKYTIER_TLS_CA_FILE": str(shutil.copy(authority, home))}
    secrets = {name: value or "" for name, value in dotenv_values(stack.home / "stack.env").items()}
    environment = stack.environment() | secrets | BY_SPARK_SUBMIT | trusted | {"SKYTIER_HOME": str(home)} | settings
    code = "from skytier import spark; spark.write_job_properties()"
    subprocess.run([sys.executable, "-c", code], env=environment, cwd=PROJECT_ROOT, check=True)
    return Machine(home, environment)
