"""``skytier archive``: the oldest events of the hot tier to Parquet on HDFS, and back."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from time import sleep
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter
from rich.table import Table

from skytier import hot_tier, logs, spark, terminal
from skytier.archive import care_cli, compaction, hot, planning, runs
from skytier.archive.manifest import Manifest
from skytier.archive.protocol import NEXT, NotYetError, Step
from skytier.archive.stores import ServerStores
from skytier.errors import TerminalError

JOB = "archive_hot_tier"
# What a process that has nothing to do, or cannot go on yet, tells Airflow: skip, and ask again.
SKIP, AGAIN = 99, 75
_SPARK_STEPS = (Step.EXPORT, Step.VERIFY)

app = App(name="archive", help="Archives of the hot tier: status, plan, run, list, verify, restore, hold, compact.")
app.command(care_cli.app, name="*")
log = logs.logger("archive")

AsJson = Annotated[bool, Parameter(name="--json", negative="")]


@app.command
def status(*, as_json: AsJson = False) -> None:
    """Show how full the hot tier is, and the archive under way.

    Parameters
    ----------
    as_json
        Print it as JSON.
    """
    with ServerStores() as stores:
        size, clock, under_way = hot.size(stores.mongodb), hot_tier.clock(stores.mongodb), stores.manifests.open()
        limit_mb = stores.settings.limit_mb
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
    """Show what a run would move now, and change nothing.

    Parameters
    ----------
    as_json
        Print it as JSON.
    """
    with ServerStores() as stores:
        planned = runs.dry_run(stores, hot.size(stores.mongodb))
    if as_json:
        print(json.dumps(_plan_document(planned)))
    elif planned is None:
        print("A run would move nothing: the hot tier is within its limit, or none of its events may move.")
    else:
        before = f"{planned.selection.event_time_before:%Y-%m-%d %H:%M:%S}Z"
        size = f"{planned.estimated_bytes / planning.MB:,.1f} MB"
        print(f"A run would move {planned.documents:,} events before {before}, about {size} of documents.")


def _plan_document(planned: runs.Plan | None) -> dict[str, Any] | None:
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
    """Take the archive that is under way to its end, or a new one where the hot tier is over its limit.

    Ends well, with nothing done, where there is nothing to do. It waits for the time between publication and purge.

    Parameters
    ----------
    as_json
        Print the manifest of the archive as JSON; null where there was nothing to do.
    """
    with ServerStores() as stores:
        runs.measure(stores)
        manifest = runs.plan(stores)
    if manifest is None:
        print("null" if as_json else "There is nothing to archive.")
        return
    _print(_to_its_end(manifest), as_json)


def _to_its_end(manifest: Manifest) -> Manifest:
    while manifest.state in NEXT:
        manifest = _go_on(manifest)
    return manifest


def _go_on(manifest: Manifest) -> Manifest:
    """The next step; the two of Spark in one process."""
    step = NEXT[manifest.state]
    if step in _SPARK_STEPS:
        spark.submit(JOB, manifest.archive_id, *_SPARK_STEPS[_SPARK_STEPS.index(step) :])
        with ServerStores() as stores:
            return stores.manifests.load(manifest.archive_id)
    try:
        with ServerStores() as stores:
            return runs.take(stores, manifest.archive_id, step)
    except NotYetError as wait:
        seconds = max(0.0, (wait.until - datetime.now(UTC)).total_seconds())
        log.info("waiting for queries to end", archive_id=manifest.archive_id, seconds=round(seconds, 1))
        sleep(seconds)
        return manifest


@app.command
def verify(archive_id: str) -> None:
    """Read the files of an archive back and compare them with what was verified; exit status 1 when they differ.

    Parameters
    ----------
    archive_id
        The archive, as 'skytier archive list' shows it.
    """
    spark.submit(JOB, archive_id)
    print(f"{archive_id}: its files hold what was verified.")


@app.command
def compact(*, as_json: AsJson = False) -> None:
    """Make one archive of all small ones; those held or restored are left alone.

    Parameters
    ----------
    as_json
        Print the manifest of the new archive as JSON; null where there was nothing to do.
    """
    with ServerStores() as stores:
        manifest = compaction.plan_compaction(stores, stores.settings, hot.size(stores.mongodb).total_bytes)
    if manifest is None:
        print("null" if as_json else "There are not two small archives to make one of.")
        return
    _print(_to_its_end(manifest), as_json)


@app.command(name="list")
def list_archives(*, as_json: AsJson = False) -> None:
    """List all archives, oldest first.

    Parameters
    ----------
    as_json
        Print their manifests as JSON.
    """
    with ServerStores() as stores:
        known = stores.manifests.all()
    if as_json:
        print(json.dumps([manifest.model_dump(mode="json") for manifest in known]))
        return
    table = Table(header_style="bold")
    table.add_column("archive", no_wrap=True)
    table.add_column("state")
    for name in ("events", "MB", "from", "to"):
        table.add_column(name, justify="right")
    for manifest in known:
        span = [f"{t:%Y-%m-%d %H:%M}" if t else "" for t in (manifest.event_time_min, manifest.event_time_max)]
        size = f"{manifest.size_bytes / planning.MB:,.1f}"
        terminal.add_row(table, manifest.archive_id, _state(manifest), f"{manifest.planned:,}", size, *span)
    terminal.print_table(table)


def _state(manifest: Manifest) -> str:
    marks = []
    if manifest.restored:
        marks.append("restored" if manifest.restored.complete else "being restored")
        marks.extend(["pinned"] * manifest.restored.pinned)
    if manifest.hold:
        marks.append("held")
    return ", ".join([str(manifest.state), *marks])


@app.command(show=False)
def step(name: Literal["measure", "plan", "wait", "publish", "purge", "record"], archive_id: str | None = None) -> None:
    """Take one step, as Airflow does: measure, plan, wait, publish, purge, record.

    Exit status 99: there is nothing to do; 75: not yet.

    Parameters
    ----------
    name
        The step.
    archive_id
        The archive; none for measure and plan. 'plan' prints it.
    """
    with ServerStores() as stores:
        if name == "measure":
            print("plan" if runs.is_due(stores) else "rest")
        elif name == "plan":
            planned = runs.plan(stores)
            if planned is None:
                sys.exit(SKIP)
            print(planned.archive_id)
        elif archive_id is None:
            raise TerminalError(f"The step {name} is of an archive: name it.")
        elif name == "wait":
            after = stores.manifests.load(archive_id).purge_after
            sys.exit(AGAIN if after and after > datetime.now(UTC) else 0)
        else:
            runs.take(stores, archive_id, Step(name))


def _print(manifest: Manifest, as_json: bool) -> None:
    if as_json:
        terminal.print_json(manifest.model_dump(mode="json"))
        return
    size, steps = f"{manifest.size_bytes / planning.MB:,.1f} MB", manifest.step_seconds
    times = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in steps.items())
    terminal.say(
        f"{manifest.archive_id}: {manifest.planned:,} events in {len(manifest.files)} files of {size}; {times}."
    )
