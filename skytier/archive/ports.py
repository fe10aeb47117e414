"""What the archive needs of the outside: the ports of its steps and of its commands, and what passes through them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from skytier.alerts import Severity
from skytier.archive.manifest import Column, File, Manifest, Part, Selection, Tally, Visible
from skytier.hot_tier import Document


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


class Timing(Part):
    """Times of the protocol, in seconds, and the most that is deleted in a second."""

    settle_seconds: float
    grace_seconds: float
    purge_documents_per_second: int


class Stores(Protocol):
    """The hot tier, the copy on HDFS, the warehouse. Every method may be called again after it was cut off."""

    def load(self, archive_id: str) -> Manifest:
        """A manifest as it is now. Raises TerminalError where there is none, or it cannot be read."""

    def save(self, manifest: Manifest) -> None:
        """Replace the manifest, in one step."""

    def copy(self, manifest: Manifest) -> Copy:
        """Write the events of the selection aside, in place of what an earlier try left."""

    def original(self, manifest: Manifest) -> Evidence:
        """Read the events of the selection where they are now."""

    def copied(self, manifest: Manifest) -> Evidence:
        """Read the events back from the copy."""

    def set_aside(self, manifest: Manifest) -> list[str]:
        """Move documents of the selection that are no events out of the hot tier; each named, with its reason."""

    def check_files(self, manifest: Manifest) -> None:
        """Raises TerminalError when a published file is missing, or not of the size that was written."""

    def held_already(self, manifest: Manifest, first_id: str, last_id: str) -> int:
        """How many events of the copy, whose ids are from one to another, another archive has that queries see."""

    def place(self, manifest: Manifest) -> None:
        """Put the copy where the table of archives finds it; not visible yet."""

    def show(self, manifest: Manifest, visible: Visible) -> None:
        """Let queries see the archive so: one commit. ``skytier.archive.visibility.states`` says what of others."""

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


class LifecycleStores(Stores, Protocol):
    """What the commands need beside: hold, release, restore, unpin, compact, expire, abandon."""

    def alone(self) -> AbstractContextManager[None]:
        """Within the block no other process works at archives; waits for one that does."""

    def now(self) -> datetime:
        """The wall clock, UTC."""

    def sleep_until(self, moment: datetime) -> None:
        """Wait, not alone: others may do anything meanwhile."""

    def timing(self) -> Timing:
        """The times of the protocol."""

    def actor(self) -> str:
        """Who does this."""

    def all(self) -> list[Manifest]:
        """All manifests, oldest first."""

    def under_way(self) -> Manifest | None:
        """The archive that was begun and has not ended."""

    def begin(self, manifest: Manifest) -> None:
        """Save a new manifest; it is the one under way."""

    def shown(self, visible: Visible) -> Mapping[str, Sequence[Selection]]:
        """The archives that queries see so, with what each selected."""

    def documents(self, manifest: Manifest) -> Iterator[list[Document]]:
        """The documents of the published files, some at a time. Raises as ``ids`` does."""

    def hot_documents(self, ids: Sequence[str]) -> list[Document]:
        """Those of these documents that the hot tier holds, every value of its BSON type."""

    def insert(self, documents: list[Document]) -> None:
        """Put documents into the hot tier; those that are there already stay as they are."""

    def detach(self, manifest: Manifest) -> None:
        """Take the archive out of the table of archives; its files stay."""

    def remove(self, manifest: Manifest) -> None:
        """Take the archive out of the table of archives, and delete its files."""

    def note(self, action: str, archive_id: str, **details: Any) -> None:
        """Add to the audit log."""

    def alert(self, severity: Severity, subject: str, message: str) -> None:
        """Raise an alert."""
