"""Which archives may not be deleted, and the deletion of those whose retention is over.

An expiry has two parts with a wait between them: the archive is hidden, and deleted when no query reads it any more.
Each part decides by what is stored then, so a hold that comes in the wait wins; and whichever command comes next
finishes what another one began.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from skytier.archive.manifest import Hold, Manifest, State, Visible
from skytier.archive.ports import LifecycleStores
from skytier.archive.protocol import NEXT
from skytier.errors import TerminalError

_HOLDABLE = (State.PUBLISHED, State.PURGED, State.DONE, State.EXPIRING)


def hold(stores: LifecycleStores, archive_id: str, reason: str) -> Manifest:
    """Keep an archive, however old it becomes; one that was merged is held as part of the archive that has its events.

    An archive that is expiring comes back. Raises TerminalError for one that queries do not see yet, or no longer.
    """
    with stores.alone():
        manifest = with_its_events(stores, stores.load(archive_id))
        _check_holdable(manifest)
        is_hidden = manifest.archive_id in stores.shown(Visible.EXPIRING)
        state = State.DONE if manifest.state is State.EXPIRING else manifest.state
        held = Hold(reason=reason, by=stores.actor(), at=stores.now())
        after = manifest.model_copy(update={"state": state, "hold": held, "delete_after": None})
        stores.save(after)
        if is_hidden:
            stores.show(after, Visible.PURGED)
        stores.note("hold", after.archive_id, reason=reason)
    return after


def release(stores: LifecycleStores, archive_id: str, reason: str) -> Manifest:
    """End the hold on an archive. Raises TerminalError for one that is not held."""
    with stores.alone():
        manifest = with_its_events(stores, stores.load(archive_id))
        _check_holdable(manifest)
        if manifest.hold is None:
            raise TerminalError(f"{manifest.archive_id} is not held: there is nothing to release.")
        after = manifest.model_copy(update={"hold": None})
        stores.save(after)
        stores.note("release", after.archive_id, reason=reason)
    return after


def with_its_events(stores: LifecycleStores, manifest: Manifest) -> Manifest:
    """The archive that has the events now: itself, or what a compaction made of it."""
    known = stores.all()
    while into := [m for m in known if manifest.archive_id in m.sources and m.state in (*_HOLDABLE, State.MERGED)]:
        manifest = into[-1]
    return manifest


def _check_holdable(manifest: Manifest) -> None:
    if manifest.state not in _HOLDABLE:
        when = "not yet published" if manifest.state in NEXT else "over"
        raise TerminalError(
            f"{manifest.archive_id} is {manifest.state}, which is {when}: only an archive that queries see can be "
            "held or released. 'skytier archive list' shows the state of all."
        )


def idle(stores: LifecycleStores) -> list[Manifest]:
    """The archives that nothing keeps from being deleted or merged."""
    return [manifest for manifest, reason in _done(stores) if reason is None]


def retained(stores: LifecycleStores, oldest: datetime | None) -> dict[str, str]:
    """The archives all of whose events are before ``oldest`` and that are not deleted, and what keeps each."""
    return {
        manifest.archive_id: reason
        for manifest, reason in _done(stores)
        if reason is not None and _is_over(manifest, oldest)
    }


def _done(stores: LifecycleStores) -> list[tuple[Manifest, str | None]]:
    """The archives that a run is done with, and what keeps each from being deleted or merged."""
    under_way = stores.under_way()
    taken = under_way.sources if under_way is not None else ()
    return [(known, _reason_to_retain(known, taken)) for known in stores.all() if known.state is State.DONE]


def _reason_to_retain(manifest: Manifest, taken: Sequence[str]) -> str | None:
    if manifest.hold:
        return f"it is held ({manifest.hold.reason})"
    if manifest.restored:
        return "it is restored to the hot tier"
    return "a compaction takes it in" if manifest.archive_id in taken else None


def _is_over(manifest: Manifest, oldest: datetime | None) -> bool:
    return bool(oldest and manifest.event_time_max and manifest.event_time_max < oldest)


def expire(stores: LifecycleStores, oldest: datetime | None) -> list[Manifest]:
    """Delete the archives all of whose events are before ``oldest``, and those whose expiry had begun.

    First they are hidden, then, when no query reads them, their files deleted. None hides no more of them.
    """
    with stores.alone():
        hide_expired(stores, oldest)
    gone: list[Manifest] = []
    while True:
        with stores.alone():
            deleted, due = go_on_expiring(stores)
        gone += deleted
        if due is None:
            return gone
        stores.sleep_until(due)


def hide_expired(stores: LifecycleStores, oldest: datetime | None) -> None:
    """Hide the archives that nothing keeps and all of whose events are before ``oldest``. The caller is alone."""
    grace = timedelta(seconds=stores.timing().grace_seconds)
    for manifest in idle(stores):
        if _is_over(manifest, oldest):
            stores.show(manifest, Visible.EXPIRING)
            after = {"state": State.EXPIRING, "delete_after": stores.now() + grace}
            stores.save(manifest.model_copy(update=after))


def go_on_expiring(stores: LifecycleStores) -> tuple[list[Manifest], datetime | None]:
    """Take every expiry that has begun as far as it may go; what was deleted, and when the next one is due.

    The caller is alone.
    """
    deleted, due = [], []
    for archive_id in sorted(stores.shown(Visible.EXPIRING)):
        manifest = stores.load(archive_id)
        if manifest.state is State.EXPIRING and manifest.delete_after and manifest.delete_after > stores.now():
            due.append(manifest.delete_after)
        elif manifest.state in (State.EXPIRING, State.EXPIRED):
            deleted.append(_delete(stores, manifest))
        else:  # a command was killed: before it saved that the archive expires, or while a hold brought it back
            stores.show(manifest, Visible.PURGED)
    return deleted, min(due, default=None)


def _delete(stores: LifecycleStores, manifest: Manifest) -> Manifest:
    after = manifest.model_copy(update={"state": State.EXPIRED, "delete_after": None})
    stores.save(after)  # from here on a hold is too late
    stores.remove(after)
    stores.record(after)
    # Last, for this is how the next command finds what is to be finished.
    stores.show(after, Visible.EXPIRED)
    stores.note("expire", after.archive_id, documents=after.planned)
    return after
