"""The manifest of an archive: what it holds, how far it is, and everything that a run needs to go on."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from skytier.pipeline.batch_ids import BatchSpan

ARCHIVES = "/archive/mongodb_archive"
IN_PROGRESS = f"{ARCHIVES}/_inprogress"
# Names of folders and files, which are read, moved and deleted: none may lead out of the archives.
ArchiveId = Annotated[str, StringConstraints(pattern=r"^archive_[0-9A-Za-z_]{1,60}$")]
_FileName = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_][0-9A-Za-z_.=-]{0,250}$")]


class State(StrEnum):
    """How far an archive is. FAILED, MERGED and EXPIRED end it.

    It only moves forward, but for two: a hold leads from EXPIRING back to DONE, and who abandons a published archive
    takes it back to VERIFIED first.
    """

    PLANNED = "planned"
    EXPORTED = "exported"
    VERIFIED = "verified"
    PUBLISHED = "published"
    PURGED = "purged"
    DONE = "done"
    FAILED = "failed"
    """verification found a difference: nothing was deleted, the next run plans anew"""
    MERGED = "merged"
    """its events are in the archive that ``skytier archive compact`` made of it"""
    EXPIRING = "expiring"
    """its retention is over: hidden, and deleted once no query reads it, unless it is held before"""
    EXPIRED = "expired"
    """deleted after the retention time, or being deleted: no hold comes in time any more"""


class Visible(StrEnum):
    """What queries over both tiers see of an archive; they do not see one that is not shown yet."""

    PUBLISHED = "published"
    """in both tiers: the archive counts, not the hot events"""
    PURGED = "purged"
    """in the archive only"""
    RESTORED = "restored"
    """some are back in the hot tier: the archive counts, not the hot events"""
    MERGED = "merged"
    """its events are in another archive"""
    EXPIRING = "expiring"
    """its events are hidden; its files are still there"""
    EXPIRED = "expired"
    """its events are deleted"""
    ABANDONED = "abandoned"
    """its events are in the hot tier, and of no archive"""


class Part(BaseModel):
    """A model that never changes; unknown fields of a newer version are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Selection(Part):
    """Which events of the hot tier: closed, for a batch that comes later has a higher id."""

    event_time_before: datetime
    batches: tuple[BatchSpan, ...]


class Tally(Part):
    """Events counted, and the sum of their digests (``skytier.documents.digest``) modulo 2**128, in hex."""

    documents: int = 0
    checksum: str = "0" * 32


class File(Part):
    """A Parquet file of the copy."""

    name: _FileName
    size_bytes: int


class Column(Part):
    """A column of the copy."""

    name: str
    type: str


class Restored(Part):
    """What of the archive is back in the hot tier: events of ``[since, until)``, all where both are None."""

    since: datetime | None
    until: datetime | None
    at: datetime
    pinned: bool
    complete: bool
    """whether every event of it was put back"""
    shown_at: datetime | None = None
    """since when every new query knows of it; None until the commit that says so"""


class Hold(Part):
    """Why it may not be deleted, however old it is."""

    reason: str
    by: str
    at: datetime


class Manifest(Part):
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
    """what the other sources of a compaction selected; ``selection`` is that of the first"""
    range_starts: tuple[str, ...] = ()
    """the lowest ``_id`` of each key range but the first, ascending"""
    planned: int
    """events that were counted when it was planned"""
    estimated_bytes: int
    size_before_bytes: int
    """size of the hot tier when it was planned"""
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
    """when the files of an archive that is expiring may be deleted"""
    failure: str | None = None
    restored: Restored | None = None
    hold: Hold | None = None

    @property
    def selections(self) -> tuple[Selection, ...]:
        """All that its events were selected by: what is of one of these is in this archive or in an earlier one."""
        return (self.selection, *self.merged_selections)

    @property
    def location(self) -> str:
        """The folder of its published files on HDFS."""
        return f"{ARCHIVES}/{self.archive_id}"

    @property
    def workplace(self) -> str:
        """The folder where its files are written and verified."""
        return f"{IN_PROGRESS}/{self.archive_id}"

    @property
    def size_bytes(self) -> int:
        """The size of its files."""
        return sum(file.size_bytes for file in self.files)
