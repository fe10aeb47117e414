"""Documents into the hot tier, from Spark's workers: the driver sees none of them.

PyMongo can insert and replace only what is there; the Spark connector's writer can only do one of them (decision 5).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark import TaskContext
from pyspark.sql import functions as F

from skytier import document_fences, hot_tier
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
    with hot_tier.client() as connection:
        for fence in fences:
            document_fences.raise_to(hot_tier.collection(connection, document_fences.COLLECTION), fence)
    write = partial(_replace, collection=collection, fences=list(fences))
    counts = documents.mapInArrow(write, f"{_WRITTEN} bigint")
    (total,) = counts.agg(F.coalesce(F.sum(_WRITTEN), F.lit(0)).alias(_WRITTEN)).collect()
    return int(total[_WRITTEN])


def _replace(batches: Iterable[pa.RecordBatch], collection: str, fences: Sequence[Fence]) -> Iterable[pa.RecordBatch]:
    files, task = Files(), TaskContext.get()
    writer = task.partitionId() if task else 0
    with hot_tier.client() as connection:
        events = hot_tier.collection(connection, collection)
        for batch in batches:
            found = to_documents(batch)
            if found:
                for fence in fences:
                    fence.require(files)
                document_fences.write(connection, events, found, fences, writer)
            yield pa.RecordBatch.from_pydict({_WRITTEN: pa.array([len(found)], pa.int64())})
