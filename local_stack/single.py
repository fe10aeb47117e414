"""One server in the foreground, as containers and hosts of their own run it, and what is done to it from elsewhere."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NoReturn

from local_stack import processes, servers
from local_stack.ports import check_ports
from local_stack.server import make_home
from skytier import logs
from skytier.errors import TerminalError, TransientError
from skytier.settings.base import PRIVATE, home, scratch_folder
from skytier.settings.hosts import HostSettings

PATIENCE_SECONDS = 600.0
"""how long a server or a set-up waits for another server; whoever started it starts it again afterwards"""
_POLL_SECONDS = 1.0
_CLEANING_SECONDS = 3600.0

log = logs.logger("stack")


def run(name: str, patience_seconds: float = PATIENCE_SECONDS) -> NoReturn:
    """Become a server: this process is the server from then on, and its end is the server's.

    Waits for what it cannot start without. Raises TerminalError where it runs already or a port is taken,
    TransientError where what it waits for does not come.
    """
    end_on_signal()
    server = servers.find(name)
    make_home(may_be_open=True)
    if running := processes.find(name):
        raise TerminalError(f"{name} of {home()} runs already, as process {running.pid}.")
    check_ports(server)
    if not any(processes.find(other) for other in servers.LOCAL | servers.OF_CLUSTERS):
        shutil.rmtree(scratch_folder(), ignore_errors=True)  # what was left by processes that were killed
    wait_for(server.needs_of_start, f"{name} waits", patience_seconds)
    server.prepare()
    command, environment = server.command(), server.whole_environment()
    processes.note_own(name)
    os.umask(PRIVATE)
    os.chdir(home())
    sys.stdout.flush()
    sys.stderr.flush()
    os.execvpe(command[0], command, environment)


def end_on_signal() -> None:
    """End on SIGTERM, which the first process of a container would not do by itself."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def trouble(name: str) -> str | None:
    """Why a server is not ready; None where it is. What ended with an earlier process of it is made anew."""
    server = servers.find(name)
    try:
        if server.ready():
            server.keep_up()
            _clean_logs()
            return None
        return server.trouble() or "it says that it is not ready"
    except Exception as error:  # one that starts answers in many ways
        return _first_line(error)


def _clean_logs() -> None:
    """Delete this host's old logs, now and then: where the stack spans hosts, the task that does it is on another."""
    note = home() / "run" / "logs-cleaned"
    is_due = not note.exists() or time.time() - note.stat().st_mtime > _CLEANING_SECONDS
    if is_due and not HostSettings().is_one_host:
        from local_stack import retention  # imports much, which other checks do not need

        note.parent.mkdir(parents=True, exist_ok=True)
        note.touch()
        retention.clean_host()


def set_up(names: Sequence[str], patience_seconds: float = PATIENCE_SECONDS) -> None:
    """Make what has to exist inside servers, such as users and topics; each is waited for until it answers."""
    for server in [servers.find(name) for name in names]:
        wait_for(partial(_require, server.responds), f"set-up waits for {server.name}", patience_seconds)
        server.set_up()
        log.info("set up", server=server.name)


def prepare(names: Sequence[str]) -> None:
    """Write the configuration of servers whose programs are those of another image."""
    make_home(may_be_open=True)
    for server in [servers.find(name) for name in names]:
        server.configure()
        log.info("configured", server=server.name)


def wait_for(ask: Callable[[], None], what: str, patience_seconds: float) -> None:
    """Ask until it raises nothing; say what is missing whenever that changes. Raises TransientError in the end."""
    deadline, told = time.monotonic() + patience_seconds, ""
    while True:
        try:
            ask()
            return
        except TerminalError:
            raise
        except Exception as error:
            reason = _first_line(error)
            if time.monotonic() > deadline:
                raise TransientError(f"{what}: given up after {patience_seconds:.0f} s ({reason}).") from error
        if reason != told:
            log.info(what, reason=reason)
            told = reason
        time.sleep(_POLL_SECONDS)


def _require(question: Callable[[], bool]) -> None:
    if not question():
        raise TransientError("it does not answer yet")


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
