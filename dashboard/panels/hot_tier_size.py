"""The size of the hot tier and its limit."""

from __future__ import annotations

import pyarrow as pa
from pymongo import MongoClient

from dashboard.panels.tiers import hot_query
from skytier import hot_tier
from skytier.archive import hot as archive_hot
from skytier.archive.planning import MB
from skytier.hot_tier import Document
from skytier.settings.archive import ArchiveSettings

HOT_TIER_TOO_LARGE = 1.2
"""The share of its limit at which the health score has no points for it: archiving does not keep up"""


@hot_query
def hot_size(connection: MongoClient[Document]) -> pa.Table:
    """One row: ``documents``, ``size_mb`` and ``limit_mb`` of the hot tier."""
    size = archive_hot.size(hot_tier.events(connection))
    row = {
        "documents": size.documents,
        "size_mb": size.total_bytes / MB,
        "limit_mb": ArchiveSettings().limit_mb,
    }
    return pa.Table.from_pylist([row])
