"""The ports of servers: free, or whose they are."""

from __future__ import annotations

import socket

import psutil

from local_stack.server import Server
from skytier.errors import TerminalError
from skytier.settings.hosts import BindSettings


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
