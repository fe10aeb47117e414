"""The archive protocol as pure logic: which step comes next, what proves a copy, what a step leaves in the manifest.

``Stores`` is everything outside. A step may be stopped anywhere and repeated: each of its effects is idempotent, and
the manifest, saved last, says that it is done.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from skytier.archive.manifest import Hold, Manifest, State, Tally, Visible
from skytier.archive.ports import Evidence, Stores, Timing
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
    """Not before ``until``: a query that began before the last commit may still run."""

    def __init__(self, archive_id: str, until: datetime) -> None:
        super().__init__(f"{archive_id} has to wait until {until:%Y-%m-%d %H:%M:%S}Z: older queries may still run.")
        self.until = until


class StoppedError(SkytierError):
    """The run was asked to end; the next one goes on where it stood."""


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
        try:
            self._check_sources(manifest)
            copy = self._stores.copy(manifest)
        except TerminalError as error:
            return self._given_up(manifest, error)
        return self._moved(manifest, State.EXPORTED, files=copy.files, columns=copy.columns)

    def _verify(self, manifest: Manifest) -> Manifest:
        try:
            copied = self._stores.copied(manifest)
        except TerminalError as error:
            return self._failed(manifest, f"the copy cannot be read back: {error}")
        try:
            self._check_sources(manifest)
            original = self._stores.original(manifest)
        except TerminalError as error:
            return self._given_up(manifest, error)
        if found := differences(manifest, original, copied):
            return self._failed(manifest, "; ".join(found) + ".")
        if again := self._stores.held_already(manifest, copied.first_id, copied.last_id):
            return self._failed(manifest, f"{again} of its events are in an earlier archive.")
        times = {"event_time_min": copied.event_time_min, "event_time_max": copied.event_time_max}
        return self._moved(manifest, State.VERIFIED, content=total(copied.ranges), **times)

    def _check_sources(self, manifest: Manifest) -> None:
        """Raises TerminalError when what a compaction merges is no longer there, or not to be merged."""
        for source in map(self._stores.load, manifest.sources):
            _check_mergeable(source)
            self._stores.check_files(source)

    def _given_up(self, manifest: Manifest, error: TerminalError) -> Manifest:
        """The archive as failed, where the next one can do without what is wrong; raises the error again elsewhere."""
        if manifest.sources:
            return self._failed(manifest, str(error))
        if aside := self._stores.set_aside(manifest):
            return self._failed(manifest, " ".join(aside))
        raise error

    def _failed(self, manifest: Manifest, failure: str) -> Manifest:
        return self._moved(manifest, State.FAILED, failure=failure)

    def _publish(self, manifest: Manifest) -> Manifest:
        held = manifest.hold
        try:
            for source in map(self._stores.load, manifest.sources):
                _check_mergeable(source)
                held = joined(held, source.hold)
        except TerminalError as error:
            return self._failed(manifest, str(error))
        self._stores.place(manifest)
        # A query that is being planned may have listed the archives already, and read the states only after the commit.
        self._sleep(self._timing.settle_seconds)
        self._stores.show(manifest, Visible.PUBLISHED)
        purge_after = self._now() + timedelta(seconds=self._timing.grace_seconds)
        return self._moved(manifest, State.PUBLISHED, purge_after=purge_after, hold=held)

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


def joined(one: Hold | None, other: Hold | None) -> Hold | None:
    """The hold of an archive that is made of two: what holds one of them holds it."""
    if one is None or other is None or one.reason == other.reason:
        return one or other
    return other.model_copy(update={"reason": f"{one.reason}; {other.reason}"})


def _check_mergeable(source: Manifest) -> None:
    if source.state is not State.DONE or source.restored is not None:
        state = "restored" if source.state is State.DONE else source.state
        raise TerminalError(f"{source.archive_id} is {state} by now: it cannot be merged.")


def _start(manifest: Manifest, number: int) -> str:
    return manifest.range_starts[number - 1] if number else "the first"
