"""What images are built from is what the local stack is installed from."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from skytier.settings.base import PROJECT_ROOT

pytestmark = pytest.mark.plain

IMAGES = PROJECT_ROOT / "deploy" / "images"


def locked(name: str) -> dict[str, list[str]]:
    """The hashes of every package of a lock, by name and version."""
    text = (PROJECT_ROOT / "requirements" / name).read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[a-z0-9])", text)
    return {block.split()[0]: re.findall(r"--hash=(\S+)", block) for block in blocks}


def test_the_lock_of_the_images_is_a_part_of_the_one_of_the_local_stack() -> None:
    images, everything = locked("runtime.txt"), locked("jobs.txt")
    assert len(images) > 50
    assert {name: everything.get(name) for name in images} == images
    assert not [name for name in images if name.startswith(("pytest", "mypy", "fiftyone", "mkdocs"))]


def test_jars_come_from_the_list_of_the_local_stack() -> None:
    copied = re.search(r"copy_jars (.*)", (IMAGES / "Dockerfile").read_text(encoding="utf-8"))
    installed = re.search(
        r"wanted=\((.*)\)\n", (PROJECT_ROOT / "local_stack" / "install.sh").read_text(encoding="utf-8")
    )
    assert copied
    assert installed
    assert copied[1] == installed[1]


def test_dockerfiles_pass_the_linter() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    files = [IMAGES / "Dockerfile", *(PROJECT_ROOT / "tests" / "containers" / "standins").glob("*/Dockerfile")]
    done = subprocess.run(
        [hadolint, "--config", IMAGES / ".hadolint.yaml", *files], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_dockerfiles_build_with_every_engine() -> None:
    """Heredocs and syntax lines want a newer one, or a registry."""
    text = (IMAGES / "Dockerfile").read_text(encoding="utf-8")
    assert "<<" not in text
    assert "syntax=" not in text


@pytest.fixture
def check(tmp_path: Path) -> Callable[[], int]:
    """The health check, of a server that is ready while a file ``ready`` is there; each question is noted."""
    program = tmp_path / "skytier"
    program.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/asked\n[ -f {tmp_path}/ready ]\n')
    program.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "TMPDIR": str(tmp_path)}

    def run() -> int:
        return subprocess.run([IMAGES / "healthy", "kafka", "60"], env=environment, check=False).returncode

    return run


def asked(folder: Path) -> int:
    return len((folder / "asked").read_text().splitlines())


def test_a_server_that_is_not_ready_is_asked_every_time(tmp_path: Path, check: Callable[[], int]) -> None:
    assert [check(), check()] == [1, 1]
    assert (tmp_path / "asked").read_text() == "stack check kafka\n" * 2


def test_an_answer_is_good_for_a_minute_and_no_longer(tmp_path: Path, check: Callable[[], int]) -> None:
    (tmp_path / "ready").touch()
    assert [check(), check()] == [0, 0]
    assert asked(tmp_path) == 1
    (tmp_path / "ready").unlink()
    assert check() == 0, "it was asked less than a minute ago"
    minute_ago = time.time() - 61
    os.utime(tmp_path / "healthy-kafka", (minute_ago, minute_ago))
    assert [check(), check()] == [1, 1]
    assert asked(tmp_path) == 3
