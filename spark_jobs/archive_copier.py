"""Documents of the hot tier to Parquet and back, in Spark's workers."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING

import pyarrow as pa
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema

from skytier import blocks, hot_tier, spark_failures
from skytier.archive import copies, hot, planning, visibility
from skytier.archive.manifest import ARCHIVES, Column, File, Manifest, Tally
from skytier.archive.ports import Copy, Evidence
from skytier.archive.protocol import MODULUS, total
from skytier.documents import digest, to_batch, to_documents
from skytier.errors import DamagedFileError, TerminalError, TransientError
from skytier.files import Files
from skytier.hot_tier import Document

if TYPE_CHECKING:
    from pymongo import MongoClient
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from skytier.settings.archive import ArchiveSettings

_DOCUMENTS_AT_ONCE = 5_000
_DATA_FILE = "part-"
_TALLY = pa.schema(
    [
        ("key_range", pa.int32()),
        ("documents", pa.int64()),
        ("checksum", pa.string()),
        ("ids_ascend", pa.bool_()),
        ("first_id", pa.string()),
        ("last_id", pa.string()),
        ("first_time", pa.timestamp("us", "UTC")),
        ("last_time", pa.timestamp("us", "UTC")),
    ]
)


class Copier:
    """Writes and reads the copy of an archive."""

    def __init__(
        self, spark: SparkSession, files: Files, mongodb: MongoClient[Document], settings: ArchiveSettings
    ) -> None:
        self._spark, self._files, self._mongodb, self._settings = spark, files, mongodb, settings

    def copy(self, manifest: Manifest) -> Copy:
        """Write the events to the workplace, sorted by ``_id``, in a few large files.

        Raises TerminalError when HDFS has no room for them.
        """
        if (free := self._files.free_bytes()) < manifest.estimated_bytes:
            raise TerminalError(
                f"HDFS has {free / planning.MB:,.0f} MB left, and {manifest.archive_id} may take "
                f"{manifest.estimated_bytes / planning.MB:,.0f} MB: free some space; the next run goes on with it."
            )
        schema = self._schema()
        groups = self._groups(manifest)
        if manifest.sources:
            rows = self._merged(manifest, len(groups))
        else:
            rows = self._one_task_each(groups).mapInArrow(_exporter(manifest, groups, schema), schema)
        with _speaking():
            rows.write.mode("overwrite").option("compression", "snappy").parquet(manifest.workplace)
        sizes = self._files.sizes(manifest.workplace)
        columns = tuple(Column(name=field.name, type=field.dataType.simpleString()) for field in schema)
        files = tuple(File(name=name, size_bytes=size) for name, size in sizes.items() if name.startswith(_DATA_FILE))
        return Copy(files=files, columns=columns)

    def original(self, manifest: Manifest) -> Evidence:
        """Tally the events where they are now: in the hot tier, or in the archives that are merged."""
        groups = self._groups(manifest)
        if manifest.sources:
            return self._tallied(manifest, self._merged(manifest, len(groups)))
        tallies = self._one_task_each(groups).mapInArrow(_hot_tallier(manifest, groups), from_arrow_schema(_TALLY))
        return _evidence(manifest, tallies)

    def copied(self, manifest: Manifest) -> Evidence:
        """Tally the events as the copy's files hold them. Raises TerminalError when a file is missing or unreadable."""
        folder = manifest.workplace if self._files.exists(manifest.workplace) else manifest.location
        copies.check_files(self._files, manifest, folder)
        paths = [f"{folder}/{file.name}" for file in manifest.files]
        tallies = self._one_task_each(paths).mapInArrow(
            _file_tallier(paths, manifest.range_starts), from_arrow_schema(_TALLY)
        )
        return _evidence(manifest, tallies)

    def _tallied(self, manifest: Manifest, rows: DataFrame) -> Evidence:
        tallies = rows.mapInArrow(_row_tallier(manifest.range_starts), from_arrow_schema(_TALLY))
        return _evidence(manifest, tallies)

    def _merged(self, manifest: Manifest, files: int) -> DataFrame:
        """The rows of the archives that are merged, sorted, in so many parts."""
        paths = [f"{ARCHIVES}/{source}" for source in manifest.sources]
        rows = self._spark.read.schema(self._schema()).parquet(*paths)
        return rows.repartitionByRange(files, "event_id").sortWithinPartitions("event_id")

    def _one_task_each(self, parts: Sequence[object]) -> DataFrame:
        """The numbers of the parts, each in a partition of its own."""
        return self._spark.range(0, len(parts), 1, max(1, len(parts)))

    def _schema(self) -> StructType:
        table = self._spark.table(visibility.TABLE)
        return table.drop(visibility.PARTITION).schema

    def _groups(self, manifest: Manifest) -> list[range]:
        cores = self._spark.sparkContext.defaultParallelism
        return planning.spread(
            len(manifest.range_starts) + 1, planning.files(manifest.estimated_bytes, cores, self._settings)
        )


Worker = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]


def _exporter(manifest: Manifest, groups: list[range], schema: StructType) -> Worker:
    def export(parts: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        arrow = to_arrow_schema(schema)
        for number in _numbers(parts):
            for _, documents in _read(manifest, groups[number]):
                yield to_batch(documents, arrow)

    return export


def _hot_tallier(manifest: Manifest, groups: list[range]) -> Worker:
    def tally(parts: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for number in _numbers(parts):
            for key_range, documents in _read(manifest, groups[number]):
                yield _tally(key_range, documents)

    return tally


def _file_tallier(paths: list[str], starts: tuple[str, ...]) -> Worker:
    def tally(parts: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for number in _numbers(parts):
            for documents in copies.read_documents(Files(), paths[number]):
                yield from _tallies_by_range(documents, starts)

    return tally


def _row_tallier(starts: tuple[str, ...]) -> Worker:
    def tally(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield from _tallies_by_range(to_documents(batch), starts)

    return tally


def _tallies_by_range(documents: list[Document], starts: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    by_range: dict[int, list[Document]] = {}
    for document in documents:
        by_range.setdefault(bisect.bisect_right(starts, document["_id"]), []).append(document)
    for key_range, found in by_range.items():
        yield _tally(key_range, found)


def _numbers(parts: Iterable[pa.RecordBatch]) -> Iterator[int]:
    for part in parts:
        yield from part.column(0).to_pylist()


def _read(manifest: Manifest, key_ranges: range) -> Iterator[tuple[int, list[Document]]]:
    """The events of some key ranges as the hot tier holds them, in the order of their ``_id``."""
    which = hot.chosen(manifest.selection, manifest.excluded)
    with hot_tier.client() as connection:
        events = hot.exact_events(connection)
        for number in key_ranges:
            chosen = hot.in_range(which, manifest.range_starts, number)
            found = events.find(chosen, hint="_id_", batch_size=_DOCUMENTS_AT_ONCE).sort("_id", 1)
            documents: list[Document] = []
            for document in found:
                documents.append(document)
                if len(documents) == _DOCUMENTS_AT_ONCE:
                    yield number, documents
                    documents = []
            if documents:
                yield number, documents


def _tally(key_range: int, documents: list[Document]) -> pa.RecordBatch:
    """One row of ``_TALLY`` for some documents, in the order they came."""
    ids = [document["_id"] for document in documents]
    times = [document["event_time"] for document in documents]
    checksum = sum(map(digest, documents)) % MODULUS
    row = {
        "key_range": key_range,
        "documents": len(documents),
        "checksum": f"{checksum:032x}",
        "ids_ascend": all(a < b for a, b in pairwise(ids)),
        "first_id": ids[0],
        "last_id": ids[-1],
        "first_time": min(times),
        "last_time": max(times),
    }
    return pa.RecordBatch.from_pylist([row], schema=_TALLY)


def _evidence(manifest: Manifest, tallies: DataFrame) -> Evidence:
    """What the tallies of all parts say together."""
    with _speaking():
        # Sorted here: Spark would read everything twice, once to see how it is spread.
        rows = sorted(tallies.collect(), key=lambda row: str(row.first_id))
    ranges: dict[int, list[Tally]] = {}
    for row in rows:
        ranges.setdefault(row.key_range, []).append(Tally(documents=row.documents, checksum=row.checksum))
    # Each part ascends, and ends before the next begins: so no _id is there twice.
    distinct = all(row.ids_ascend for row in rows) and all(a.last_id < b.first_id for a, b in pairwise(rows))
    return Evidence(
        ranges=tuple(total(ranges.get(number, [])) for number in range(len(manifest.range_starts) + 1)),
        all_distinct=distinct,
        first_id=rows[0].first_id if rows else "",
        last_id=rows[-1].last_id if rows else "",
        event_time_min=_utc(min((row.first_time for row in rows), default=None)),
        event_time_max=_utc(max((row.last_time for row in rows), default=None)),
    )


def _utc(moment: datetime | None) -> datetime | None:
    """Spark hands times over in the zone of this machine."""
    return moment.astimezone(UTC) if moment else None


@contextmanager
def _speaking() -> Iterator[None]:
    """Turn an error of Spark into what our own code said in a worker, else into a TerminalError of its cause."""
    try:
        yield
    except (PySparkException, Py4JJavaError) as error:
        lines = str(error).splitlines()
        for kind in (TransientError, DamagedFileError, TerminalError):
            name = f"skytier.errors.{kind.__name__}: "
            if said := [line.removeprefix(name) for line in lines if line.startswith(name)]:
                raise kind(said[0]) from error
        if path := blocks.file_in(str(error)):
            Files().check_whole(path)
        raise TerminalError(f"Spark could not do it: {spark_failures.reason(error)}") from error
