"""``skytier warehouse``: the tables of the cold tier."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

from cyclopts import App, Parameter
from rich.table import Table

from events.archive_targets import all_targets
from events.pipelines import all_pipelines
from skytier import locks, spark, terminal, warehouse
from skytier.archive import visibility
from skytier.settings.archive import ArchiveSettings
from skytier.settings.mongodb import MongoSettings
from skytier.sql import Connection

app = App(name="warehouse", help="The tables of the cold tier: migrate, status, maintain.")

AsJson = Annotated[bool, Parameter(name="--json", negative="")]


@app.command
def migrate(*, as_json: AsJson = False) -> None:
    """Bring tables, views and reference dimensions up to date; again at any time.

    Parameters
    ----------
    as_json
        Print what was done as JSON.
    """
    settings = MongoSettings()
    with Connection() as connection, locks.lease(locks.MIGRATION) as lease:
        done = warehouse.migrate(connection, lease.files, [pipeline.contract for pipeline in all_pipelines()])
        for target in all_targets(settings, ArchiveSettings()):
            visibility.create_views(connection, target, settings)
    if as_json:
        print(json.dumps(asdict(done)))
        return
    for name in done.applied:
        print(f"applied {name}")
    for name in done.loaded:
        print(f"loaded {name}")
    for name, version in done.registered.items():
        print(f"registered version {version} of the event contract {name}")
    if not (done.applied or done.loaded or done.registered):
        print("The warehouse is up to date.")


@app.command
def status(*, as_json: AsJson = False) -> None:
    """Show the version of the warehouse and what its tables hold.

    Parameters
    ----------
    as_json
        Print it as JSON.
    """
    with Connection() as connection:
        state = warehouse.status(connection)
    if as_json:
        print(json.dumps(asdict(state)))
        return
    table = Table("table", header_style="bold")
    for name in ("rows", "files", "MB", "snapshots"):
        table.add_column(name, justify="right")
    for size in state.tables:
        terminal.add_row(
            table, size.name, f"{size.rows:,}", f"{size.files:,}", f"{size.size_mb:,.2f}", f"{size.snapshots:,}"
        )
    terminal.print_table(table)
    due = f"due: {', '.join(state.pending)}; run 'skytier warehouse migrate'" if state.pending else "up to date"
    print(f"migration {state.version}, {due}")


@app.command
def maintain() -> None:
    """Compact small files, expire old snapshots, remove orphan files: what Airflow does every hour."""
    spark.submit("maintain_warehouse")
