"""The stores of the protocol: MongoDB, HDFS and the warehouse, but for the copying, which Spark does."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from types import TracebackType

from pymongo.errors import PyMongoError

from skytier import alerts, cache, hot_tier, logs
from skytier.alerts import Severity
from skytier.archive import audit, copies, hot, visibility
from skytier.archive.manifest import Manifest, Selection, State, Tally, Visible
from skytier.archive.manifests import Manifests
from skytier.archive.planning import MB
from skytier.archive.protocol import Copy, Evidence, Step, Timing
from skytier.archive.visibility import Shown
from skytier.errors import TerminalError
from skytier.event import SCHEMA_NAME
from skytier.files import Files
from skytier.hot_tier import Document
from skytier.migrations import DATABASE
from skytier.settings import ArchiveSettings
from skytier.sql import Connection
from skytier.warehouse import insert, literal, upsert

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

    def wait_for_queries(self) -> None:
        """Wait until no query can still run that began before what was shown last."""
        seconds = self.timing().grace_seconds
        log.info("waiting for queries to end", seconds=seconds)
        time.sleep(seconds)

    def alert(self, severity: Severity, subject: str, message: str) -> None:
        """Raise an alert of the archive, or count it up; where MongoDB does not answer, the log has it."""
        try:
            alerts.alert(self.mongodb, "archive", severity, subject, message)
        except PyMongoError as error:
            log.error("alert not stored", subject=subject, message=message, reason=str(error))

    def save(self, manifest: Manifest) -> None:
        self.manifests.save(manifest)

    def copy(self, manifest: Manifest) -> Copy:
        raise _of_spark(Step.EXPORT)

    def original(self, manifest: Manifest) -> Evidence:
        raise _of_spark(Step.VERIFY)

    def copied(self, manifest: Manifest) -> Evidence:
        raise _of_spark(Step.VERIFY)

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
        copies.check_files(self.files, manifest, manifest.location)
        visibility.add_partition(self.sql, manifest.archive_id, manifest.location)

    def show(self, manifest: Manifest, visible: Visible) -> None:
        shown = {manifest.archive_id: Shown(visible, manifest.selections)}
        if manifest.sources and visible is Visible.PUBLISHED:
            # It takes over at once: the hot events of its sources are long purged.
            shown = {manifest.archive_id: Shown(Visible.PURGED, manifest.selections)} | {
                source: Shown(Visible.MERGED, manifest.selections) for source in manifest.sources
            }
        visibility.show(self.sql, shown, datetime.now(UTC))
        cache.changed(cache.Basis.ARCHIVES)
        audit.note(self.sql, str(visible), manifest.archive_id, documents=manifest.planned)

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
        copies.check_files(self.files, manifest, manifest.location)
        for file in manifest.files:
            yield from copies.read_documents(self.files, f"{manifest.location}/{file.name}", columns)

    def delete(self, ids: Sequence[str]) -> None:
        hot.delete(self.mongodb, ids)

    def remaining(self, manifest: Manifest) -> int:
        return hot.count(self.mongodb, hot.chosen(manifest.selection, manifest.excluded))

    def retire(self, manifest: Manifest) -> None:
        for source in manifest.sources:
            visibility.drop_partition(self.sql, source)
            merged = self.manifests.load(source)
            self.files.delete(merged.location)
            after = merged.model_copy(update={"state": State.MERGED})
            self.record(after)
            self.manifests.save(after)

    def record(self, manifest: Manifest) -> None:
        content = manifest.content or Tally()
        seconds = ", ".join(f"{literal(step)}, {float(took)}D" for step, took in manifest.step_seconds.items())
        archived_at = manifest.state_times.get(str(State.PUBLISHED))
        row = {
            "archive_id": literal(manifest.archive_id),
            "archived_at": literal(archived_at),
            "record_count": str(content.documents),
            "file_size_mb": f"{manifest.size_bytes / MB}D",
            "schema_name": literal(SCHEMA_NAME),
            "schema_version": str(manifest.schema_version),
            "storage_location": literal(manifest.location),
            "checksum": literal(content.checksum),
            "event_time_min": literal(manifest.event_time_min),
            "event_time_max": literal(manifest.event_time_max),
            "state": literal(str(manifest.state)),
            "step_seconds": f"map({seconds})",
        }
        columns = ", ".join(f"{value} AS {name}" for name, value in row.items())
        upsert(self.sql, "archive_metadata", "archive_id", f"SELECT {columns}")
        self._record_schema(manifest)

    def _record_schema(self, manifest: Manifest) -> None:
        """Add the columns of the files to ``schema_metadata`` where no archive had the same before."""
        name, text = "archived_flight_events", json.dumps([column.model_dump() for column in manifest.columns])
        known = self.sql.query(
            f"SELECT version, schema_json FROM {DATABASE}.schema_metadata WHERE schema_name = {literal(name)}"
        ).rows
        if text not in {schema for _, schema in known}:
            version = max((version for version, _ in known), default=0) + 1
            fingerprint = hashlib.sha256(text.encode()).hexdigest()
            row = (name, version, fingerprint, datetime.now(UTC), len(manifest.columns), text)
            insert(self.sql, "schema_metadata", [row])

    def forget(self, manifest: Manifest) -> None:
        if manifest.state is State.FAILED:
            audit.note(self.sql, "fail", manifest.archive_id, reason=manifest.failure)
        self.files.delete(manifest.workplace)
        self.manifests.end(manifest)


def _of_spark(step: Step) -> TerminalError:
    return TerminalError(f"The step {step} is done by the Spark job archive_hot_tier, for 'skytier archive run'.")
