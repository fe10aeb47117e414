"""Commands of ours, each in a process forked from one that has imported them.

A command is what it is from the shell, from its arguments to its exit status, and dies alone. Only what it imports is
there already, which takes more processor time than most of them do.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from multiprocessing.connection import wait
from pathlib import Path

from skytier.settings.base import PROJECT_ROOT

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        "tests.commands",
        "skytier.cli",
        "local_stack.cli",
        "local_stack.single_cli",
        "local_stack.secrets_cli",
        "generator.cli",
        "opensky.cli",
        "skytier.process_cli",
        "skytier.sql_cli",
        "skytier.warehouse_cli",
        "skytier.pipeline.reconcile_cli",
        "skytier.archive.cli",
        "skytier.hot_cli",
        "models.delay.train_cli",
        "models.registry_cli",
    ]
)

# Whoever starts a process asks for the ends of all others, and an end is told only once.
_one_at_a_time = threading.Lock()
# A process begins with the main module of its parent, and Streamlit's tests leave a page in the place of ours.
_MAIN = sys.modules["__main__"]


def run(arguments: Sequence[str], environment: dict[str, str], seconds: float) -> subprocess.CompletedProcess[str]:
    """``skytier ARGUMENT...`` to its end, whatever its exit status. Raises TimeoutExpired after some seconds."""
    command = ["skytier", *arguments]
    with tempfile.TemporaryDirectory() as folder:
        said, complained = Path(folder) / "stdout", Path(folder) / "stderr"
        process = _FORKS.Process(target=_run, args=(command, environment, said, complained))
        with _one_at_a_time:
            sys.modules["__main__"] = _MAIN
            process.start()
        in_time = wait([process.sentinel], seconds)
        with _one_at_a_time:
            if not in_time:
                process.kill()
            process.join()
        if not in_time or process.exitcode is None:
            raise subprocess.TimeoutExpired(command, seconds)
        return subprocess.CompletedProcess(command, process.exitcode, said.read_text(), complained.read_text())


def _run(command: list[str], environment: dict[str, str], said: Path, complained: Path) -> None:
    from skytier import cli

    for number, path in enumerate((said, complained), start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(PROJECT_ROOT)
    sys.dont_write_bytecode = "PYTHONDONTWRITEBYTECODE" in environment
    sys.argv = command
    cli.main()
