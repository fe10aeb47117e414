"""The stores of the protocol: MongoDB, HDFS and the warehouse, but for the copying, which Spark does."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from pymongo.errors import PyMongoError

from skytier import alerts, cache, hot_tier, logs
from skytier.alerts import Severity
from skytier.archive import audit, copies, hot, metadata, misfits, visibility
from skytier.archive.manifest import Manifest, Selection, State, Visible
from skytier.archive.manifests import Manifests
from skytier.archive.ports import Copy, Evidence, Timing
from skytier.archive.protocol import Step
from skytier.errors import TerminalError
from skytier.exclusive import ARCHIVE, alone_at
from skytier.files import Files
from skytier.hot_tier import Document
from skytier.settings.archive import ArchiveSettings
from skytier.sql import Connection

_KIND = "archive"
_ID_COLUMNS = ["event_id", "other_fields"]
log = logs.logger("archive")


class ServerStores:
    """The stores on real servers; use it in ``with``. Copies are made and read back by those of the Spark job."""

    def __init__(self, files: Files | None = None, settings: ArchiveSettings | None = None) -> None:
        self.files = files or Files()
        self.settings = settings or ArchiveSettings()
        self.manifests = Manifests(self.files)
        self._open = ExitStack()
        self._sql: Connection | None = None
        self.mongodb = self._open.enter_context(hot_tier.client())

    def __enter__(self) -> ServerStores:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open.close()

    @property
    def sql(self) -> Connection:
        """A session of the SQL endpoint, opened when it is first needed."""
        if self._sql is None:
            self._sql = self._open.enter_context(Connection())
        return self._sql

    def timing(self) -> Timing:
        """The times of the protocol, as they are set."""
        settings = self.settings
        assert settings.grace_seconds is not None  # filled in when the settings are read
        return Timing(
            settle_seconds=settings.settle_seconds,
            grace_seconds=settings.grace_seconds,
            purge_documents_per_second=settings.purge_documents_per_second,
        )

    def alone(self) -> AbstractContextManager[None]:
        return alone_at(ARCHIVE)

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep_until(self, moment: datetime) -> None:
        seconds = max(0.0, (moment - self.now()).total_seconds())
        log.info("waiting for queries to end", seconds=round(seconds, 1))
        time.sleep(seconds)

    def actor(self) -> str:
        return audit.actor()

    def note(self, action: str, archive_id: str, **details: Any) -> None:
        audit.note(self.sql, action, archive_id, **details)

    def alert(self, severity: Severity, subject: str, message: str, *, until_resolved: bool = False) -> None:
        """Raise an alert of the archive, or count it up; where MongoDB does not answer, the log has it."""
        try:
            alerts.alert(self.mongodb, _KIND, severity, subject, message, until_resolved=until_resolved)
        except PyMongoError as error:
            log.error("alert not stored", subject=subject, message=message, reason=str(error))

    def resolve(self, *subjects: str) -> None:
        """Note that the cause of alerts of the archive is gone; where MongoDB does not answer, the next time."""
        try:
            alerts.resolve(self.mongodb, _KIND, *subjects)
        except PyMongoError as error:
            log.error("alert not resolved", subjects=subjects, reason=str(error))

    def load(self, archive_id: str) -> Manifest:
        return self.manifests.load(archive_id)

    def all(self) -> list[Manifest]:
        return self.manifests.all()

    def under_way(self) -> Manifest | None:
        return self.manifests.open()

    def begin(self, manifest: Manifest) -> None:
        self.manifests.begin(manifest)

    def save(self, manifest: Manifest) -> None:
        self.manifests.save(manifest)

    def copy(self, manifest: Manifest) -> Copy:
        raise _of_spark(Step.EXPORT)

    def original(self, manifest: Manifest) -> Evidence:
        raise _of_spark(Step.VERIFY)

    def copied(self, manifest: Manifest) -> Evidence:
        raise _of_spark(Step.VERIFY)

    def set_aside(self, manifest: Manifest) -> list[str]:
        which = hot.chosen(manifest.selection, manifest.excluded)
        said = misfits.set_aside(self.mongodb, misfits.unreadable(self.mongodb, which))
        return [*said, misfits.WHERE] if said else []

    def check_files(self, manifest: Manifest) -> None:
        copies.check_files(self.files, manifest, manifest.location)

    def held_already(self, manifest: Manifest, first_id: str, last_id: str) -> int:
        # The sources of a compaction are what it will take over.
        ours = (manifest.archive_id, *manifest.sources)
        return visibility.held_elsewhere(self.sql, manifest.workplace, first_id, last_id, but_for=ours)

    def place(self, manifest: Manifest) -> None:
        if self.files.exists(manifest.workplace):
            self.files.rename(manifest.workplace, manifest.location)
        elif not self.files.exists(manifest.location):
            raise TerminalError(
                f"{manifest.archive_id} is verified, but neither {manifest.workplace} nor {manifest.location} is on "
                "HDFS: somebody removed its files. Nothing was deleted from the hot tier: 'skytier archive abandon "
                f"{manifest.archive_id} --reason ...' lets the next run plan anew."
            )
        self.check_files(manifest)
        visibility.add_partition(self.sql, manifest.archive_id, manifest.location)

    def show(self, manifest: Manifest, visible: Visible) -> None:
        also = manifest.sources if visible in (Visible.PUBLISHED, Visible.ABANDONED) else ()
        sources = [self.load(source) for source in also]
        visibility.show(self.sql, visibility.states(manifest, visible, sources), self.now())
        cache.invalidate(cache.CacheTag.archives("flights"))
        self.note(str(visible), manifest.archive_id, documents=manifest.planned)

    def shown(self, visible: Visible) -> dict[str, list[Selection]]:
        """The archives that queries see so, with what each selected."""
        return visibility.shown(self.sql, visible)

    def ids(self, manifest: Manifest) -> Iterator[Sequence[str]]:
        for documents in self.documents(manifest, _ID_COLUMNS):
            ids = [document["_id"] for document in documents]
            for start in range(0, len(ids), self.settings.purge_batch):
                yield ids[start : start + self.settings.purge_batch]

    def documents(self, manifest: Manifest, columns: list[str] | None = None) -> Iterator[list[Document]]:
        """The documents of the published files, some thousands at a time; one file is in memory at once.

        Raises TerminalError when a file is missing, was changed or cannot be read.
        """
        self.check_files(manifest)
        for file in manifest.files:
            yield from copies.read_documents(self.files, f"{manifest.location}/{file.name}", columns)

    def delete(self, ids: Sequence[str]) -> None:
        hot.delete(self.mongodb, ids)

    @hot_tier.answering()
    def hot_documents(self, ids: Sequence[str]) -> list[Document]:
        return list(hot.exact_events(self.mongodb).find({"_id": {"$in": list(ids)}}))

    @hot_tier.answering()
    def insert(self, documents: list[Document]) -> None:
        if documents:
            hot_tier.insert_new(hot_tier.events(self.mongodb), documents)

    def remaining(self, manifest: Manifest) -> int:
        return hot.count(self.mongodb, hot.chosen(manifest.selection, manifest.excluded))

    def retire(self, manifest: Manifest) -> None:
        for source in map(self.load, manifest.sources):
            after = source.model_copy(update={"state": State.MERGED})
            self.save(after)  # first: from here on the compaction cannot be abandoned
            self.remove(after)
            self.record(after)

    def detach(self, manifest: Manifest) -> None:
        visibility.drop_partition(self.sql, manifest.archive_id)

    def remove(self, manifest: Manifest) -> None:
        self.detach(manifest)
        self.files.delete(manifest.location)

    def record(self, manifest: Manifest) -> None:
        metadata.record(self.sql, manifest)

    def forget(self, manifest: Manifest) -> None:
        if manifest.state is State.FAILED:
            self.note("fail", manifest.archive_id, reason=manifest.failure)
        self.files.delete(manifest.workplace)
        self.manifests.end(manifest)


def _of_spark(step: Step) -> TerminalError:
    return TerminalError(f"The step {step} is done by the Spark job archive_hot_tier, for 'skytier archive run'.")
