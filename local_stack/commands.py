"""``skytier stack``: its commands by name, so that only the one that runs is imported: health checks run often."""

from __future__ import annotations

import sys

from cyclopts import App

app = App(name="stack", help="The servers of the local stack, of containers and of clusters.")
COMMANDS = {
    "up": ("cli:up", "Start, repair and wait for all servers of the local stack."),
    "down": ("cli:down", "Stop servers of the local stack; their data stays."),
    "status": ("cli:status", "Show every server of the local stack."),
    "clean": ("cli:clean", "Delete old logs, and Airflow's old records of its runs."),
    "certificates": ("cli:make_certificates", "Make a test authority and the servers' certificates, for TLS."),
    "run": ("single_cli:run", "Run one server in the foreground."),
    "check": ("single_cli:check", "Ask a server of this host whether it is ready."),
    "set-up": ("single_cli:set_up", "Make what has to exist inside servers, such as users and topics."),
    "prepare": ("single_cli:prepare", "Write the configuration files of servers that run from another image."),
    "bootstrap": (
        "single_cli:bootstrap",
        "Set up all servers, then schema, model, back-fill and first minute job.",
    ),
    "operator-link": ("cli:operator_link", "Show the link that makes a browser an operator's."),
    "secrets": ("secrets_cli:secrets", "Make the passwords and certificates of a stack of containers."),
}
for name, (function, purpose) in COMMANDS.items():
    # The command that is asked for says itself what it is for, at length.
    app.command(f"local_stack.{function}", name=name, help=None if name in sys.argv[2:3] else purpose)
