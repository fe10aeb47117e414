"""The archive protocol as pure logic: which step is due, and what a step leaves in the manifest.

``Stores`` and ``Copier`` are everything outside. A step may be stopped anywhere and repeated: each of its effects is
idempotent, and the manifest, saved last, records that it is done. Export and verify are in ``copy_steps``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from skytier.archive import copy_steps
from skytier.archive.copy_steps import check_mergeable, failed, moved
from skytier.archive.manifest import Hold, Manifest, State, Visibility
from skytier.archive.ports import Copier, Stores, Timing
from skytier.errors import SkytierError, TerminalError


class Step(StrEnum):
    """The steps of a run, in their order."""

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
"""The step that is due in each state; none in a final state, nor in those of the retention."""

Action = Callable[[Manifest], Manifest]


class NotYetError(SkytierError):
    """The purge is not due before ``until``: a query that began before the commit may still run."""

    def __init__(self, archive_id: str, until: datetime) -> None:
        super().__init__(f"{archive_id} has to wait until {until:%Y-%m-%d %H:%M:%S}Z: older queries may still run.")
        self.until = until


class StoppedError(SkytierError):
    """The process was asked to stop; the next run resumes the step."""


class Archiver:
    """Runs the steps of an archive, one at a time; export and verify only with a ``Copier``."""

    def __init__(
        self,
        stores: Stores,
        timing: Timing,
        copier: Copier | None = None,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
        asked_to_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self._stores, self._timing = stores, timing
        self._now, self._sleep, self._asked_to_stop = now, sleep, asked_to_stop
        self._actions: dict[Step, Action] = {
            Step.PUBLISH: self._publish,
            Step.PURGE: self._purge,
            Step.RECORD: self._record,
        }
        if copier is not None:
            self._actions[Step.EXPORT] = lambda manifest: copy_steps.export(stores, copier, manifest, now)
            self._actions[Step.VERIFY] = lambda manifest: copy_steps.verify(stores, copier, manifest, now)

    def run_step(self, manifest: Manifest, step: Step) -> Manifest:
        """Run a step if it is the one that is due; returns the manifest afterwards.

        Raises NotYetError if a purge is due later, StoppedError when asked to stop meanwhile, TerminalError if the copy
        does not hold what the hot tier holds.
        """
        if NEXT.get(manifest.state) is not step:
            return manifest
        if (action := self._actions.get(step)) is None:
            raise TerminalError(
                f"The step {step} runs in the Spark job archive_hot_tier, as 'skytier archive run' does."
            )
        began = time.monotonic()
        after = action(manifest)
        seconds = manifest.step_seconds | {str(step): round(time.monotonic() - began, 3)}
        after = after.model_copy(update={"step_seconds": seconds})
        self._stores.save(after)
        if after.state not in NEXT:
            self._stores.finalize(after)
        if after.failure:
            raise TerminalError(
                f"{after.archive_id}: {after.failure} Nothing was deleted; the next run plans a new one."
            )
        return after

    def _publish(self, manifest: Manifest) -> Manifest:
        hold = manifest.hold
        try:
            for source in map(self._stores.load, manifest.sources):
                check_mergeable(source)
                hold = joined(hold, source.hold)
        except TerminalError as error:
            return failed(manifest, str(error), self._now())
        self._stores.promote_files(manifest)
        # A query that is being planned may have listed the partitions already, and read the states after the commit.
        self._sleep(self._timing.settle_seconds)
        self._stores.set_visibility(manifest, Visibility.PUBLISHED)
        purge_after = self._now() + timedelta(seconds=self._timing.grace_seconds)
        return moved(manifest, State.PUBLISHED, self._now(), purge_after=purge_after, hold=hold)

    def _purge(self, manifest: Manifest) -> Manifest:
        assert manifest.purge_after is not None
        if self._now() < manifest.purge_after:
            raise NotYetError(manifest.archive_id, manifest.purge_after)
        if manifest.sources:
            self._stores.remove_sources(manifest)
            return moved(manifest, State.PURGED, self._now())
        self.delete(manifest)
        if left := self._stores.remaining(manifest):
            raise TerminalError(
                f"{manifest.archive_id}: {left} events of its selection are in the hot tier and not in its files. They "
                "were not deleted: something other than the minute job inserted or changed them. 'skytier archive list "
                "--json' has the selection that finds them. Remove or correct them; the next run resumes the purge."
            )
        self._stores.set_visibility(manifest, Visibility.PURGED)
        return moved(manifest, State.PURGED, self._now())

    def delete(self, manifest: Manifest) -> None:
        """Delete the events of the published files by their ids, no faster than the rate limit. Idempotent.

        Raises StoppedError when asked to stop; what is deleted stays deleted.
        """
        for ids in self._stores.ids(manifest):
            if self._asked_to_stop():
                raise StoppedError(f"{manifest.archive_id}: the purge was asked to stop; the next run resumes it.")
            began = time.monotonic()
            self._stores.delete(ids)
            least = len(ids) / self._timing.purge_documents_per_second
            self._sleep(max(0.0, least - (time.monotonic() - began)))

    def _record(self, manifest: Manifest) -> Manifest:
        done = moved(manifest, State.DONE, self._now())
        self._stores.record(done)
        return done


def joined(one: Hold | None, other: Hold | None) -> Hold | None:
    """The hold of an archive merged from two: a hold on either of them holds it."""
    if one is None or other is None or one.reason == other.reason:
        return one or other
    return other.model_copy(update={"reason": f"{one.reason}; {other.reason}"})
