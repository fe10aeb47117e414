"""The steps that copy events and verify the copy, and what a verification compares. Pure logic over the ports."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from skytier.archive.checksum import total
from skytier.archive.manifest import Manifest, State
from skytier.archive.ports import Copier, Evidence, Stores
from skytier.errors import TerminalError

Now = Callable[[], datetime]


def export(stores: Stores, copier: Copier, manifest: Manifest, now: Now) -> Manifest:
    """Copy the events. The manifest afterwards: exported, or failed where a retry cannot succeed."""
    try:
        _check_sources(stores, manifest)
        copy = copier.copy(manifest)
    except TerminalError as error:
        return _failed_or_raise(stores, manifest, error, now())
    return moved(manifest, State.EXPORTED, now(), files=copy.files, columns=copy.columns)


def verify(stores: Stores, copier: Copier, manifest: Manifest, now: Now) -> Manifest:
    """Compare the copy with the events where they are now. The manifest afterwards: verified, or failed."""
    try:
        copied = copier.copied(manifest)
    except TerminalError as error:
        return failed(manifest, f"the copy cannot be read back: {error}", now())
    try:
        _check_sources(stores, manifest)
        original = copier.original(manifest)
    except TerminalError as error:
        return _failed_or_raise(stores, manifest, error, now())
    if found := differences(manifest, original, copied):
        return failed(manifest, "; ".join(found) + ".", now())
    if archived := stores.count_archived(manifest, copied.first_id, copied.last_id):
        return failed(manifest, f"{archived} of its events are in an earlier archive.", now())
    times = {"event_time_min": copied.event_time_min, "event_time_max": copied.event_time_max}
    return moved(manifest, State.VERIFIED, now(), content=total(copied.ranges), **times)


def differences(manifest: Manifest, original: Evidence, copied: Evidence) -> list[str]:
    """How the copy differs from the original, in words; empty if it holds exactly the same documents."""
    found, origin = [], "the merged archives" if manifest.sources else "the hot tier"
    for side, evidence in ((origin, original), ("the copy", copied)):
        if (documents := total(evidence.ranges).documents) != manifest.planned:
            found.append(f"{side} holds {documents} events, {manifest.planned} were planned")
        if not evidence.all_distinct:
            found.append(f"{side} holds an _id twice, or out of order")
    for number, (there, here) in enumerate(zip(original.ranges, copied.ranges, strict=True)):
        if there != here:
            found.append(
                f"key range {number} (from {_start(manifest, number)}) holds {there.documents} events with checksum "
                f"{there.checksum} in {origin} and {here.documents} with {here.checksum} in the copy"
            )
    return found


def check_mergeable(source: Manifest) -> None:
    """Raises TerminalError if an archive cannot be a source of a compaction."""
    if source.state is not State.DONE or source.restored is not None:
        state = "restored" if source.state is State.DONE else source.state
        raise TerminalError(f"{source.archive_id} is {state} by now: it cannot be merged.")


def moved(manifest: Manifest, state: State, at: datetime, **changes: object) -> Manifest:
    """The manifest in its next state."""
    times = manifest.state_times | {str(state): at}
    return manifest.model_copy(update={"state": state, "state_times": times, **changes})


def failed(manifest: Manifest, failure: str, at: datetime) -> Manifest:
    """The manifest of an archive that ends without having deleted anything."""
    return moved(manifest, State.FAILED, at, failure=failure)


def _check_sources(stores: Stores, manifest: Manifest) -> None:
    """Raises TerminalError if a source of a compaction no longer exists or must not be merged."""
    for source in map(stores.load, manifest.sources):
        check_mergeable(source)
        stores.check_files(source)


def _failed_or_raise(stores: Stores, manifest: Manifest, error: TerminalError, at: datetime) -> Manifest:
    """The archive as failed if a new one can do without the cause of the error; otherwise raises the error again."""
    if manifest.sources:
        return failed(manifest, str(error), at)
    if aside := stores.set_aside(manifest):
        return failed(manifest, " ".join(aside), at)
    raise error


def _start(manifest: Manifest, number: int) -> str:
    return manifest.range_starts[number - 1] if number else "the first"
