"""The format of a cached result in Redis: a line of JSON metadata, then the table as an Arrow stream.

Other programs can write to Redis, and values can be truncated: everything that is not a complete result of the query,
and every entry in the format of an earlier version, is a cache miss.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

import pyarrow as pa
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from skytier import logs
from skytier.cache_tags import KEY_PREFIX, CacheTag

TagVersions = dict[str, str]
"""The counter of each cache tag as Redis holds it; they are only compared for equality"""

_DESERIALIZED = 64  # entries kept in memory: panels of a page share some, and its viewers all
_CLOCK_SKEW_SECONDS = 60.0  # between machines that share a cache

log = logs.logger("cache")


class Origin(StrEnum):
    """Where a result comes from."""

    COMPUTED = "computed"
    """the query ran just now"""
    CACHED = "cached"
    STALE = "stale"
    """from the cache and expired: the query is running, or failed"""
    UNCACHED = "uncached"
    """the query ran just now because Redis does not answer"""


@dataclass(frozen=True)
class CachedResult:
    """The result of a query."""

    table: pa.Table
    as_of: datetime
    """when the query started"""
    seconds: float
    """how long the query took"""
    origin: Origin
    problem: str | None = None
    """the error of the query, where the result is stale because it failed"""
    is_invalidated: bool = False
    """whether a tag of the query was invalidated after it"""


@dataclass(frozen=True)
class Entry:
    """A cached result with the versions of its tags when the query started."""

    result: CachedResult
    tag_versions: TagVersions

    def is_fresh(self, max_age_seconds: float, tag_versions: TagVersions) -> bool:
        """Whether the result is younger than that and none of its tags was invalidated."""
        age_seconds = (datetime.now(UTC) - self.result.as_of).total_seconds()
        # A time in the future was written while a clock was wrong: the age is unknown.
        return -_CLOCK_SKEW_SECONDS < age_seconds < max_age_seconds and self.tag_versions == tag_versions

    def stale(self, tag_versions: TagVersions) -> CachedResult:
        """The result, marked as stale."""
        return replace(self.result, origin=Origin.STALE, is_invalidated=self.tag_versions != tag_versions)


def key(query: str) -> str:
    """The key in Redis of the result of a query."""
    return f"{KEY_PREFIX}:result:{hashlib.sha256(query.encode()).hexdigest()}"


def versions(tags: Iterable[CacheTag], counters: Iterable[bytes | None]) -> TagVersions:
    """The counters of tags, as Redis returns them."""
    return {str(tag): (counter or b"").decode(errors="replace") for tag, counter in zip(tags, counters, strict=True)}


class _Metadata(BaseModel):
    """The line before the table. It names the query, also for people who look into Redis."""

    model_config = ConfigDict(strict=True)

    query: str
    as_of: AwareDatetime
    seconds: float
    tag_versions: TagVersions
    rows: int
    """of the table: a stream that is truncated after its schema, or between batches, reads as a complete one"""


def serialize(query: str, result: CachedResult, tag_versions: TagVersions) -> bytes:
    """A result as Redis stores it. The table is an Arrow stream, a format that cannot run code when it is read."""
    metadata = _Metadata(
        query=query, as_of=result.as_of, seconds=result.seconds, tag_versions=tag_versions, rows=len(result.table)
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, result.table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_table(result.table)
    return b"\n".join([metadata.model_dump_json().encode(), sink.getvalue().to_pybytes()])


@functools.lru_cache(maxsize=_DESERIALIZED)
def deserialize(query: str, content: bytes) -> Entry | None:
    """The entry of a query; None, which is logged once, where the content is not a complete result of it."""
    line, _, stream = content.partition(b"\n")
    try:
        metadata = _Metadata.model_validate_json(line)
        if metadata.query != query:
            raise ValueError(f"it is the result of {metadata.query[:80]!r}")
        table = pa.ipc.open_stream(stream).read_all()
        table.validate(full=True)
        if len(table) != metadata.rows:
            raise ValueError(f"it has {len(table)} of {metadata.rows} rows")
    except (ValidationError, ValueError, OSError, pa.ArrowException) as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        log.warning("invalid cache entry ignored: the query runs again", query=query[:80], reason=reason)
        return None
    result = CachedResult(table=table, as_of=metadata.as_of, seconds=metadata.seconds, origin=Origin.CACHED)
    return Entry(result, metadata.tag_versions)
