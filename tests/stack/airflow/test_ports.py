"""What the processes of a whole stack listen on: documented ports of this machine alone."""

from __future__ import annotations

from contextlib import suppress

import psutil
import pytest

from tests import port_table
from tests.own_stack import SLOTS, OwnStack

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("airflow")]

# Ports that the system hands out: the RPC and the blocks of Spark's driver, the DataNode's inner HTTP server.
OTHER_PORTS = {"sql": 2, "datanode": 1}
HAVE_NONE = {"airflow-scheduler", "airflow-dags", "feed"}


def test_every_socket_is_on_loopback(stack: OwnStack) -> None:
    pids = {process.pid: process.name() for process in stack.processes()}
    open_to_others = [
        (pids[connection.pid], connection.laddr)
        for connection in psutil.net_connections("inet")
        if connection.pid in pids
        and connection.laddr
        and (connection.status == psutil.CONN_LISTEN or not connection.raddr)
        and connection.laddr.ip.removeprefix("::ffff:") not in ("127.0.0.1", "::1")
    ]
    assert open_to_others == []


def jobs() -> set[int]:
    """The processes of Spark jobs that run now, whose ports the system hands out: see test_spark_access.py."""
    found = set()
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if any("spark_jobs/" in part for part in process.cmdline()):
                found |= {process.pid, *(child.pid for child in process.children(recursive=True))}
    return found


def test_no_port_listens_that_is_not_documented(stack: OwnStack) -> None:
    documented = {row.port for row in port_table.rows()}
    running = {name: shown["pid"] for name, shown in stack.servers().items() if shown["state"] == "ready"}
    assert running.keys() >= {"airflow-api", "airflow-scheduler", "airflow-dags", "dashboard", "sql", "kafka"}
    listening = [one for one in psutil.net_connections("inet") if one.status == psutil.CONN_LISTEN]
    for name, pid in running.items():
        tree = {pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))} - jobs()
        found = {one.laddr.port - stack.port_offset for one in listening if one.laddr and one.pid in tree}
        known = set(port_table.ports_of(name))
        assert bool(known) is (name not in HAVE_NONE), name
        assert known <= found, name
        assert len(found - known) == OTHER_PORTS.get(name, 0), (name, found - known)
        assert known <= documented, name


def test_no_socket_with_a_path_lies_where_others_reach_it(stack: OwnStack) -> None:
    of_stack = {process.pid for process in stack.processes()}
    own = (str(stack.home), str(SLOTS))  # the driver of the tests listens in the second
    paths = [str(one.laddr) for one in psutil.net_connections("unix") if one.pid in of_stack and one.laddr]
    assert [path for path in paths if not path.startswith(own)] == []
