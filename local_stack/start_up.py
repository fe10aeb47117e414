"""How servers are started side by side, and waited for until they are ready."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import psutil

from local_stack import processes
from local_stack.progress import Progress
from local_stack.server import Server, told, yes
from skytier.errors import TerminalError, TransientError

_POLL_SECONDS = 0.2
_BUSY_SECONDS = 30
_PAUSES_SECONDS = (0.5, 2.0)  # before a server that ended while it started is started again
# It logs every attempt to connect to a server that is not up yet.
logging.getLogger("thrift").setLevel(logging.CRITICAL)


def bring_up(servers: Sequence[Server], progress: Progress) -> None:
    """Start servers at the same time, each as soon as those it needs are ready.

    One that runs and answers stays; one that does not answer is restarted. Raises TerminalError when a server ends,
    TransientError when one is not ready in time.
    """
    if not servers:
        return
    gone_wrong = threading.Event()
    ready: dict[str, Future[None]] = {}
    with ThreadPoolExecutor(len(servers)) as pool:
        try:
            for server in servers:
                needed = [ready[name] for name in server.needs if name in ready]
                ready[server.name] = pool.submit(bring_up_one, server, needed, progress, gone_wrong)
            errors = [error for future in ready.values() if (error := future.exception())]
        except BaseException:  # Ctrl-C: the threads give up, so that the pool can end
            gone_wrong.set()
            raise
    for error in sorted(errors, key=lambda one: isinstance(one, _AbandonedError)):
        raise error


class _AbandonedError(TransientError):
    """Another server failed, so waiting for this one was given up."""


def bring_up_one(server: Server, needed: list[Future[None]], progress: Progress, gone_wrong: threading.Event) -> None:
    """Start a server once those that it needs are ready; ``gone_wrong`` is set, or tells, that one did not come up."""
    try:
        for other in needed:
            if other.exception():
                raise _AbandonedError(f"{server.name} was not started, for a server that it needs did not come up.")
        began = time.monotonic()
        progress.begin(server.name)
        if processes.find(server.name) and _answers_in_time(server):
            progress.done(server.name, "was running", time.monotonic() - began, server.address())
            return
        processes.stop(server.name, server.stop_signal)
        _start(server, progress, gone_wrong)
        progress.done(server.name, "ready", time.monotonic() - began, server.address())
    except BaseException:
        gone_wrong.set()
        raise


def _start(server: Server, progress: Progress, gone_wrong: threading.Event) -> None:
    """Start a server and wait until it is ready; one that ends meanwhile is started again, a few times.

    What an earlier one left may be in its way for a moment: memory that its processes share, a lock, a port.
    """
    for pause_seconds in (*_PAUSES_SECONDS, None):
        server.prepare()
        process = processes.start(server.name, server.command(), server.whole_environment())
        began = time.monotonic()
        try:
            _wait(server, process, gone_wrong)
            return
        except _EndedError:
            if pause_seconds is None:
                raise
            progress.note(server.name, "ended, again", time.monotonic() - began, str(processes.log_file(server.name)))
            if gone_wrong.wait(pause_seconds):
                raise


def _answers_in_time(server: Server) -> bool:
    """Whether a running server is ready; a busy machine may make it slow, which is no reason to restart it."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while processes.find(server.name):
        if yes(server.responds):
            server.set_up()  # an earlier 'up' may have been killed before this
            if yes(server.ready):
                return True
        _check_trouble(server)
        if time.monotonic() > deadline or yes(server.is_stuck):
            return False
        time.sleep(_POLL_SECONDS)
    return False


class _EndedError(TerminalError):
    """A server ended while it started."""


def _wait(server: Server, process: psutil.Process | None, gone_wrong: threading.Event) -> None:
    deadline = time.monotonic() + server.patience_seconds
    is_set_up = False
    while time.monotonic() < deadline:
        if not processes.alive(process):
            raise _EndedError(_with_log(server, "ended while it started"))
        if not is_set_up and yes(server.responds):
            server.set_up()
            is_set_up = True
        if is_set_up and yes(server.ready):
            return
        _check_trouble(server)
        if gone_wrong.wait(_POLL_SECONDS):
            raise _AbandonedError(f"Waiting for {server.name} was given up, for another server did not come up.")
    raise TransientError(_with_log(server, f"was not ready within {server.patience_seconds:.0f} s"))


def _check_trouble(server: Server) -> None:
    """Raise TerminalError where the server itself says why it is not ready."""
    if trouble := told(server.trouble):
        raise TerminalError(f"{server.name} is not ready: {trouble}.")


def _with_log(server: Server, what: str) -> str:
    return f"{server.name} {what}. The end of {processes.log_file(server.name)}:\n{processes.log_tail(server.name)}"
