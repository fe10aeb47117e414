"""The archive protocol as pure logic: which step comes next, what proves a copy, what a step leaves in the manifest.

``Stores`` is everything outside. A step may be stopped anywhere and repeated: each of its effects is idempotent, and
the manifest, saved last, says that it is done.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from skytier.archive.manifest import Column, File, Manifest, Part, State, Tally, Visible
from skytier.errors import SkytierError, TerminalError

MODULUS = 2**128


class Step(StrEnum):
    """What a run does, in this order."""

    EXPORT = "export"
    VERIFY = "verify"
    PUBLISH = "publish"
    PURGE = "purge"
    RECORD = "record"


NEXT: dict[State, Step] = {
    State.PLANNED: Step.EXPORT,
    State.EXPORTED: Step.VERIFY,
    State.VERIFIED: Step.PUBLISH,
    State.PUBLISHED: Step.PURGE,
    State.PURGED: Step.RECORD,
}
"""The step that is due in each state; none in a state that ends the archive."""


class NotYetError(SkytierError):
    """Nothing may be deleted before ``until``: a query that began before the archive was published may still run."""

    def __init__(self, archive_id: str, until: datetime) -> None:
        super().__init__(f"{archive_id} may be purged after {until:%Y-%m-%d %H:%M:%S}Z: older queries may still run.")
        self.until = until


class StoppedError(SkytierError):
    """The run was asked to end; the next one goes on where it stood."""


class Copy(Part):
    """What an export wrote."""

    files: tuple[File, ...]
    columns: tuple[Column, ...]


class Evidence(Part):
    """What was found on one side: a tally for each key range, and whether every ``_id`` came once, in order."""

    ranges: tuple[Tally, ...]
    all_distinct: bool
    first_id: str
    last_id: str
    event_time_min: datetime | None
    event_time_max: datetime | None


class Stores(Protocol):
    """The hot tier, the copy on HDFS, the warehouse. Every method may be called again after it was cut off."""

    def save(self, manifest: Manifest) -> None:
        """Replace the manifest, in one step."""

    def copy(self, manifest: Manifest) -> Copy:
        """Write the events of the selection aside, in place of what an earlier try left."""

    def original(self, manifest: Manifest) -> Evidence:
        """Read the events of the selection where they are now."""

    def copied(self, manifest: Manifest) -> Evidence:
        """Read the events back from the copy."""

    def held_already(self, manifest: Manifest, first_id: str, last_id: str) -> int:
        """How many events of the copy, whose ids are from one to another, another archive has that queries see."""

    def place(self, manifest: Manifest) -> None:
        """Put the copy where the table of archives finds it; not visible yet."""

    def show(self, manifest: Manifest, visible: Visible) -> None:
        """Let queries see the archive so: one commit."""

    def ids(self, manifest: Manifest) -> Iterator[Sequence[str]]:
        """The ids in the published files, in batches. Raises TerminalError when a file is not what was verified."""

    def delete(self, ids: Sequence[str]) -> None:
        """Delete these events from the hot tier."""

    def remaining(self, manifest: Manifest) -> int:
        """How many events of the selection the hot tier still holds."""

    def retire(self, manifest: Manifest) -> None:
        """Remove the archives that a compaction merged."""

    def record(self, manifest: Manifest) -> None:
        """Write the archive into the tables of metadata."""

    def forget(self, manifest: Manifest) -> None:
        """It is over: the next run may plan."""


class Timing(Part):
    """Times of the protocol, in seconds, and the most that is deleted in a second."""

    settle_seconds: float
    grace_seconds: float
    purge_documents_per_second: int


class Archiver:
    """Takes the steps of an archive, one at a time."""

    def __init__(
        self,
        stores: Stores,
        timing: Timing,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
        asked_to_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self._stores, self._timing = stores, timing
        self._now, self._sleep, self._asked_to_stop = now, sleep, asked_to_stop

    def take(self, manifest: Manifest, step: Step) -> Manifest:
        """Take a step if it is the one that is due; the manifest afterwards.

        Raises NotYetError when a purge is due too early, StoppedError when asked to stop meanwhile, TerminalError when
        the copy does not hold what the hot tier holds.
        """
        if NEXT.get(manifest.state) is not step:
            return manifest
        began = time.monotonic()
        actions = {
            Step.EXPORT: self._export,
            Step.VERIFY: self._verify,
            Step.PUBLISH: self._publish,
            Step.PURGE: self._purge,
            Step.RECORD: self._record,
        }
        after = actions[step](manifest)
        seconds = manifest.step_seconds | {str(step): round(time.monotonic() - began, 3)}
        after = after.model_copy(update={"step_seconds": seconds})
        self._stores.save(after)
        if after.state not in NEXT:
            self._stores.forget(after)
        if after.failure:
            raise TerminalError(f"{after.archive_id}: {after.failure} Nothing was deleted; the next run plans anew.")
        return after

    def _export(self, manifest: Manifest) -> Manifest:
        copy = self._stores.copy(manifest)
        return self._moved(manifest, State.EXPORTED, files=copy.files, columns=copy.columns)

    def _verify(self, manifest: Manifest) -> Manifest:
        try:
            copied = self._stores.copied(manifest)
        except TerminalError as error:
            return self._moved(manifest, State.FAILED, failure=f"the copy cannot be read back: {error}")
        if found := differences(manifest, self._stores.original(manifest), copied):
            return self._moved(manifest, State.FAILED, failure="; ".join(found) + ".")
        if again := self._stores.held_already(manifest, copied.first_id, copied.last_id):
            return self._moved(manifest, State.FAILED, failure=f"{again} of its events are in an earlier archive.")
        times = {"event_time_min": copied.event_time_min, "event_time_max": copied.event_time_max}
        return self._moved(manifest, State.VERIFIED, content=total(copied.ranges), **times)

    def _publish(self, manifest: Manifest) -> Manifest:
        self._stores.place(manifest)
        # A query that is being planned may have listed the archives already, and read the states only after the commit.
        self._sleep(self._timing.settle_seconds)
        self._stores.show(manifest, Visible.PUBLISHED)
        purge_after = self._now() + timedelta(seconds=self._timing.grace_seconds)
        return self._moved(manifest, State.PUBLISHED, purge_after=purge_after)

    def _purge(self, manifest: Manifest) -> Manifest:
        assert manifest.purge_after is not None
        if self._now() < manifest.purge_after:
            raise NotYetError(manifest.archive_id, manifest.purge_after)
        if manifest.sources:
            self._stores.retire(manifest)
            return self._moved(manifest, State.PURGED)
        self.delete(manifest)
        if left := self._stores.remaining(manifest):
            raise TerminalError(
                f"{manifest.archive_id}: {left} events that it ought to hold are in the hot tier and not in its files. "
                "They were not deleted: something other than the minute job wrote or changed them. "
                "'skytier archive list --json' has the selection that finds them; remove or correct them; the next run "
                "goes on."
            )
        self._stores.show(manifest, Visible.PURGED)
        return self._moved(manifest, State.PURGED)

    def delete(self, manifest: Manifest) -> None:
        """Delete by the ids of the published files, no faster than allowed.

        Raises StoppedError when asked to stop; what is deleted stays deleted, and doing it again changes nothing.
        """
        for ids in self._stores.ids(manifest):
            if self._asked_to_stop():
                raise StoppedError(f"{manifest.archive_id}: the purge was asked to stop; the next run goes on with it.")
            began = time.monotonic()
            self._stores.delete(ids)
            least = len(ids) / self._timing.purge_documents_per_second
            self._sleep(max(0.0, least - (time.monotonic() - began)))

    def _record(self, manifest: Manifest) -> Manifest:
        done = self._moved(manifest, State.DONE)
        self._stores.record(done)
        return done

    def _moved(self, manifest: Manifest, state: State, **changes: object) -> Manifest:
        times = manifest.state_times | {str(state): self._now()}
        return manifest.model_copy(update={"state": state, "state_times": times, **changes})


def total(tallies: Sequence[Tally]) -> Tally:
    """The tally of all together. The sum of digests is independent of order: a multiset hash (Clarke et al., 2003)."""
    checksum = sum(int(tally.checksum, 16) for tally in tallies) % MODULUS
    return Tally(documents=sum(tally.documents for tally in tallies), checksum=f"{checksum:032x}")


def differences(manifest: Manifest, original: Evidence, copied: Evidence) -> list[str]:
    """What speaks against the copy, in words; nothing when it holds exactly what was found where the events are."""
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


def _start(manifest: Manifest, number: int) -> str:
    return manifest.range_starts[number - 1] if number else "the first"
