"""The stack of docker-compose.yml, or of more files on top, run by the suite's engine with secrets of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from models import training_cache
from skytier.settings.base import PROJECT_ROOT
from tests.containers import images
from tests.containers.engine import CACHE, Engine

FILE = PROJECT_ROOT / "docker-compose.yml"
_UP_SECONDS = 1500
_LEAST_CHARACTERS = 24  # others, such as names, are no secrets


@dataclass(frozen=True)
class Composed:
    """A project of the compose file; ``folder`` stands for the project's folder, with its ``deploy/secrets``."""

    engine: Engine
    folder: Path
    program: Path
    files: tuple[Path, ...] = (FILE,)

    def compose(self, *arguments: str, seconds: float = 600) -> str:
        """Run a command of docker compose."""
        files = [part for file in self.files for part in ("--file", file)]
        return self.engine.run(self.program, *files, "--project-directory", self.folder, *arguments, seconds=seconds)

    def up(self) -> None:
        """Bring all of it up and wait until it is healthy."""
        wait = ["--wait", "--wait-timeout", str(_UP_SECONDS)]
        self.compose("up", "--no-build", "--pull", "never", *wait, seconds=_UP_SECONDS + 60)

    def keep_trained(self) -> None:
        """Give a stack that is not up yet what this machine has trained, so that it need not train the same again."""
        if not training_cache.folder().exists():
            return
        readable = self.folder / "models"
        shutil.rmtree(readable, ignore_errors=True)
        shutil.copytree(training_cache.folder(), readable)
        self.engine.run("chmod", "-R", "a+rX", readable)
        volume = ("--volume", f"{readable}:/trained:ro")
        self.once("bootstrap", "cp", "-r", "/trained", "/var/lib/skytier/cache/models", options=volume)

    def remove(self) -> None:
        """Take all of it down, with its volumes."""
        self.compose("down", "--volumes", "--timeout", "5", seconds=300)

    def names(self) -> list[str]:
        """The services of the files."""
        return sorted(self.compose("config", "--services").split())

    def container(self, service: str) -> dict[str, Any]:
        """What the engine knows of the container of a service."""
        name = self.compose("ps", "--all", "--quiet", service).strip()
        return dict(json.loads(self.engine.docker("inspect", name))[0])

    def state(self, service: str) -> str:
        """``healthy``, ``unhealthy``, ``starting``; without a health check ``running`` or ``exited``."""
        state = self.container(service)["State"]
        is_watched = state["Running"] and "Health" in state
        return str(state["Health"]["Status"] if is_watched else state["Status"])

    def execute(self, service: str, *command: str, seconds: float = 600, **settings: str) -> str:
        """Run a command in the container of a service."""
        variables = [part for name, value in settings.items() for part in ("--env", f"{name}={value}")]
        return self.compose("exec", "--no-TTY", *variables, service, *command, seconds=seconds)

    def once(self, service: str, *command: str, options: Sequence[str] = ()) -> str:
        """Run a command in a container of its own of the service."""
        alone = ("run", "--rm", "--no-TTY", "--no-deps", "--pull", "never")
        return self.compose(*alone, *options, service, *command)

    def python(self, service: str, code: str) -> Any:
        """What a program, run in the container of a service, prints as JSON."""
        return json.loads(self.execute(service, "python", "-c", code))

    def secrets(self) -> dict[str, str]:
        """Every secret, by the service and the variable, or file, that holds it."""
        found: dict[str, str] = {}
        folder = self.folder / "deploy" / "secrets"
        for name in self.names():
            for variable, value in dotenv_values(folder / name / "skytier.env").items():
                if len(value or "") >= _LEAST_CHARACTERS:
                    found[f"{name}:{variable}"] = value or ""
            if (folder / name / "password").exists():
                found[f"{name}:password"] = (folder / name / "password").read_text()
        return found


@contextmanager
def composed(engine: Engine, *overlays: Path) -> Iterator[Composed]:
    """A project of the compose file with new secrets; in the end it is taken down, with its volumes."""
    folder = CACHE / "project"
    stack = Composed(engine, folder, images.compose_program(), (FILE, *overlays))
    subprocess.run(["rm", "-rf", str(folder / "deploy")], check=True)
    (folder / "deploy").mkdir(parents=True)
    shutil.copy2(FILE, folder)  # what files on top of it extend
    engine.run(PROJECT_ROOT / "deploy" / "secrets.sh", folder / "deploy" / "secrets")
    stack.remove()  # the volumes that a killed session left belong to other passwords
    try:
        yield stack
    finally:
        stack.remove()
