"""How much of the hot tier moves, and which events: pure arithmetic."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from skytier.archive.hot import HotSize
from skytier.settings.archive import ArchiveSettings

MB = 1_000_000


def documents_to_move(size: HotSize, settings: ArchiveSettings) -> int:
    """How many events bring the hot tier from above its limit to its low-water mark; 0 while it is within the limit.

    No more than one run may move: what is then left over moves in the next.
    """
    if size.total_bytes <= settings.limit_mb * MB or not size.documents:
        return 0
    per_document = size.total_bytes / size.documents
    above = size.total_bytes - settings.limit_mb * MB * settings.low_water_pct / 100
    return math.ceil(min(above, settings.run_mb * MB) / per_document)


def youngest_to_move(clock: datetime, settings: ArchiveSettings) -> datetime:
    """Events of this time and later stay hot whatever the size is: their flights may still be in the air."""
    return clock - timedelta(hours=settings.minimum_age_hours)


def window_start(clock: datetime, settings: ArchiveSettings) -> datetime:
    """The beginning of the days that the hot tier is meant to hold."""
    return clock - timedelta(days=settings.window_days)


def estimated_bytes(size: HotSize, documents: int) -> int:
    """What so many events take uncompressed; their Parquet is a tenth of it."""
    return math.ceil(size.data_bytes / size.documents * documents) if size.documents else 0


def key_ranges(documents: int, settings: ArchiveSettings) -> int:
    """How many key ranges an export reads one by one."""
    return max(1, math.ceil(documents / settings.documents_per_range))


def files(estimated: int, parallelism: int, settings: ArchiveSettings) -> int:
    """How many files an export writes: large ones, but no fewer than there are cores to write them."""
    return max(parallelism, math.ceil(estimated / 10 / (settings.file_mb * MB)))


def spread(ranges: int, files: int) -> list[range]:
    """The key ranges of each file: neighbours, so that a file is sorted; no file without any."""
    files = min(ranges, files)
    return [range(ranges * number // files, ranges * (number + 1) // files) for number in range(files)]
