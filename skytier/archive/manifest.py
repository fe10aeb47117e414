"""The manifest of an archive: its content, its state, and everything that a run needs to resume it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from skytier.pipeline.batch_ids import BatchSpan

# Names of folders and files, which are read, moved and deleted: none may lead out of the archives' folder.
ArchiveId = Annotated[str, StringConstraints(pattern=r"^archive_[0-9A-Za-z_]{1,60}$")]
_FileName = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_][0-9A-Za-z_.=-]{0,250}$")]


class State(StrEnum):
    """The state of an archive. FAILED, MERGED and EXPIRED are final.

    The state only moves forward, with two exceptions: a hold takes an archive from EXPIRING back to DONE, and
    abandoning a published archive first takes it back to VERIFIED.
    """

    PLANNED = "planned"
    EXPORTED = "exported"
    VERIFIED = "verified"
    PUBLISHED = "published"
    PURGED = "purged"
    DONE = "done"
    FAILED = "failed"
    """the copy differs, or the archive was abandoned: nothing was deleted, the next run plans a new archive"""
    MERGED = "merged"
    """``skytier archive compact`` moved its events into another archive"""
    EXPIRING = "expiring"
    """its retention time is over: hidden from queries, and deleted after the grace time unless it is held before"""
    EXPIRED = "expired"
    """deleted, or being deleted: a hold is too late"""


class Visibility(StrEnum):
    """What queries over hot tier and archive see of an archive. An archive without a visibility is hidden."""

    PUBLISHED = "published"
    """its events are in both: queries read the archive and ignore the hot documents"""
    PURGED = "purged"
    """its events are in the archive only"""
    RESTORED = "restored"
    """some of its events are in the hot tier again: queries read the archive and ignore the hot documents"""
    MERGED = "merged"
    """its events are in another archive"""
    EXPIRING = "expiring"
    """its events are hidden; its files still exist"""
    EXPIRED = "expired"
    """its events are deleted"""
    ABANDONED = "abandoned"
    """its events are in the hot tier, and in no archive"""


class FrozenModel(BaseModel):
    """A model that never changes; unknown fields, as a newer version may write them, are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Selection(FrozenModel):
    """Which events of the hot tier. The set is closed: a batch that comes later has a higher id."""

    event_time_before: datetime
    batches: tuple[BatchSpan, ...]


class Tally(FrozenModel):
    """A number of documents and their checksum (``skytier.archive.checksum``)."""

    documents: int = 0
    checksum: str = "0" * 32


class File(FrozenModel):
    """A Parquet file of the copy."""

    name: _FileName
    size_bytes: int


class Column(FrozenModel):
    """A column of the copy."""

    name: str
    type: str


class Restored(FrozenModel):
    """Which events of the archive are restored to the hot tier: those of ``[since, until)``, all if both are None."""

    since: datetime | None
    until: datetime | None
    at: datetime
    pinned: bool
    complete: bool
    """whether all of these events were inserted"""
    shown_at: datetime | None = None
    """when the visibility RESTORED was committed: every query that starts later knows of it; None before the commit"""


class Hold(FrozenModel):
    """Why the archive may not be deleted, whatever its age."""

    reason: str
    by: str
    at: datetime


class Manifest(FrozenModel):
    """One archive. Times are aware UTC, sizes in bytes."""

    archive_id: ArchiveId
    state: State
    planned_at: datetime
    planned_by: str
    selection: Selection
    excluded: tuple[Selection, ...] = ()
    """selections of restored archives, whose events are archived already"""
    sources: tuple[ArchiveId, ...] = ()
    """the archives that a compaction merges; none for an archive of the hot tier"""
    merged_selections: tuple[Selection, ...] = ()
    """the selections of a compaction's other sources; ``selection`` is that of the first"""
    range_starts: tuple[str, ...] = ()
    """the lowest ``_id`` of each key range but the first, ascending"""
    planned: int
    """number of events counted when it was planned"""
    estimated_bytes: int
    size_before_bytes: int
    """size of the hot tier's collection when it was planned"""
    content: Tally | None = None
    files: tuple[File, ...] = ()
    columns: tuple[Column, ...] = ()
    schema_version: int
    event_time_min: datetime | None = None
    event_time_max: datetime | None = None
    state_times: dict[str, datetime]
    step_seconds: dict[str, float] = {}
    purge_after: datetime | None = None
    delete_after: datetime | None = None
    """when the files of an expiring archive may be deleted"""
    failure: str | None = None
    restored: Restored | None = None
    hold: Hold | None = None

    @property
    def selections(self) -> tuple[Selection, ...]:
        """All selections of its events: an event that one of them matches is in this archive or in an earlier one."""
        return (self.selection, *self.merged_selections)

    @property
    def size_bytes(self) -> int:
        """The size of its files."""
        return sum(file.size_bytes for file in self.files)
