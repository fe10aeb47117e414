"""``skytier archive``: runs of the archive, and what they made; ``lifecycle_cli`` has the other commands."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from time import sleep
from typing import Any, Literal

from cyclopts import App
from rich.table import Table

from skytier import logs, spark, terminal
from skytier.archive import compaction, lifecycle_cli, planner, planning, runs
from skytier.archive.lifecycle_cli import AsJson, flights_stores
from skytier.archive.manifest import Manifest
from skytier.archive.protocol import NEXT, NotYetError, Step
from skytier.errors import TerminalError

JOB = "archive_hot_tier"
# Exit statuses for Airflow: there is nothing to do, skip; not yet, retry.
SKIP, RETRY = 99, 75
_SPARK_STEPS = (Step.EXPORT, Step.VERIFY)

app = App(
    name="archive",
    help="Move the oldest events of the hot tier (MongoDB) to archives (Parquet files on HDFS) when it is over its "
    "limit; list, verify, restore, compact, hold and expire archives. docs/archive.md describes the protocol.",
)
app.command(lifecycle_cli.app, name="*")
log = logs.logger("archive")


@app.command
def status(*, as_json: AsJson = False) -> None:
    """Show the size of the hot tier and its limit, and the archive under way.

    Parameters
    ----------
    as_json
        Print it as JSON.
    """
    with flights_stores() as stores:
        size, clock, under_way = stores.size(), stores.clock(), stores.under_way()
        limit_mb = stores.target.limit_mb
    known: dict[str, int | float | str | None] = {
        "size_mb": round(size.total_bytes / planning.MB, 3),
        "limit_mb": limit_mb,
        "documents": size.documents,
        "clock": clock.isoformat() if clock else None,
        "archive_under_way": under_way.archive_id if under_way else None,
        "state": str(under_way.state) if under_way else None,
        "purge_after": under_way.purge_after.isoformat() if under_way and under_way.purge_after else None,
    }
    if as_json:
        print(json.dumps(known))
        return
    table = Table(show_header=False, box=None)
    for name, value in known.items():
        terminal.add_row(table, name.replace("_", " "), _shown(value))
    terminal.print_table(table)


def _shown(value: int | float | str | None) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else f"{value:,}"


@app.command
def plan(*, as_json: AsJson = False) -> None:
    """Show what a run would move now; change nothing.

    Parameters
    ----------
    as_json
        Print it as JSON.
    """
    with flights_stores() as stores:
        planned = planner.preview(stores, stores.size())
    if as_json:
        print(json.dumps(_plan_document(planned)))
    elif planned is None:
        print("A run would move nothing: the hot tier is within its limit, or none of its events may move.")
    else:
        before = f"{planned.selection.event_time_before:%Y-%m-%d %H:%M:%S}Z"
        size = f"{planned.estimated_bytes / planning.MB:,.1f} MB"
        print(f"A run would move {planned.documents:,} events before {before}, about {size} of documents.")


def _plan_document(planned: planner.Plan | None) -> dict[str, Any] | None:
    if planned is None:
        return None
    return {
        "documents": planned.documents,
        "event_time_before": planned.selection.event_time_before.isoformat(),
        "estimated_mb": round(planned.estimated_bytes / planning.MB, 3),
        "reaches_into_window": planned.reaches_into_window,
    }


@app.command
def run(*, as_json: AsJson = False) -> None:
    """Complete the archive under way; or plan and complete a new one if the hot tier is over its limit.

    Waits for the grace time between publication and purge. Succeeds also if there is nothing to archive.

    Parameters
    ----------
    as_json
        Print the manifest of the archive as JSON; null if there was nothing to archive.
    """
    with flights_stores() as stores:
        runs.measure(stores)
        manifest = runs.next_archive(stores)
    if manifest is None:
        print("null" if as_json else "There is nothing to archive.")
        return
    _print(_complete(manifest), as_json)


def _complete(manifest: Manifest) -> Manifest:
    while manifest.state in NEXT:
        manifest = _next_step(manifest)
    return manifest


def _next_step(manifest: Manifest) -> Manifest:
    """Run the next step; the two that need Spark in one process."""
    step = NEXT[manifest.state]
    if step in _SPARK_STEPS:
        spark.submit(JOB, manifest.archive_id, *_SPARK_STEPS[_SPARK_STEPS.index(step) :])
        with flights_stores() as stores:
            return stores.load(manifest.archive_id)
    try:
        with flights_stores() as stores:
            return runs.run_step(stores, manifest.archive_id, step)
    except NotYetError as wait:
        seconds = max(0.0, (wait.until - datetime.now(UTC)).total_seconds())
        log.info("waiting for queries to end", archive_id=manifest.archive_id, seconds=round(seconds, 1))
        sleep(seconds)
        return manifest


@app.command
def verify(archive_id: str) -> None:
    """Read the files of an archive and compare them with its checksum; exit status 1 if they differ.

    Parameters
    ----------
    archive_id
        The archive, as 'skytier archive list' shows it.
    """
    spark.submit(JOB, archive_id)
    print(f"{archive_id}: its files match its checksum.")


@app.command
def compact(*, as_json: AsJson = False) -> None:
    """Merge all small archives that are neither held nor restored into one.

    Parameters
    ----------
    as_json
        Print the manifest of the new archive as JSON; null if there was nothing to merge.
    """
    with flights_stores() as stores:
        manifest = compaction.plan_compaction(
            stores, stores.settings, stores.size().total_bytes, stores.target.pipeline.contract.version
        )
    if manifest is None:
        print("null" if as_json else "There are fewer than two small archives to merge.")
        return
    _print(_complete(manifest), as_json)


@app.command(show=False)
def step(name: Literal["measure", "plan", "wait", "publish", "purge", "record"], archive_id: str | None = None) -> None:
    """Run one step, as Airflow does.

    Exit status 99 if there is nothing to do, 75 if the step is not due yet.

    Parameters
    ----------
    name
        The step.
    archive_id
        The archive; none for 'measure' and 'plan'. 'plan' prints it.
    """
    with flights_stores() as stores:
        if name == "measure":
            print("plan" if runs.is_due(stores) else "rest")
        elif name == "plan":
            planned = runs.next_archive(stores)
            if planned is None:
                sys.exit(SKIP)
            print(planned.archive_id)
        elif archive_id is None:
            raise TerminalError(f"The step {name} needs an archive: add its id to the command.")
        elif name == "wait":
            after = stores.load(archive_id).purge_after
            sys.exit(RETRY if after and after > datetime.now(UTC) else 0)
        else:
            runs.run_step(stores, archive_id, Step(name))


def _print(manifest: Manifest, as_json: bool) -> None:
    if as_json:
        terminal.print_json(manifest.model_dump(mode="json"))
        return
    size, steps = f"{manifest.size_bytes / planning.MB:,.1f} MB", manifest.step_seconds
    times = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in steps.items())
    terminal.say(
        f"{manifest.archive_id}: {manifest.planned:,} events in {len(manifest.files)} files of {size}; {times}."
    )
