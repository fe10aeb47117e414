"""Commands of the README and of the page on SQL, run as they stand there but for the port of the SQL endpoint."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from skytier.settings.base import PROJECT_ROOT
from skytier.settings.ports import PortSettings
from tests.own_stack import OwnStack

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("january")]

PAGES = ("README.md", "docs/sql.md")
# What only looks: other commands publish events, or start and stop servers.
ONLY_LOOKS = ("skytier sql", "skytier archive status", "skytier models list", "beeline")


def blocks(language: str) -> list[str]:
    """What stands in blocks of a language on the pages, each once."""
    found = [re.findall(rf"```{language}\n(.*?)```", (PROJECT_ROOT / page).read_text(), re.DOTALL) for page in PAGES]
    return list(dict.fromkeys(block for of_page in found for block in of_page))


def commands() -> list[str]:
    """The commands in blocks of the shell and, behind a prompt, in those without a language."""
    typed = ["\n".join(blocks("sh")), *re.findall(r"^\$ (.*?\")$", "\n".join(blocks("")), re.DOTALL | re.MULTILINE)]
    lines = re.sub(r"\\\n\s*", "", typed[0]).splitlines() + typed[1:]
    return list(dict.fromkeys(line for line in lines if line.startswith(ONLY_LOOKS)))


@pytest.fixture
def folder(stack: OwnStack, tmp_path: Path) -> Path:
    """A folder that looks like the project's."""
    (tmp_path / "var").symlink_to(stack.home)
    return tmp_path


def here(text: str) -> str:
    """A text of the pages with this stack's port."""
    port = PortSettings().sql
    return text.replace("127.0.0.1:10000", f"127.0.0.1:{port}").replace('"127.0.0.1", 10000', f'"127.0.0.1", {port}')


def test_the_pages_have_what_is_run_here() -> None:
    programs = [command.split()[0] for command in commands()]
    assert programs.count("skytier") >= 12
    assert programs.count("beeline") == 2
    assert len(blocks("python")) == 3


@pytest.mark.parametrize("command", [one for one in commands() if one.startswith("skytier")])
def test_a_command_of_ours_does_what_its_page_says(stack: OwnStack, command: str) -> None:
    _, *arguments = shlex.split(command, comments=True)
    if ">" in arguments:
        arguments = arguments[: arguments.index(">")]
    done = stack.skytier(*arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize("command", [one for one in commands() if one.startswith("beeline")])
def test_beeline_does_what_its_page_says(stack: OwnStack, folder: Path, command: str) -> None:
    program = Path(sys.executable).parent / "beeline"
    arguments = shlex.split(here(command), comments=True)[1:]
    done = subprocess.run(
        [program, *arguments],
        cwd=folder,
        env=os.environ | {"PATH": f"{program.parent}:{os.environ['PATH']}"},  # as in the environment that is activated
        input="" if "-e" in arguments else "!quit\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "Error" not in done.stderr
    if "-e" in arguments:
        assert re.search(r"airline +\| flights", done.stdout), done.stdout
    else:
        assert "Connected to: Spark SQL" in done.stderr


@pytest.mark.parametrize("code", [code for code in blocks("python") if "import ssl" not in code])
def test_code_does_what_its_page_says(stack: OwnStack, folder: Path, code: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", here(code)],
        cwd=folder,
        env=os.environ | stack.variables(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout
