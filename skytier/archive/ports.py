"""The ports of the archive: what its steps, its commands and its planning need of the servers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from skytier.alerts import Severity
from skytier.archive.hot import HotSize
from skytier.archive.manifest import Column, File, FrozenModel, Manifest, Selection, Tally, Visibility
from skytier.archive.target import Target
from skytier.hot_tier import Document
from skytier.pipeline.batch_ids import BatchSpan
from skytier.settings.archive import ArchiveSettings


class Copy(FrozenModel):
    """What an export wrote."""

    files: tuple[File, ...]
    columns: tuple[Column, ...]


class Evidence(FrozenModel):
    """What was read on one side: a tally for each key range, and whether every ``_id`` occurs once, in order."""

    ranges: tuple[Tally, ...]
    all_distinct: bool
    first_id: str
    last_id: str
    event_time_min: datetime | None
    event_time_max: datetime | None


class Timing(FrozenModel):
    """Times of the protocol, in seconds, and the most documents that are deleted in a second."""

    settle_seconds: float
    grace_seconds: float
    purge_documents_per_second: int


class Copier(Protocol):
    """Copies events and reads them back. Every method is idempotent."""

    def copy(self, manifest: Manifest) -> Copy:
        """Write the events of the selection to the staging folder; replaces what an earlier try left."""

    def original(self, manifest: Manifest) -> Evidence:
        """Read the events of the selection where they are now."""

    def copied(self, manifest: Manifest) -> Evidence:
        """Read the events back from the copy."""


class Stores(Protocol):
    """The hot tier, the files on HDFS, the warehouse: what the steps need. Every method is idempotent."""

    def load(self, archive_id: str) -> Manifest:
        """The current manifest. Raises TerminalError if there is none, or it cannot be read."""

    def save(self, manifest: Manifest) -> None:
        """Replace the manifest atomically."""

    def set_aside(self, manifest: Manifest) -> list[str]:
        """Move documents of the selection that are no events out of the hot tier; a sentence for each."""

    def check_files(self, manifest: Manifest) -> None:
        """Raises TerminalError if a published file is missing, or does not have the size that was written."""

    def count_archived(self, manifest: Manifest, first_id: str, last_id: str) -> int:
        """How many events of the copy, whose ids are in ``[first_id, last_id]``, are in another visible archive."""

    def promote_files(self, manifest: Manifest) -> None:
        """Move the files from the staging folder to the published one and add the partition; not visible yet."""

    def set_visibility(self, manifest: Manifest, visibility: Visibility) -> None:
        """Set what queries see of the archive and, as ``visibility.state_rows`` says, of its sources: one commit."""

    def ids(self, manifest: Manifest) -> Iterator[Sequence[str]]:
        """The ids in the published files, in batches. Raises TerminalError if a file is not what was verified."""

    def delete(self, ids: Sequence[str]) -> None:
        """Delete these events from the hot tier."""

    def remaining(self, manifest: Manifest) -> int:
        """How many events of the selection the hot tier still holds."""

    def remove_sources(self, manifest: Manifest) -> None:
        """Remove the archives that a compaction merged."""

    def record(self, manifest: Manifest) -> None:
        """Write the archive into the metadata tables."""

    def finalize(self, manifest: Manifest) -> None:
        """Delete its staging folder and record that it has ended: the next run may plan."""


class LifecycleStores(Stores, Protocol):
    """What the commands need as well: hold, release, restore, unpin, compact, expire, abandon."""

    def lock(self) -> AbstractContextManager[None]:
        """Hold the target's lock, which no two processes hold at once; waits for it."""

    def now(self) -> datetime:
        """The wall clock, UTC."""

    def sleep_until(self, moment: datetime) -> None:
        """Wait, without the lock: other commands may run meanwhile."""

    def timing(self) -> Timing:
        """The times of the protocol."""

    def actor(self) -> str:
        """The user and machine, for the audit log."""

    def all(self) -> list[Manifest]:
        """All manifests, oldest first."""

    def under_way(self) -> Manifest | None:
        """The archive that has begun and not ended."""

    def begin(self, manifest: Manifest) -> None:
        """Save a new manifest and record that it is under way."""

    def with_visibility(self, visibility: Visibility) -> Mapping[str, Sequence[Selection]]:
        """The archives of which queries see this, with the selections of each."""

    def documents(self, manifest: Manifest) -> Iterator[list[Document]]:
        """The documents of the published files, in batches. Raises as ``ids`` does."""

    def hot_documents(self, ids: Sequence[str]) -> list[Document]:
        """Those of these documents that the hot tier holds, every value of its BSON type."""

    def insert(self, documents: list[Document]) -> None:
        """Insert documents into the hot tier; existing ones stay as they are."""

    def detach(self, manifest: Manifest) -> None:
        """Drop the archive's partition; its files stay."""

    def remove(self, manifest: Manifest) -> None:
        """Drop the archive's partition and delete its files."""

    def note(self, action: str, archive_id: str, **details: Any) -> None:
        """Add to the audit log."""

    def alert(self, severity: Severity, subject: str, message: str, *, until_resolved: bool = False) -> None:
        """Raise an alert."""


class PlanningStores(LifecycleStores, Protocol):
    """What planning a new archive needs as well."""

    @property
    def target(self) -> Target:
        """What is archived, and where to."""

    @property
    def settings(self) -> ArchiveSettings:
        """When events leave the hot tier, and how."""

    def size(self) -> HotSize:
        """The size of the target's collection."""

    def clock(self) -> datetime | None:
        """The newest event_time in the target's collection; None in an empty one."""

    def reconciled(self) -> tuple[BatchSpan, ...]:
        """The batches whose row counts were found to match in every store."""

    def count(self, selection: Selection, excluded: Sequence[Selection]) -> int:
        """How many events a selection has, without those of the excluded ones."""

    def just_after_oldest(self, selection: Selection, excluded: Sequence[Selection], number: int) -> datetime | None:
        """The time right after the ``number``-th oldest event of a selection; None if it has fewer."""

    def range_starts(self, selection: Selection, excluded: Sequence[Selection], ranges: int) -> tuple[str, ...]:
        """The lowest ``_id`` of each of about ``ranges`` key ranges of a selection but the first."""

    def set_aside_invalid(self) -> list[str]:
        """Move all documents that no selection can match out of the hot tier; a sentence for each."""

    def resolve(self, *subjects: str) -> None:
        """Resolve alerts whose cause is gone."""
