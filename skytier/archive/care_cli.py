"""``skytier archive``: what is done with an archive once it is there."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

from cyclopts import App, Parameter

from skytier.archive import compaction, keeping, restoring, runs
from skytier.archive.manifest import Manifest, State
from skytier.archive.stores import ServerStores
from skytier.errors import TerminalError

AsJson = Annotated[bool, Parameter(name="--json", negative="")]
app = App()


@app.command
def restore(
    archive_id: str | None = None,
    *,
    from_: Annotated[date | None, Parameter(name="--from")] = None,
    to: date | None = None,
    as_json: AsJson = False,
) -> None:
    """Put an archive, or the events of some days, back into the hot tier; again after it was cut off.

    They are pinned: no run archives them again before 'skytier archive unpin'. Queries over both tiers are not changed.

    Parameters
    ----------
    archive_id
        The archive; none: all that hold events of the days.
    from_
        First day, UTC, of event_time.
    to
        Last day, UTC.
    as_json
        Print the manifests as JSON.
    """
    if archive_id is None and (from_ is None or to is None):
        raise TerminalError("Name an archive, or the days: --from 2013-01-01 --to 2013-01-07.")
    since = datetime.combine(from_, time(), UTC) if from_ else None
    until = datetime.combine(to, time(), UTC) + timedelta(days=1) if to else None
    with ServerStores() as stores:
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
    """Let the next run delete the restored events of an archive from the hot tier again.

    Parameters
    ----------
    archive_id
        The archive.
    as_json
        Print its manifest as JSON.
    """
    with ServerStores() as stores:
        _print_all([restoring.unpin(stores, archive_id)], as_json, "unpinned; the next run sends it back")


@app.command
def abandon(archive_id: str, *, reason: str, as_json: AsJson = False) -> None:
    """Give up an archive under way before its purge, or one that is done and whose files are lost.

    Parameters
    ----------
    archive_id
        The archive. One that is done: 'skytier hot rebuild' then brings its events back from the cold tier.
    reason
        Why; kept with it, and in the audit log.
    as_json
        Print its manifest as JSON.
    """
    with ServerStores() as stores:
        abandoned = compaction.abandon(stores, archive_id, reason)
    was_done = str(State.DONE) in abandoned.state_times
    then = "'skytier hot rebuild' brings its events back" if was_done else "the next run plans anew"
    _print_all([abandoned], as_json, f"abandoned; {then}")


@app.command
def hold(archive_id: str, *, reason: str, as_json: AsJson = False) -> None:
    """Keep an archive however old it becomes: a legal hold wins over the retention time.

    Parameters
    ----------
    archive_id
        The archive.
    reason
        Why; kept with it, and in the audit log.
    as_json
        Print its manifest as JSON.
    """
    with ServerStores() as stores:
        _print_all([keeping.hold(stores, archive_id, reason)], as_json, "held")


@app.command
def release(archive_id: str, *, reason: str, as_json: AsJson = False) -> None:
    """End the hold on an archive.

    Parameters
    ----------
    archive_id
        The archive.
    reason
        Why; kept in the audit log.
    as_json
        Print its manifest as JSON.
    """
    with ServerStores() as stores:
        _print_all([keeping.release(stores, archive_id, reason)], as_json, "released")


@app.command
def expire(*, as_json: AsJson = False) -> None:
    """Delete the archives older than SKYTIER_ARCHIVE_RETENTION_DAYS, but for those held or restored; off by default.

    Parameters
    ----------
    as_json
        Print the manifests of those deleted as JSON.
    """
    with ServerStores() as stores:
        oldest = runs.retained_from(stores)
        _print_all(keeping.expire(stores, oldest), as_json, "deleted")
        for archive_id, reason in keeping.retained(stores, oldest).items() if not as_json else ():
            print(f"{archive_id} is past its retention time and not deleted: {reason}.")


@app.command
def repair(archive_id: str | None = None) -> None:
    """Put the second copy of a damaged manifest in its place, and write anew which archive is under way.

    Parameters
    ----------
    archive_id
        The archive whose manifest is damaged; none where only open.json is.
    """
    with ServerStores() as stores, stores.alone():
        if archive_id is not None:
            put_back = stores.manifests.put_back(archive_id)
            stores.note("repair", archive_id, state=put_back.state)
            print(f"{archive_id} has its manifest again; it is {put_back.state}.")
        under_way = stores.manifests.rewrite_open()
    print(f"{under_way.archive_id} is under way." if under_way else "No archive is under way.")


def _print_all(manifests: list[Manifest], as_json: bool, what: str) -> None:
    if as_json:
        print(json.dumps([manifest.model_dump(mode="json") for manifest in manifests]))
        return
    for manifest in manifests:
        print(f"{manifest.archive_id} is {what}.")
    if not manifests:
        print("There is no such archive.")
