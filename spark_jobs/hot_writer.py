"""Documents into the hot tier, from Spark's workers: the driver sees none of them.

PyMongo can insert and replace only what is there; the Spark connector's writer can only do one of them (decision 5).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pymongo import ReplaceOne
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError
from pyspark.sql import functions as F

from skytier import hot_tier

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_WRITTEN = "written"
_DUPLICATE_KEY = 11000


def write_documents(documents: DataFrame) -> int:
    """Replace each document by its ``_id``, insert it where it is not there; how many there were.

    Writing the same documents again changes nothing. Any error of MongoDB fails the job.
    """
    counts = documents.mapInArrow(_replace, f"{_WRITTEN} bigint")
    (total,) = counts.agg(F.coalesce(F.sum(_WRITTEN), F.lit(0)).alias(_WRITTEN)).collect()
    return int(total[_WRITTEN])


def _replace(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
    with hot_tier.client() as connection:
        events = hot_tier.events(connection)
        for batch in batches:
            found = documents_of(batch)
            if found:
                _insert_or_replace(events, found)
            yield pa.RecordBatch.from_pydict({_WRITTEN: pa.array([len(found)], pa.int64())})


def _insert_or_replace(events: Collection[hot_tier.Document], documents: list[hot_tier.Document]) -> None:
    """Insert all at once, which costs the server half as much; replace those that an earlier try of the batch left."""
    try:
        events.insert_many(documents, ordered=False)
    except BulkWriteError as error:
        faults = error.details["writeErrors"]
        if error.details.get("writeConcernErrors") or any(fault["code"] != _DUPLICATE_KEY for fault in faults):
            raise
        there = [documents[fault["index"]] for fault in faults]
        events.bulk_write([ReplaceOne({"_id": d["_id"]}, d, upsert=True) for d in there], ordered=False)


def documents_of(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """The rows as documents, without what is not known. Times are naive UTC, to the millisecond, as BSON has them."""
    return _rows(batch.schema.names, batch.columns)


def _rows(names: list[str], columns: list[pa.Array]) -> list[dict[str, Any]]:
    values = zip(*(_values(column) for column in columns), strict=True)
    return [{name: value for name, value in zip(names, row, strict=True) if value is not None} for row in values]


def _values(column: pa.Array) -> list[Any]:
    """The column as Python values, null as None; by way of NumPy, as Arrow makes them one by one."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        return list(column.to_numpy(zero_copy_only=False).astype("datetime64[ms]").tolist())
    if pa.types.is_struct(kind):
        nested = _rows([kind.field(i).name for i in range(kind.num_fields)], column.flatten())
        return [row if is_there else None for row, is_there in zip(nested, column.is_valid().to_pylist(), strict=True)]
    if pa.types.is_list(kind) or (column.null_count and not pa.types.is_string(kind)):
        return list(column.to_pylist())
    return list(column.to_numpy(zero_copy_only=False).tolist())
