"""Documents of the hot tier copied to Parquet and read back, in Spark's workers: the ``Copier`` of the archive."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema

from skytier import blocks, hot_tier, spark_failures
from skytier.archive import copies, hot, planning, visibility
from skytier.archive.manifest import Column, File, Manifest
from skytier.archive.ports import Copy, Evidence
from skytier.archive.target import Target
from skytier.documents import to_batch, to_documents
from skytier.errors import DamagedFileError, TerminalError, TransientError
from skytier.files import Files
from skytier.hot_tier import Document
from spark_jobs import archive_tallies
from spark_jobs.archive_tallies import tally, tally_by_range

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from skytier.settings.archive import ArchiveSettings

_DOCUMENTS_PER_BATCH = 5_000
_DATA_FILE = "part-"


class SparkCopier:
    """Writes and reads the copy of an archive."""

    def __init__(self, spark: SparkSession, files: Files, target: Target, settings: ArchiveSettings) -> None:
        self._spark, self._files, self._target, self._settings = spark, files, target, settings

    def copy(self, manifest: Manifest) -> Copy:
        """Write the events to the staging folder, sorted by ``_id``, in a few large files.

        Raises TerminalError if HDFS has no room for them.
        """
        if (free := self._files.free_bytes()) < manifest.estimated_bytes:
            raise TerminalError(
                f"HDFS has {free / planning.MB:,.0f} MB left, and {manifest.archive_id} may take "
                f"{manifest.estimated_bytes / planning.MB:,.0f} MB: free some space; the next run resumes the export."
            )
        schema, staging = self._schema(), self._target.staging(manifest.archive_id)
        groups = self._groups(manifest)
        if manifest.sources:
            rows = self._merged(manifest, len(groups))
        else:
            exporter = _exporter(self._target, manifest, groups, schema)
            rows = self._one_task_each(groups).mapInArrow(exporter, schema)
        copies.delete_partial(self._files, staging)
        # A process that lost the lease may still write: each holder has a folder of its own.
        partial = f"{staging}.{self._files.fence.token if self._files.fence else 0}"
        with self._clear_errors():
            rows.write.mode("overwrite").option("compression", "snappy").parquet(partial)
        self._files.delete(staging)
        self._files.rename(partial, staging)
        sizes = self._files.sizes(staging)
        columns = tuple(Column(name=field.name, type=field.dataType.simpleString()) for field in schema)
        files = tuple(File(name=name, size_bytes=size) for name, size in sizes.items() if name.startswith(_DATA_FILE))
        return Copy(files=files, columns=columns)

    def original(self, manifest: Manifest) -> Evidence:
        """Tally the events where they are now: in the hot tier, or in the archives that are merged."""
        groups = self._groups(manifest)
        if manifest.sources:
            worker = _row_tallier(manifest.range_starts)
            return self._evidence(manifest, self._merged(manifest, len(groups)), worker)
        return self._evidence(manifest, self._one_task_each(groups), _hot_tallier(self._target, manifest, groups))

    def copied(self, manifest: Manifest) -> Evidence:
        """Tally the events in the copy's files. Raises TerminalError if a file is missing or unreadable."""
        staging, location = self._target.staging(manifest.archive_id), self._target.location(manifest.archive_id)
        folder = staging if self._files.exists(staging) else location
        copies.check_files(self._files, manifest, folder)
        paths = [f"{folder}/{file.name}" for file in manifest.files]
        return self._evidence(manifest, self._one_task_each(paths), _file_tallier(paths, manifest.range_starts))

    def _evidence(self, manifest: Manifest, parts: DataFrame, worker: Worker) -> Evidence:
        tallies = parts.mapInArrow(worker, from_arrow_schema(archive_tallies.SCHEMA))
        with self._clear_errors():
            # Not sorted by Spark, which would read everything twice, the first time for the distribution of keys.
            rows = tallies.collect()
        return archive_tallies.evidence(rows, len(manifest.range_starts) + 1)

    def _merged(self, manifest: Manifest, files: int) -> DataFrame:
        """The rows of the archives that are merged, sorted, in so many partitions."""
        paths = [self._target.location(source) for source in manifest.sources]
        rows = self._spark.read.schema(self._schema()).parquet(*paths)
        return rows.repartitionByRange(files, "event_id").sortWithinPartitions("event_id")

    def _one_task_each(self, parts: Sequence[object]) -> DataFrame:
        """The numbers of the parts, each in a partition of its own."""
        return self._spark.range(0, len(parts), 1, max(1, len(parts)))

    def _schema(self) -> StructType:
        table = self._spark.table(self._target.archive_table)
        return table.drop(visibility.PARTITION).schema

    def _groups(self, manifest: Manifest) -> list[range]:
        cores = self._spark.sparkContext.defaultParallelism
        return planning.spread(
            len(manifest.range_starts) + 1, planning.files(manifest.estimated_bytes, cores, self._settings)
        )

    @contextmanager
    def _clear_errors(self) -> Iterator[None]:
        """Turn an error of Spark into the error that our own code raised in a worker, else into a TerminalError."""
        try:
            yield
        except (PySparkException, Py4JJavaError) as error:
            lines = str(error).splitlines()
            for kind in (TransientError, DamagedFileError, TerminalError):
                name = f"skytier.errors.{kind.__name__}: "
                if messages := [line.removeprefix(name) for line in lines if line.startswith(name)]:
                    raise kind(messages[0]) from error
            if path := blocks.file_in(str(error)):
                self._files.check_whole(path)
            raise TerminalError(f"The Spark job failed: {spark_failures.reason(error)}") from error


Worker = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]


def _exporter(target: Target, manifest: Manifest, groups: list[range], schema: StructType) -> Worker:
    def export(parts: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        arrow = to_arrow_schema(schema)
        for number in _numbers(parts):
            for _, documents in _read(target, manifest, groups[number]):
                yield to_batch(documents, arrow)

    return export


def _hot_tallier(target: Target, manifest: Manifest, groups: list[range]) -> Worker:
    def tally_hot(parts: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for number in _numbers(parts):
            for key_range, documents in _read(target, manifest, groups[number]):
                yield tally(key_range, documents)

    return tally_hot


def _file_tallier(paths: list[str], starts: tuple[str, ...]) -> Worker:
    def tally_files(parts: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for number in _numbers(parts):
            for documents in copies.read_documents(Files(), paths[number]):
                yield from tally_by_range(documents, starts)

    return tally_files


def _row_tallier(starts: tuple[str, ...]) -> Worker:
    def tally_rows(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield from tally_by_range(to_documents(batch), starts)

    return tally_rows


def _numbers(parts: Iterable[pa.RecordBatch]) -> Iterator[int]:
    for part in parts:
        yield from part.column(0).to_pylist()


def _read(target: Target, manifest: Manifest, key_ranges: range) -> Iterator[tuple[int, list[Document]]]:
    """The events of some key ranges as the hot tier holds them, in the order of their ``_id``."""
    which = hot.matching(manifest.selection, manifest.excluded)
    with hot_tier.client() as connection:
        events = hot.exact(connection[target.database][target.collection])
        for number in key_ranges:
            chosen = hot.in_range(which, manifest.range_starts, number)
            found = events.find(chosen, hint="_id_", batch_size=_DOCUMENTS_PER_BATCH).sort("_id", 1)
            documents: list[Document] = []
            for document in found:
                documents.append(document)
                if len(documents) == _DOCUMENTS_PER_BATCH:
                    yield number, documents
                    documents = []
            if documents:
                yield number, documents
