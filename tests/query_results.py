"""Results of the dashboard's queries, without its cache."""

from __future__ import annotations

import pandas as pd

from skytier.cache import Query


def rows_of(query: Query) -> pd.DataFrame:
    """A new result: the cache may return a stale one while the query runs."""
    frame: pd.DataFrame = query.run().to_pandas()
    return frame
