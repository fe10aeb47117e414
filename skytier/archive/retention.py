"""Retention: holds, and the deletion of archives whose retention time is over.

An expiry has two parts with a wait between them: first the archive is hidden, then, when no query reads it any more, it
is deleted. Each part decides by the state stored at that time, so a hold during the wait wins. An expiry that was
interrupted is finished by the next command.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from skytier.archive.manifest import Hold, Manifest, State, Visibility
from skytier.archive.ports import LifecycleStores
from skytier.archive.protocol import NEXT
from skytier.errors import TerminalError

_HOLDABLE = (State.PUBLISHED, State.PURGED, State.DONE, State.EXPIRING)


def hold(stores: LifecycleStores, archive_id: str, reason: str) -> Manifest:
    """Hold an archive: it is not deleted, whatever its age. For a merged one, hold the archive that has its events.

    A hold ends an expiry before the deletion. Raises TerminalError for an archive that queries do not see.
    """
    with stores.lock():
        manifest = current_holder(stores, stores.load(archive_id))
        _check_holdable(manifest)
        is_hidden = manifest.archive_id in stores.with_visibility(Visibility.EXPIRING)
        state = State.DONE if manifest.state is State.EXPIRING else manifest.state
        held = Hold(reason=reason, by=stores.actor(), at=stores.now())
        after = manifest.model_copy(update={"state": state, "hold": held, "delete_after": None})
        stores.save(after)
        if is_hidden:
            stores.set_visibility(after, Visibility.PURGED)
        stores.note("hold", after.archive_id, reason=reason)
    return after


def release(stores: LifecycleStores, archive_id: str, reason: str) -> Manifest:
    """Release the hold on an archive. Raises TerminalError if it is not held."""
    with stores.lock():
        manifest = current_holder(stores, stores.load(archive_id))
        _check_holdable(manifest)
        if manifest.hold is None:
            raise TerminalError(f"{manifest.archive_id} is not held: there is nothing to release.")
        after = manifest.model_copy(update={"hold": None})
        stores.save(after)
        stores.note("release", after.archive_id, reason=reason)
    return after


def current_holder(stores: LifecycleStores, manifest: Manifest) -> Manifest:
    """The archive that has the events now: the same one, or the one that a compaction merged it into."""
    known = stores.all()
    while into := [m for m in known if manifest.archive_id in m.sources and m.state in (*_HOLDABLE, State.MERGED)]:
        manifest = into[-1]
    return manifest


def _check_holdable(manifest: Manifest) -> None:
    if manifest.state not in _HOLDABLE:
        when = "not yet published" if manifest.state in NEXT else "no longer visible"
        raise TerminalError(
            f"{manifest.archive_id} is {manifest.state}, and so {when}: only an archive that queries see can be held "
            "or released. 'skytier archive list' shows the state of all."
        )


def idle(stores: LifecycleStores) -> list[Manifest]:
    """The archives that may be deleted or merged."""
    return [manifest for manifest, reason in _done(stores) if reason is None]


def retained(stores: LifecycleStores, oldest: datetime | None) -> dict[str, str]:
    """The archives with events before ``oldest`` only that are not deleted, with the reason."""
    return {
        manifest.archive_id: reason
        for manifest, reason in _done(stores)
        if reason is not None and _is_over(manifest, oldest)
    }


def _done(stores: LifecycleStores) -> list[tuple[Manifest, str | None]]:
    """The archives in the state DONE, with the reason why one may not be deleted or merged."""
    under_way = stores.under_way()
    taken = under_way.sources if under_way is not None else ()
    return [(known, _reason_to_retain(known, taken)) for known in stores.all() if known.state is State.DONE]


def _reason_to_retain(manifest: Manifest, taken: Sequence[str]) -> str | None:
    if manifest.hold:
        return f"it is held ({manifest.hold.reason})"
    if manifest.restored:
        return "it is restored to the hot tier"
    return "a compaction is merging it" if manifest.archive_id in taken else None


def _is_over(manifest: Manifest, oldest: datetime | None) -> bool:
    return bool(oldest and manifest.event_time_max and manifest.event_time_max < oldest)


def expire(stores: LifecycleStores, oldest: datetime | None) -> list[Manifest]:
    """Delete the archives with events before ``oldest`` only, and those whose expiry had begun.

    They are hidden first; their files are deleted after the grace time, when no query reads them. With None no further
    archive is hidden.
    """
    with stores.lock():
        hide_expired(stores, oldest)
    gone: list[Manifest] = []
    while True:
        with stores.lock():
            deleted, due = continue_expiries(stores)
        gone += deleted
        if due is None:
            return gone
        stores.sleep_until(due)


def hide_expired(stores: LifecycleStores, oldest: datetime | None) -> None:
    """Hide the archives with events before ``oldest`` only that may be deleted. The caller holds the lock."""
    grace = timedelta(seconds=stores.timing().grace_seconds)
    for manifest in idle(stores):
        if _is_over(manifest, oldest):
            stores.set_visibility(manifest, Visibility.EXPIRING)
            after = {"state": State.EXPIRING, "delete_after": stores.now() + grace}
            stores.save(manifest.model_copy(update=after))


def continue_expiries(stores: LifecycleStores) -> tuple[list[Manifest], datetime | None]:
    """Delete the hidden archives whose grace time is over; returns them, and when the next one is due.

    The caller holds the lock.
    """
    deleted, due = [], []
    for archive_id in sorted(stores.with_visibility(Visibility.EXPIRING)):
        manifest = stores.load(archive_id)
        if manifest.state is State.EXPIRING and manifest.delete_after and manifest.delete_after > stores.now():
            due.append(manifest.delete_after)
        elif manifest.state in (State.EXPIRING, State.EXPIRED):
            deleted.append(_delete(stores, manifest))
        else:  # a command was killed: before it saved the state EXPIRING, or while a hold ended the expiry
            stores.set_visibility(manifest, Visibility.PURGED)
    return deleted, min(due, default=None)


def _delete(stores: LifecycleStores, manifest: Manifest) -> Manifest:
    after = manifest.model_copy(update={"state": State.EXPIRED, "delete_after": None})
    stores.save(after)  # from now on a hold is too late
    stores.remove(after)
    stores.record(after)
    # Last: the visibility is how the next command finds an expiry to finish.
    stores.set_visibility(after, Visibility.EXPIRED)
    stores.note("expire", after.archive_id, documents=after.planned)
    return after
