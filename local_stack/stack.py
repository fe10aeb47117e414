"""The stack as a whole: which servers there are, and how they are started, stopped and looked at."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import psutil

from local_stack import bootstrap, certificates, processes
from local_stack.airflow import ApiServer, DagProcessor, Scheduler
from local_stack.dashboard import Dashboard
from local_stack.environment import ensure_stack_env
from local_stack.feed import Feed
from local_stack.hdfs import DataNode, NameNode
from local_stack.kafka import Kafka
from local_stack.metastore import Metastore
from local_stack.mongodb import MongoDB
from local_stack.postgres import Postgres
from local_stack.progress import Progress
from local_stack.redis import Redis
from local_stack.server import Server, make_home
from local_stack.sql_endpoint import SqlEndpoint
from local_stack.start_up import bring_up
from skytier import spark
from skytier.errors import TerminalError, TransientError
from skytier.file_lock import file_lock
from skytier.settings.base import home, scratch_folder
from skytier.settings.feed import FeedSettings
from skytier.settings.hosts import BindSettings
from skytier.settings.tls import TlsSettings

# In this order every server stands after those it needs.
SERVERS: tuple[Server, ...] = (
    Postgres(),
    NameNode(),
    DataNode(),
    Metastore(),
    MongoDB(),
    Kafka(),
    SqlEndpoint(),
    Redis(),
    ApiServer(),
    Scheduler(),
    DagProcessor(),
    Dashboard(),
    Feed(),
)


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


def up(servers: Sequence[Server], progress: Progress) -> None:
    """Start what does not run, restart what does not answer, wait until all are ready; the first steps between.

    Raises TerminalError when a port is taken or a server ends, TransientError when one is not ready in time.
    """
    make_home()
    with _only_one(), progress:
        ensure_stack_env()
        if TlsSettings().enabled:
            certificates.renew(servers)
        for server in servers:  # before anything is started that would be left running
            if not processes.find(server.name):
                check_ports(server)
        if not any(processes.find(server.name) for server in SERVERS):
            shutil.rmtree(scratch_folder())  # what was left by processes that were killed
        spark.write_job_properties()
        bring_up([server for server in servers if not server.after_bootstrap], progress)
        if {"datanode", "sql", "mongodb", "kafka"} <= {server.name for server in servers}:
            bootstrap.run(progress)
        bring_up([server for server in servers if server.after_bootstrap], progress)


def make_certificates(names: Sequence[str], *, renew: bool) -> list[certificates.Certificate]:
    """The certificates of TLS; made where they are missing or no longer good, or all servers' anew."""
    make_home()
    with _only_one():
        return certificates.ensure(names, renew=renew)


def check_ports(server: Server) -> None:
    """Raise TerminalError where another process listens on one of its ports."""
    address = BindSettings().address
    for setting, port in server.ports().items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError as error:
                raise TerminalError(
                    f"Port {port} on {address}, which {server.name} needs, is in use{_user_of(port)}. "
                    f"Stop what uses it, or set {setting} (or SKYTIER_PORT_OFFSET) before the first start."
                ) from error


def _user_of(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            here = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr[1] == port
            if here and connection.pid:
                return f" by process {connection.pid} ({psutil.Process(connection.pid).name()})"
    except (psutil.AccessDenied, psutil.NoSuchProcess):
        pass
    return ""


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
