"""Documents into the hot tier, from Spark's workers: the driver sees none of them.

PyMongo over Arrow batches took a third of the time of the Spark connector's writer (docs/decisions/0005).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pymongo import ReplaceOne
from pyspark.sql import functions as F

from skytier import hot_tier

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_WRITTEN = "written"


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
            documents = [_without_nulls(row) for row in batch.to_pylist()]
            if documents:
                events.bulk_write([ReplaceOne({"_id": d["_id"]}, d, upsert=True) for d in documents], ordered=False)
            yield pa.RecordBatch.from_pydict({_WRITTEN: pa.array([len(documents)], pa.int64())})


def _without_nulls(row: dict[str, Any]) -> dict[str, Any]:
    """The row without what is not known, also inside of nested documents."""
    return {
        name: _without_nulls(value) if isinstance(value, dict) else value
        for name, value in row.items()
        if value is not None
    }
