"""How much of the hot tier moves to an archive: pure arithmetic."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from skytier.archive.hot import HotSize
from skytier.settings.archive import ArchiveSettings

MB = 1_000_000


def documents_to_move(size: HotSize, limit_bytes: float, settings: ArchiveSettings) -> int:
    """How many events bring a collection from above its limit to its low-water mark; 0 while it is within the limit.

    At most what one run may move: the rest moves in the next runs.
    """
    if size.total_bytes <= limit_bytes or not size.documents:
        return 0
    per_document = size.total_bytes / size.documents
    above = size.total_bytes - limit_bytes * settings.low_water_pct / 100
    return math.ceil(min(above, settings.run_mb * MB) / per_document)


def youngest_to_move(clock: datetime, settings: ArchiveSettings) -> datetime:
    """Events from this time on stay hot whatever the size: what they are about may still be going on."""
    return clock - timedelta(hours=settings.minimum_age_hours)


def window_start(clock: datetime, settings: ArchiveSettings) -> datetime:
    """The start of the days that the hot tier is meant to hold."""
    return clock - timedelta(days=settings.window_days)


def estimated_bytes(size: HotSize, documents: int) -> int:
    """The uncompressed size of so many events; their Parquet files are about a tenth of it."""
    return math.ceil(size.data_bytes / size.documents * documents) if size.documents else 0


def key_ranges(documents: int, settings: ArchiveSettings) -> int:
    """How many key ranges an export reads one by one."""
    return max(1, math.ceil(documents / settings.documents_per_range))


def files(estimated: int, parallelism: int, settings: ArchiveSettings) -> int:
    """How many files an export writes: large ones, but no fewer than there are cores to write them."""
    return max(parallelism, math.ceil(estimated / 10 / (settings.file_mb * MB)))


def spread(ranges: int, files: int) -> list[range]:
    """The key ranges of each file: consecutive ones, so that a file is sorted; no file is empty."""
    files = min(ranges, files)
    return [range(ranges * number // files, ranges * (number + 1) // files) for number in range(files)]
