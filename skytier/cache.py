"""Results of queries, cached in Redis for all processes.

A result is fresh until its time to live is over or one of its tags is invalidated. An expired result is still returned,
marked as stale, while a single process runs the query again. Without Redis every process runs its queries itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import cast

import pyarrow as pa
from redis import RedisError
from redis.exceptions import LockError, ResponseError
from redis.lock import Lock

from skytier import logs
from skytier.cache_entries import CachedResult as CachedResult
from skytier.cache_entries import Entry, TagVersions, deserialize, key, serialize, versions
from skytier.cache_entries import Origin as Origin
from skytier.cache_tags import KEY_PREFIX
from skytier.cache_tags import CacheTag as CacheTag
from skytier.cache_tags import client as client
from skytier.cache_tags import invalidate as invalidate
from skytier.errors import SkytierError, TransientError
from skytier.settings.cache import CacheSettings
from skytier.settings.redis import RedisSettings

_COUNTS_KEY = f"{KEY_PREFIX}:cache:results"
_POLL_SECONDS = 0.05
_NO_EXPIRY = -1  # Redis returns it for a key without a time to live
_RECENT_WAIT_BUDGET_SECONDS = 0.05  # enough for a fast query, and for a server that is down to refuse
_THREADS = 64  # more than the queries of a page: those to a server that hangs must not delay the others

log = logs.logger("cache")


@dataclass(frozen=True)
class Query:
    """A query whose result is cached."""

    name: str
    """identifies the query: two queries of the same name have the same result"""
    run: Callable[[], pa.Table]
    ttl_seconds: float
    tags: tuple[CacheTag, ...] = ()
    """what the result depends on"""
    stale_seconds: float | None = None
    """how long after its time to live a result may be returned as stale, and only while none of its tags is
    invalidated; short for results that describe this moment. None: as long as it is stored, also when invalidated"""
    timeout_seconds: float | None = None
    """how long to wait for a result where none is cached, for a page that can do without. None: until the query ends"""


class Cache:
    """The cache. Thread-safe."""

    def __init__(self, redis: RedisSettings | None = None, settings: CacheSettings | None = None) -> None:
        self._redis = client(redis or RedisSettings())
        self.settings = settings or CacheSettings()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="cache")
        self._running: dict[str, Future[CachedResult]] = {}
        self._running_guard = threading.Lock()
        self._is_down = self._is_read_only = False

    def get(self, query: Query, wait_budget_seconds: float | None = None) -> CachedResult:
        """The result: a fresh one from the cache; else a new one, if it comes within the wait budget; else a stale one.

        The wait budget is ``SKYTIER_CACHE_WAIT_BUDGET_SECONDS`` by default, and almost none where the stale result is
        recent and its tags are valid. Where no result is cached, raises what the query raises, and TransientError when
        it takes longer than ``timeout_seconds``.
        """
        try:
            entry, tag_versions = self._read(query)
        except RedisError as error:
            self._log_down(error)
            return self._new(query, lambda: _run(query, Origin.UNCACHED))
        self._is_down = False
        if entry is not None and entry.is_fresh(query.ttl_seconds, tag_versions):
            return self._counted(entry.result)
        if entry is None or not _may_return_stale(entry, query, tag_versions):
            return self._counted(self._new(query, lambda: self._run_once(query)))
        if wait_budget_seconds is None:
            is_recent = entry.is_fresh(query.ttl_seconds + self.settings.recent_seconds, tag_versions)
            wait_budget_seconds = _RECENT_WAIT_BUDGET_SECONDS if is_recent else self.settings.wait_budget_seconds
        return self._counted(self._new_or_stale(query, entry.stale(tag_versions), wait_budget_seconds))

    def start(self, query: Query) -> Future[CachedResult]:
        """Run a query unless its result is fresh, without waiting. A query that runs already is not run twice."""
        return self._shared(query, lambda: self._run_once(query))

    def peek(self, query: Query) -> CachedResult | None:
        """What the cache has of a query, fresh or stale, without waiting; the query is started unless that is fresh."""
        try:
            entry, tag_versions = self._read(query)
        except RedisError as error:
            self._log_down(error)
            entry, tag_versions = None, {}
        if entry is not None and entry.is_fresh(query.ttl_seconds, tag_versions):
            return entry.result
        self.start(query)
        return entry.stale(tag_versions) if entry is not None else None

    def tag_versions(self, tags: Collection[CacheTag]) -> TagVersions:
        """The counters of tags, which change when a tag is invalidated; empty while Redis does not answer."""
        if not tags:
            return {}
        try:
            counters = cast("list[bytes | None]", self._redis.mget([tag.key() for tag in tags]))
        except RedisError as error:
            self._log_down(error)
            return {}
        return versions(tags, counters)

    def _log_down(self, error: RedisError) -> None:
        """Log the first time only: every panel of every page finds it again."""
        if not self._is_down:
            log.warning("Redis does not answer: queries run without the cache", reason=str(error))
        self._is_down = True

    def _log_read_only(self, error: RedisError) -> None:
        """Redis answers but rejects writes: it is full, for example, or a replica. Logged the first time only."""
        if not self._is_read_only:
            log.warning("Redis rejects writes: results are not cached", reason=str(error))
        self._is_read_only = True

    def _new(self, query: Query, run: Callable[[], CachedResult]) -> CachedResult:
        future = self._shared(query, run)
        if not wait([future], timeout=query.timeout_seconds).done:
            raise TransientError(
                f"The query returned no result within {query.timeout_seconds:g} s: its server is busy or hangs, "
                "see 'skytier stack status'."
            )
        return future.result()

    def _new_or_stale(self, query: Query, stale: CachedResult, wait_budget_seconds: float) -> CachedResult:
        try:
            return self._shared(query, lambda: self._run_once(query)).result(timeout=wait_budget_seconds)
        except FutureTimeoutError:
            return stale
        except SkytierError as error:
            return replace(stale, problem=str(error))

    def _shared(self, query: Query, run: Callable[[], CachedResult]) -> Future[CachedResult]:
        """Run in a thread of the cache. Threads of this process that want the same query meanwhile share the result."""
        with self._running_guard:
            if (running := self._running.get(query.name)) is not None:
                return running
            future = self._threads.submit(run)
            self._running[query.name] = future
        future.add_done_callback(lambda _: self._running.pop(query.name, None))
        return future

    def _run_once(self, query: Query) -> CachedResult:
        """Run the query, unless another process runs it: then wait for the result that it stores."""
        try:
            with self._lock(query):
                entry, tag_versions = self._read(query)
                if entry is not None and entry.is_fresh(query.ttl_seconds, tag_versions):
                    return entry.result
                result = _run(query, Origin.COMPUTED)
                self._store(query, result, tag_versions)
                return result
        except RedisError as error:
            self._log_read_only(error)
            return _run(query, Origin.UNCACHED)

    @contextmanager
    def _lock(self, query: Query) -> Iterator[None]:
        """Hold the lock of a query and renew it while the query runs. It expires soon after its process dies."""
        seconds = self.settings.lock_timeout_seconds
        lock = self._redis.lock(f"{key(query.name)}:lock", timeout=seconds, sleep=_POLL_SECONDS, thread_local=False)
        self._acquire(lock)
        done = threading.Event()
        threading.Thread(target=_renew, args=(lock, seconds / 3, done), daemon=True).start()
        try:
            yield
        finally:
            done.set()
            # The lock may have expired and be held by another process, or Redis may be down.
            with suppress(LockError, RedisError):
                lock.release()

    def _acquire(self, lock: Lock) -> None:
        while not lock.acquire(blocking=False):
            # A lock has a time-out from the start: a key without one is not a lock, and nobody would release it.
            if self._redis.pttl(lock.name) == _NO_EXPIRY:
                log.warning("key is not a lock: deleted", key=lock.name)
                self._redis.delete(lock.name)
            elif lock.acquire(blocking=True, blocking_timeout=self.settings.lock_timeout_seconds):
                return

    def _read(self, query: Query) -> tuple[Entry | None, TagVersions]:
        keys = [key(query.name), *(tag.key() for tag in query.tags)]
        content, *counters = cast("list[bytes | None]", self._redis.mget(keys))
        return (deserialize(query.name, content) if content else None), versions(query.tags, counters)

    def _store(self, query: Query, result: CachedResult, tag_versions: TagVersions) -> None:
        """Store a result for all processes, unless Redis rejects it."""
        expiry_seconds = max(1, round(query.ttl_seconds + self.settings.stale_seconds))
        try:
            self._redis.set(key(query.name), serialize(query.name, result, tag_versions), ex=expiry_seconds)
            self._is_read_only = False
        except RedisError as error:
            self._log_read_only(error)

    def _counted(self, result: CachedResult) -> CachedResult:
        if result.origin is not Origin.UNCACHED:
            with suppress(RedisError):
                try:
                    self._redis.hincrby(_COUNTS_KEY, str(result.origin), 1)
                except ResponseError:  # the key holds something else
                    self._redis.delete(_COUNTS_KEY)
        return result

    def counts(self) -> dict[Origin, int]:
        """The number of results by origin since Redis started. Raises RedisError when Redis does not answer."""
        try:
            found = cast("dict[bytes, bytes]", self._redis.hgetall(_COUNTS_KEY))
        except ResponseError:
            if self._redis.type(_COUNTS_KEY) == b"hash":
                raise
            return {}  # the key holds something else until the next result is counted
        return {origin: int(count) for origin in Origin if (count := found.get(origin.encode(), b"")).isdigit()}


def _may_return_stale(entry: Entry, query: Query, tag_versions: TagVersions) -> bool:
    return query.stale_seconds is None or entry.is_fresh(query.ttl_seconds + query.stale_seconds, tag_versions)


def _renew(lock: Lock, every_seconds: float, done: threading.Event) -> None:
    """Renew a lock while a query takes long."""
    while not done.wait(every_seconds):
        with suppress(LockError, RedisError):
            lock.reacquire()


def _run(query: Query, origin: Origin) -> CachedResult:
    started_at, started = datetime.now(UTC), time.monotonic()
    table = query.run()
    return CachedResult(table=table, as_of=started_at, seconds=round(time.monotonic() - started, 3), origin=origin)
