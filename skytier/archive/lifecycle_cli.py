"""``skytier archive``: the commands for the lifecycle of an archive that exists."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

from cyclopts import App, Parameter
from rich.table import Table

from events.archive_targets import flights_target
from skytier import terminal
from skytier.archive import compaction, planning, restoring, retention, runs
from skytier.archive.manifest import Manifest, State
from skytier.archive.stores import ServerStores, open_stores
from skytier.errors import TerminalError
from skytier.files import Files
from skytier.settings.archive import ArchiveSettings
from skytier.settings.mongodb import MongoSettings

AsJson = Annotated[bool, Parameter(name="--json", negative="")]
app = App()


@contextmanager
def flights_stores() -> Iterator[ServerStores]:
    """The stores of the flights' archives, by the settings of this process."""
    settings = ArchiveSettings()
    with open_stores(flights_target(MongoSettings(), settings), settings, Files()) as stores:
        yield stores


@app.command(name="list")
def list_archives(*, as_json: AsJson = False) -> None:
    """List all archives, oldest first.

    Parameters
    ----------
    as_json
        Print their manifests as JSON.
    """
    with flights_stores() as stores:
        known = stores.all()
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


@app.command
def restore(
    archive_id: str | None = None,
    *,
    from_: Annotated[date | None, Parameter(name="--from")] = None,
    to: date | None = None,
    as_json: AsJson = False,
) -> None:
    """Restore the events of an archive, or of a range of days, to the hot tier. Repeat it after an interruption.

    The events are pinned: no run archives them again before 'skytier archive unpin'. Results of queries over
    tiers.flight_events do not change.

    Parameters
    ----------
    archive_id
        The archive; by default all archives with events of these days.
    from_
        First day, UTC, of event_time.
    to
        Last day, UTC.
    as_json
        Print the manifests as JSON.
    """
    if archive_id is None and (from_ is None or to is None):
        raise TerminalError("Name an archive, or a range of days: --from 2013-01-01 --to 2013-01-07.")
    since = datetime.combine(from_, time(), UTC) if from_ else None
    until = datetime.combine(to, time(), UTC) + timedelta(days=1) if to else None
    with flights_stores() as stores:
        if archive_id is not None:
            chosen = [archive_id]
        else:
            assert since is not None
            assert until is not None
            chosen = restoring.of_range(stores, since, until)
        restored = restoring.restore(stores, chosen, since, until)
    _print_all(restored, as_json, "restored and pinned")


@app.command
def unpin(archive_id: str, *, as_json: AsJson = False) -> None:
    """Unpin restored events: the next run deletes them from the hot tier, if they are unchanged.

    Parameters
    ----------
    archive_id
        The archive.
    as_json
        Print its manifest as JSON.
    """
    with flights_stores() as stores:
        _print_all(
            [restoring.unpin(stores, archive_id)],
            as_json,
            "unpinned; the next run deletes its events from the hot tier",
        )


@app.command
def abandon(archive_id: str, *, reason: str, as_json: AsJson = False) -> None:
    """Abandon an archive under way before its purge, or one that is done if its files are lost.

    Parameters
    ----------
    archive_id
        The archive. If it is done, 'skytier hot rebuild' then reads its events from the cold tier.
    reason
        The reason, for the manifest and the audit log.
    as_json
        Print its manifest as JSON.
    """
    with flights_stores() as stores:
        abandoned = compaction.abandon(stores, archive_id, reason)
    was_done = str(State.DONE) in abandoned.state_times
    then = "'skytier hot rebuild' brings its events back" if was_done else "the next run plans a new one"
    _print_all([abandoned], as_json, f"abandoned; {then}")


@app.command
def hold(archive_id: str, *, reason: str, as_json: AsJson = False) -> None:
    """Hold an archive (legal hold): it is neither merged nor deleted, whatever its age.

    Parameters
    ----------
    archive_id
        The archive.
    reason
        The reason, for the manifest and the audit log.
    as_json
        Print its manifest as JSON.
    """
    with flights_stores() as stores:
        _print_all([retention.hold(stores, archive_id, reason)], as_json, "held")


@app.command
def release(archive_id: str, *, reason: str, as_json: AsJson = False) -> None:
    """Release the hold on an archive.

    Parameters
    ----------
    archive_id
        The archive.
    reason
        The reason, for the audit log.
    as_json
        Print its manifest as JSON.
    """
    with flights_stores() as stores:
        _print_all([retention.release(stores, archive_id, reason)], as_json, "released")


@app.command
def expire(*, as_json: AsJson = False) -> None:
    """Delete archives older than SKYTIER_ARCHIVE_RETENTION_DAYS that are neither held nor restored; off by default.

    Parameters
    ----------
    as_json
        Print the manifests of the deleted archives as JSON.
    """
    with flights_stores() as stores:
        oldest = runs.retained_from(stores)
        _print_all(retention.expire(stores, oldest), as_json, "deleted")
        for archive_id, reason in retention.retained(stores, oldest).items() if not as_json else ():
            print(f"{archive_id} is past its retention time and not deleted: {reason}.")


@app.command
def repair(archive_id: str | None = None) -> None:
    """Replace a damaged manifest by its second copy, and write again which archive is under way.

    Parameters
    ----------
    archive_id
        The archive whose manifest is damaged; none if only open.json is.
    """
    with flights_stores() as stores, stores.lock():
        under_way = stores.repair(archive_id)
        if archive_id is not None:
            print(f"The manifest of {archive_id} is repaired; its state is {stores.load(archive_id).state}.")
    print(f"{under_way.archive_id} is under way." if under_way else "No archive is under way.")


def _print_all(manifests: list[Manifest], as_json: bool, what: str) -> None:
    if as_json:
        print(json.dumps([manifest.model_dump(mode="json") for manifest in manifests]))
        return
    for manifest in manifests:
        print(f"{manifest.archive_id} is {what}.")
    if not manifests:
        print("There is no such archive.")
