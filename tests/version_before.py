"""The version before: its code with the packages and jars of this environment, to make a warehouse with."""

from __future__ import annotations

import io
import json
import subprocess
import sysconfig
import tarfile
import venv
from pathlib import Path
from typing import Any

from skytier.settings.base import PROJECT_ROOT
from tests.own_stack import BY_SPARK_SUBMIT, UP_SECONDS, WITHOUT, OwnStack

COMMIT = "923d58d8992f348474605245ded72e4fcfad3309"
"""the last of version 0.1"""
LEFT = "version-before.json"


class VersionBefore:
    """The commands of the version before, from a folder with its code."""

    def __init__(self, folder: Path) -> None:
        code = subprocess.run(["git", "archive", COMMIT], cwd=PROJECT_ROOT, check=True, capture_output=True).stdout
        with tarfile.open(fileobj=io.BytesIO(code)) as archive:
            archive.extractall(folder, filter="data")
        environment = folder / ".venv"
        venv.EnvBuilder(symlinks=True).create(environment)
        (packages,) = environment.glob("lib/python*/site-packages")
        ours = Path(sysconfig.get_path("purelib"))
        # The links of our own packages to this project, which their folder has too, are not followed from here.
        (packages / "version_before.pth").write_text(f"{folder}\n{ours}\n")
        (environment / "bin" / "spark-submit").symlink_to(Path(sysconfig.get_path("scripts")) / "spark-submit")
        self._python = str(environment / "bin" / "python")
        self._folder = folder
        jars = folder / "var" / "jars"
        jars.mkdir(parents=True)
        # What was fetched, and not the classes that are compiled of other sources here.
        for fetched in (PROJECT_ROOT / "var" / "jars").glob("*/.complete"):
            (jars / fetched.parent.name).symlink_to(fetched.parent)

    def run(self, stack: OwnStack, *arguments: str) -> str:
        """A command that must end well; what it printed."""
        done = subprocess.run(
            [self._python, "-m", "skytier.cli", *arguments],
            env=stack.environment() | BY_SPARK_SUBMIT,
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=UP_SECONDS,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def up(self, stack: OwnStack) -> None:
        """Start the servers in two steps: together they would train a model first, as a new stack does."""
        for last in ("kafka", "sql"):
            self.run(stack, "stack", "up", *(f"--without={name}" for name in (*WITHOUT, last)))
        self.run(stack, "warehouse", "migrate")


def make_warehouse(stack: OwnStack, *events: str) -> None:
    """Let the version before make the warehouse of a new stack, with some events, and stop its servers."""
    before = VersionBefore(stack.home / "version-before")
    before.up(stack)
    report = json.loads(before.run(stack, "synthesize", *events, "--json"))
    before.run(stack, "process")
    before.run(stack, "books", "check")
    before.run(stack, "stack", "down")
    (stack.home / LEFT).write_text(json.dumps(report))


def left_by_it(stack: OwnStack) -> dict[str, Any]:
    """The report of the events that it published and took through."""
    found: dict[str, Any] = json.loads((stack.home / LEFT).read_text())
    return found
