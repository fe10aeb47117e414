"""The ports of the archive on real servers: MongoDB, HDFS, the SQL endpoint, the audit log and the alerts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any

from pymongo import MongoClient

from skytier import hot_tier, locks, logs
from skytier.alerts import Severity
from skytier.archive import audit, copies, hot, invalid_documents, metadata
from skytier.archive import visibility as tables
from skytier.archive.hot import HotSize
from skytier.archive.manifest import Manifest, Selection, State, Visibility
from skytier.archive.manifests import Manifests
from skytier.archive.notices import Notices
from skytier.archive.ports import Timing
from skytier.archive.target import Target
from skytier.document_fences import FencedCollection
from skytier.errors import TerminalError
from skytier.files import Files
from skytier.hot_tier import Document
from skytier.pipeline.batch_ids import BatchSpan
from skytier.pipeline.reconcile import Reconciliation
from skytier.settings.archive import ArchiveSettings
from skytier.sql import Connection

_ID_COLUMNS = ["event_id", "other_fields"]
log = logs.logger("archive")


@contextmanager
def open_stores(target: Target, settings: ArchiveSettings, files: Files) -> Iterator[ServerStores]:
    """The stores of a target; the session of the SQL endpoint is opened when it is first needed."""
    with ExitStack() as opened:
        mongodb = opened.enter_context(hot_tier.client())
        sql = cache(lambda: opened.enter_context(Connection()))
        yield ServerStores(target, settings, files, mongodb, sql)


class ServerStores:
    """``PlanningStores`` on real servers, composed of the modules that know one server each."""

    def __init__(
        self,
        target: Target,
        settings: ArchiveSettings,
        files: Files,
        mongodb: MongoClient[Document],
        sql: Callable[[], Connection],
    ) -> None:
        self.target, self.settings = target, settings
        self._files, self._sql = files, sql
        self._events = mongodb[target.database][target.collection]
        self._fenced_events = FencedCollection(mongodb, self._events, files)
        self._manifests = Manifests(files, target.manifests_folder)
        self._notices = Notices(mongodb, target)

    def timing(self) -> Timing:
        settings = self.settings
        assert settings.grace_seconds is not None  # filled in when the settings are read
        return Timing(
            settle_seconds=settings.settle_seconds,
            grace_seconds=settings.grace_seconds,
            purge_documents_per_second=settings.purge_documents_per_second,
        )

    @contextmanager
    def lock(self) -> Iterator[None]:
        with locks.lease(locks.ARCHIVE, pipeline=self.target.pipeline.name) as lease, self._files.held_by(lease.own):
            yield

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep_until(self, moment: datetime) -> None:
        seconds = max(0.0, (moment - self.now()).total_seconds())
        log.info("waiting for queries to end", seconds=round(seconds, 1))
        time.sleep(seconds)

    def actor(self) -> str:
        return audit.actor()

    def note(self, action: str, archive_id: str, **details: Any) -> None:
        audit.note(self._sql(), self.target.audit_table, action, archive_id, **details)
        self._notices.invalidate_cache()

    def alert(self, severity: Severity, subject: str, message: str, *, until_resolved: bool = False) -> None:
        self._notices.alert(severity, subject, message, until_resolved=until_resolved)

    def resolve(self, *subjects: str) -> None:
        self._notices.resolve(*subjects)

    def load(self, archive_id: str) -> Manifest:
        return self._manifests.load(archive_id)

    def all(self) -> list[Manifest]:
        return self._manifests.all()

    def under_way(self) -> Manifest | None:
        return self._manifests.open()

    def begin(self, manifest: Manifest) -> None:
        self._manifests.begin(manifest)

    def save(self, manifest: Manifest) -> None:
        self._manifests.save(manifest)
        self._notices.invalidate_cache()

    def repair(self, archive_id: str | None) -> Manifest | None:
        """Replace the manifest of an archive by its second copy; write again which archive is under way: that one."""
        if archive_id is not None:
            repaired = self._manifests.restore_second_copy(archive_id)
            self.note("repair", archive_id, state=repaired.state)
        return self._manifests.rewrite_open()

    def finalize(self, manifest: Manifest) -> None:
        if manifest.state is State.FAILED:
            self.note("fail", manifest.archive_id, reason=manifest.failure)
        staging = self.target.staging(manifest.archive_id)
        copies.delete_partial(self._files, staging)
        self._files.delete(staging)
        self._manifests.end(manifest)

    def size(self) -> HotSize:
        return hot.size(self._events)

    def clock(self) -> datetime | None:
        return hot_tier.newest_event_time(self._events)

    def count(self, selection: Selection, excluded: Sequence[Selection]) -> int:
        return hot.count(self._events, hot.matching(selection, excluded))

    def just_after_oldest(self, selection: Selection, excluded: Sequence[Selection], number: int) -> datetime | None:
        return hot.just_after_oldest(self._events, hot.matching(selection, excluded), number)

    def range_starts(self, selection: Selection, excluded: Sequence[Selection], ranges: int) -> tuple[str, ...]:
        return hot.range_starts(self._events, hot.matching(selection, excluded), ranges)

    def remaining(self, manifest: Manifest) -> int:
        return self.count(manifest.selection, manifest.excluded)

    def delete(self, ids: Sequence[str]) -> None:
        self._fenced_events.require()
        hot.delete(self._events, ids)

    def hot_documents(self, ids: Sequence[str]) -> list[Document]:
        return hot.find(self._events, ids)

    @hot_tier.answering()
    def insert(self, documents: list[Document]) -> None:
        self._fenced_events.insert_missing(documents)

    def set_aside(self, manifest: Manifest) -> list[str]:
        self._files.require()
        which = hot.matching(manifest.selection, manifest.excluded)
        return self._set_aside(invalid_documents.unreadable(self._events, which))

    def set_aside_invalid(self) -> list[str]:
        self._files.require()
        return self._set_aside(invalid_documents.violating_rules(self._events))

    def _set_aside(self, found: Iterator[invalid_documents.InvalidDocument]) -> list[str]:
        messages = invalid_documents.set_aside(self._events, found)
        return [*messages, invalid_documents.where(self._events)] if messages else []

    def reconciled(self) -> tuple[BatchSpan, ...]:
        return Reconciliation(self.target.pipeline, self._sql(), self._files).reconciled()

    def check_files(self, manifest: Manifest) -> None:
        copies.check_files(self._files, manifest, self.target.location(manifest.archive_id))

    def ids(self, manifest: Manifest) -> Iterator[Sequence[str]]:
        for documents in self.documents(manifest, _ID_COLUMNS):
            ids = [document["_id"] for document in documents]
            for start in range(0, len(ids), self.settings.purge_batch):
                yield ids[start : start + self.settings.purge_batch]

    def documents(self, manifest: Manifest, columns: list[str] | None = None) -> Iterator[list[Document]]:
        """The documents of the published files, in batches of thousands; one file is in memory at a time.

        Raises TerminalError if a file is missing, was changed or cannot be read.
        """
        self.check_files(manifest)
        for file in manifest.files:
            path = f"{self.target.location(manifest.archive_id)}/{file.name}"
            yield from copies.read_documents(self._files, path, columns)

    def count_archived(self, manifest: Manifest, first_id: str, last_id: str) -> int:
        # A compaction replaces its sources.
        but_for = (manifest.archive_id, *manifest.sources)
        copy_url = self._files.url(self.target.staging(manifest.archive_id))
        return tables.count_archived(self._sql(), self.target, copy_url, first_id, last_id, but_for)

    def promote_files(self, manifest: Manifest) -> None:
        archive_id = manifest.archive_id
        staging, location = self.target.staging(archive_id), self.target.location(archive_id)
        if self._files.exists(staging):
            self._files.rename(staging, location)
        elif not self._files.exists(location):
            raise TerminalError(
                f"{archive_id} is verified, but neither {staging} nor {location} is on HDFS: its files were removed. "
                f"Nothing was deleted from the hot tier. Run 'skytier archive abandon {archive_id} --reason ...'; the "
                "next run plans a new archive."
            )
        self.check_files(manifest)
        self._files.require()
        tables.add_partition(self._sql(), self.target, archive_id, self._files.url(location))

    def set_visibility(self, manifest: Manifest, visibility: Visibility) -> None:
        merges = visibility in (Visibility.PUBLISHED, Visibility.ABANDONED)
        sources = [self.load(source) for source in manifest.sources] if merges else []
        rows = tables.state_rows(manifest, visibility, sources)
        self._files.require()
        tables.set_visibility(self._sql(), self.target, rows, self.now())
        self.note(str(visibility), manifest.archive_id, documents=manifest.planned)

    def with_visibility(self, visibility: Visibility) -> dict[str, list[Selection]]:
        return tables.with_visibility(self._sql(), self.target, visibility)

    def remove_sources(self, manifest: Manifest) -> None:
        for source in map(self.load, manifest.sources):
            after = source.model_copy(update={"state": State.MERGED})
            self.save(after)  # first: from now on the compaction can no longer be abandoned
            self.remove(after)
            self.record(after)

    def detach(self, manifest: Manifest) -> None:
        self._files.require()
        tables.drop_partition(self._sql(), self.target, manifest.archive_id)

    def remove(self, manifest: Manifest) -> None:
        self.detach(manifest)
        self._files.delete(self.target.location(manifest.archive_id))

    def record(self, manifest: Manifest) -> None:
        self._files.require()
        metadata.record(self._sql(), self.target, manifest)
        self._notices.invalidate_cache()
