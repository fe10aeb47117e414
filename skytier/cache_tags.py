"""Cache tags: what cached results depend on, and how a writer invalidates them.

A tag is a counter in Redis. A cached result keeps the counters of its tags as they were when its query started;
``invalidate`` increments the counter, so that no result of before is fresh any more and nothing has to be deleted.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from redis import Redis, RedisError
from redis.exceptions import ResponseError

from skytier import logs
from skytier.settings.redis import RedisSettings

KEY_PREFIX = "skytier"
_CONNECT_TIMEOUT_SECONDS, _TIMEOUT_SECONDS = 1, 2

log = logs.logger("cache")


@dataclass(frozen=True)
class CacheTag:
    """Something that cached results depend on. Tags are equal when their names are."""

    name: str

    @classmethod
    def batches(cls, pipeline: str) -> CacheTag:
        """The batches that a pipeline has committed."""
        return cls(f"batches:{pipeline}")

    @classmethod
    def archives(cls, pipeline: str) -> CacheTag:
        """The archives of a pipeline's events and their visibility."""
        return cls(f"archives:{pipeline}")

    @classmethod
    def acknowledgements(cls) -> CacheTag:
        """The alerts that operators have acknowledged or that were resolved."""
        return cls("acknowledgements")

    def key(self) -> str:
        """The key of the tag's counter in Redis."""
        return f"{KEY_PREFIX}:tag:{self.name}"

    def __str__(self) -> str:
        return self.name


def client(settings: RedisSettings) -> Redis:
    """A client of the cache's server."""
    return Redis.from_url(
        settings.connection_string(),
        socket_connect_timeout=_CONNECT_TIMEOUT_SECONDS,
        socket_timeout=_TIMEOUT_SECONDS,
    )


def invalidate(tag: CacheTag, redis_settings: RedisSettings | None = None) -> None:
    """Make all results with this tag stale. Without Redis they expire by their time to live."""
    try:
        with client(redis_settings or RedisSettings()) as redis:
            try:
                redis.incr(tag.key())
            except ResponseError:
                # The key holds no counter. Any value that it never had before invalidates as well.
                redis.set(tag.key(), time.time_ns() // 1000)
    except RedisError as error:
        log.warning("cache tag not invalidated", tag=str(tag), reason=str(error))
