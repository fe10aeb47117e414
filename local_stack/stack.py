"""The stack as a whole: which servers there are, and how they are started, stopped and looked at."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

from local_stack import bootstrap, certificates, processes, servers
from local_stack.environment import ensure_stack_env
from local_stack.feed import Feed
from local_stack.ports import check_ports
from local_stack.progress import Progress
from local_stack.server import Server, make_home
from local_stack.start_up import bring_up
from skytier import spark
from skytier.errors import TerminalError, TransientError
from skytier.file_lock import file_lock
from skytier.settings.base import home, scratch_folder
from skytier.settings.feed import FeedSettings
from skytier.settings.tls import TlsSettings

SERVERS: tuple[Server, ...] = tuple(map(servers.find, servers.LOCAL))
"""those of the local stack; every server stands after those it needs"""
CLUSTER_SERVERS: tuple[Server, ...] = tuple(map(servers.find, servers.OF_CLUSTERS))
"""those that only containers and clusters have"""


def select(without: Sequence[str]) -> list[Server]:
    """All servers but the named ones and those that need them; the feed only where it is wanted."""
    left_out = _named(without) if FeedSettings().enabled else _named([*without, Feed.name])
    for server in SERVERS:
        if left_out & set(server.needs):
            left_out.add(server.name)
    return [server for server in SERVERS if server.name not in left_out]


def _named(names: Sequence[str]) -> set[str]:
    """The servers of these names; ``airflow`` names all of Airflow's. Raises TerminalError on an unknown name."""
    known = [server.name for server in SERVERS]
    groups = [name.partition("-")[0] for name in known]
    if unknown := set(names).difference(known, groups):
        raise TerminalError(f"There is no server {', '.join(sorted(unknown))}; the servers are {', '.join(known)}.")
    return {name for name, group in zip(known, groups, strict=True) if name in names or group in names}


def _only_one() -> AbstractContextManager[None]:
    """Let one ``up`` or ``down`` of this stack run at a time."""

    def give_up() -> None:
        raise TransientError(f"Another 'up' or 'down' of the stack in {home()} is running: wait for it.")

    return file_lock(home() / "stack.lock", on_wait=give_up)


def up(chosen: Sequence[Server], progress: Progress) -> None:
    """Start what does not run, restart what does not answer, wait until all are ready; the first steps between.

    Raises TerminalError when a port is taken or a server ends, TransientError when one is not ready in time.
    """
    make_home()
    with _only_one(), progress:
        ensure_stack_env()
        if TlsSettings().enabled:
            certificates.renew(chosen)
        for server in chosen:  # before anything is started that would be left running
            if not processes.find(server.name):
                check_ports(server)
        if not any(processes.find(server.name) for server in SERVERS):
            shutil.rmtree(scratch_folder())  # what was left by processes that were killed
        spark.write_job_properties()
        bring_up([server for server in chosen if not server.after_bootstrap], progress)
        if {"datanode", "sql", "mongodb", "kafka"} <= {server.name for server in chosen}:
            bootstrap.run(progress)
        bring_up([server for server in chosen if server.after_bootstrap], progress)


def make_certificates(names: Sequence[str], *, renew: bool) -> list[certificates.Certificate]:
    """The certificates of TLS; made where they are missing or no longer good, or all servers' anew."""
    make_home()
    with _only_one():
        return certificates.ensure(names, renew=renew)


def down(names: Sequence[str], progress: Progress) -> None:
    """Stop the named servers, all when none is named; those first that need others."""
    with _only_one(), progress:
        waiting = [server for server in SERVERS if server.name in _named(names)] if names else list(SERVERS)
        while waiting:
            # Stop together what no other running server needs.
            needed = {name for server in waiting for name in server.needs}
            leaves = [server for server in waiting if server.name not in needed]
            waiting = [server for server in waiting if server.name in needed]
            with ThreadPoolExecutor(len(leaves)) as pool:
                list(pool.map(lambda server: _take_down(server, progress), leaves))


def _take_down(server: Server, progress: Progress) -> None:
    began = time.monotonic()
    if processes.stop(server.name, server.stop_signal):
        progress.done(server.name, "stopped", time.monotonic() - began, "")
