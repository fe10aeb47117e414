"""The command ``skytier``: parts register their commands by name, so that only the one that runs is imported."""

from __future__ import annotations

import os
import sys

from cyclopts import App, CycloptsError

from skytier import logs, terminal
from skytier.errors import SkytierError
from skytier.settings.base import PRIVATE

# Where each command is, and what it is for: a list of all would otherwise import all.
COMMANDS = {
    "stack": ("local_stack.commands:app", "Start, stop, show and set up servers."),
    "replay": ("generator.cli:replay", "Publish the real flights of 2013 as events."),
    "synthesize": ("generator.cli:synthesize", "Publish synthetic flights, with known shares of faulty records."),
    "opensky": ("opensky.cli:opensky", "Publish where aircraft are, from the OpenSky Network or recorded."),
    "process": ("skytier.process_cli:process", "Run one minute job: process the new records in Kafka."),
    "sql": ("skytier.sql_cli:sql", "Run a query over the warehouse and print its result."),
    "warehouse": ("skytier.warehouse_cli:app", "Migrate, show and maintain the tables of the cold tier."),
    "reconcile": ("skytier.pipeline.reconcile_cli:app", "Check that what was consumed is stored, in every store."),
    "alerts": ("skytier.alerts_cli:app", "Check servers, DAGs, lag and quality for alerts; list alerts."),
    "archive": (
        "skytier.archive.cli:app",
        "Archive the oldest events of the hot tier; verify, restore, compact, hold.",
    ),
    "hot": ("skytier.hot_cli:app", "Rebuild the hot tier from the cold one."),
    "train": ("models.delay.train_cli:train", "Train the delay model; publish it, and promote it if it is better."),
    "models": (
        "models.registry_cli:app",
        "List, show, promote and roll back versions of the delay model; measure its drift.",
    ),
}
# Former names, for one more version.
ALIASES = {"books": "skytier.pipeline.reconcile_cli:books"}


def command_line(asked: str | None) -> App:
    """The whole command line. The command that is asked for says itself what it is for, at length."""
    app = App(name="skytier", help="A two-tier flight-data warehouse.", version_flags=["--version"])
    for name, (path, purpose) in COMMANDS.items():
        app.command(path, name=name, help=None if name == asked else purpose)
    for name, path in ALIASES.items():
        app.command(path, name=name, show=False)
    return app


def main() -> None:
    """Run the command line. Exit status: 0 done, 1 failed, 2 wrong use."""
    os.umask(PRIVATE)
    logs.configure()
    try:
        command_line(next(iter(sys.argv[1:]), None))(exit_on_error=False, print_error=True)
    except CycloptsError:
        sys.exit(2)
    except SkytierError as error:
        print(f"error: {terminal.visible(str(error))}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
