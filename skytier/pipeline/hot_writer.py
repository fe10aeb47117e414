"""Documents into the hot tier, from Spark's workers: the driver sees none of them.

PyMongo can insert and replace only what is there; the Spark connector's writer can only do one of them (decision 5).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
from pymongo import ReplaceOne
from pymongo.collection import Collection
from pyspark.sql import functions as F

from skytier import hot_tier
from skytier.documents import to_documents
from skytier.fence import Fence
from skytier.files import Files

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_WRITTEN = "written"


def write_documents(documents: DataFrame, collection: str, fences: Sequence[Fence]) -> int:
    """Replace each document of the collection by its ``_id``, insert it where it is not there; how many there were.

    Writing the same documents again changes nothing. Any error of MongoDB fails the job, and so does the loss of a
    lease, of which each worker asks before each of its writes.
    """
    write = partial(_replace, collection=collection, fences=list(fences))
    counts = documents.mapInArrow(write, f"{_WRITTEN} bigint")
    (total,) = counts.agg(F.coalesce(F.sum(_WRITTEN), F.lit(0)).alias(_WRITTEN)).collect()
    return int(total[_WRITTEN])


def _replace(batches: Iterable[pa.RecordBatch], collection: str, fences: Sequence[Fence]) -> Iterable[pa.RecordBatch]:
    files = Files()
    with hot_tier.client() as connection:
        events = hot_tier.collection(connection, collection)
        for batch in batches:
            found = to_documents(batch)
            if found:
                for fence in fences:
                    fence.require(files)
                _insert_or_replace(events, found)
            yield pa.RecordBatch.from_pydict({_WRITTEN: pa.array([len(found)], pa.int64())})


def _insert_or_replace(events: Collection[hot_tier.Document], documents: list[hot_tier.Document]) -> None:
    """Insert all at once, which costs the server half as much; replace those that an earlier try of the batch left."""
    if there := hot_tier.insert_new(events, documents):
        events.bulk_write([ReplaceOne({"_id": d["_id"]}, d, upsert=True) for d in there], ordered=False)
