"""``skytier stack run|check|set-up|prepare|bootstrap``: single servers, for containers and hosts of their own."""

from __future__ import annotations

import sys

from local_stack import single
from skytier import terminal


def run(name: str) -> None:
    """Run one server in the foreground: this process becomes the server.

    It waits until what the server needs to start is there, such as its database.

    Parameters
    ----------
    name
        The server.
    """
    single.run(name)


def check(name: str) -> None:
    """Ask a server of this host whether it is ready. Exit status 1 when it is not, with the reason.

    Parameters
    ----------
    name
        The server.
    """
    if why := single.trouble(name):
        terminal.say(f"{name} is not ready: {why}")
        sys.exit(1)


def set_up(*names: str) -> None:
    """Make what has to exist inside servers, such as users and topics, once they answer.

    What exists already stays.

    Parameters
    ----------
    names
        The servers.
    """
    single.end_on_signal()
    single.set_up(names)


def prepare(*names: str) -> None:
    """Write the configuration files of servers that run from another image, and nothing else.

    Parameters
    ----------
    names
        The servers.
    """
    single.prepare(names)


def bootstrap() -> None:
    """Set up all servers, then make schema, indexes and model, publish the back-fill and run the first minute job.

    Servers may start at the same time: each is waited for. Every step looks first whether its work is done.
    """
    from local_stack import bootstrap as steps  # imports much, which a check does not need

    single.end_on_signal()
    steps.run_everywhere()
