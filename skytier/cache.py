"""Answers to questions, kept in Redis for all processes that ask the same.

An answer is fresh until its time is over, or what it rests on changes. One that is not is still given out, marked as
stale, while one process of all asks anew. Without Redis every question is asked where it comes up.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as NotInTime
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import cast

import pyarrow as pa
from redis import Redis, RedisError
from redis.exceptions import LockError, ResponseError
from redis.lock import Lock

from skytier import logs
from skytier.cache_entries import Answer as Answer
from skytier.cache_entries import Entry, Epochs, packed, unpacked
from skytier.cache_entries import Origin as Origin
from skytier.errors import SkytierError, TransientError
from skytier.settings.cache import CacheSettings
from skytier.settings.redis import RedisSettings

_PREFIX = "skytier"
_COUNTS = f"{_PREFIX}:cache:answers"
_POLL_SECONDS = 0.05
_FOR_EVER = -1  # Redis says so of a key without a time-out
_AT_ONCE_SECONDS = 0.05  # what a quick question takes, and a server that is down to refuse
_ASKERS = 64  # more than a page has questions: those to a server that hangs must not hold up the others

log = logs.logger("cache")


class Basis(StrEnum):
    """What answers rest on; who changes it says so with ``changed``."""

    BATCHES = "batches"
    ARCHIVES = "archives"
    ACKNOWLEDGEMENTS = "acknowledgements"


@dataclass(frozen=True)
class Question:
    """Something to ask: a name that is the same for the same question only, how to ask, and how long it holds."""

    name: str
    ask: Callable[[], pa.Table]
    ttl_seconds: float
    rests_on: tuple[Basis, ...] = ()
    stale_seconds: float | None = None
    """how long an answer whose time is over is better than to wait, if nothing it rests on has changed; not long where
    it says what is well at this moment. None: as long as it is kept, whatever has changed"""
    within_seconds: float | None = None
    """how long to wait for it where there is no earlier answer, for a page that can do without; None: until it comes"""


class Cache:
    """The cache, for any number of threads."""

    def __init__(self, redis: RedisSettings | None = None, settings: CacheSettings | None = None) -> None:
        self._redis = client(redis or RedisSettings())
        self.settings = settings or CacheSettings()
        self._askers = ThreadPoolExecutor(_ASKERS, thread_name_prefix="cache")
        self._under_way: dict[str, Future[Answer]] = {}
        self._guard = threading.Lock()
        self._is_without = self._is_refused = False

    def get(self, question: Question, patience_seconds: float | None = None) -> Answer:
        """The answer: a fresh one from the cache, else, after a short wait for a new one, a stale one, else a new one.

        The wait is ``SKYTIER_CACHE_PATIENCE_SECONDS``, unless another is asked for; next to none for an answer that is
        as recent as what an open page shows, and rests on what has not changed. Where there is not even a stale answer,
        raises what asking raises, and TransientError when it does not come ``within_seconds``.
        """
        try:
            entry, epochs = self._look(question)
        except RedisError as error:
            self._without(error)
            return self._new(question, lambda: _asked(question, Origin.UNCACHED))
        self._is_without = False
        if entry is not None and entry.is_fresh(question.ttl_seconds, epochs):
            return self._counted(entry.answer)
        if entry is None or not _is_better_than_waiting(entry, question, epochs):
            return self._counted(self._new(question, lambda: self._ask_once(question)))
        if patience_seconds is None:
            is_recent = entry.is_fresh(question.ttl_seconds + self.settings.recent_seconds, epochs)
            patience_seconds = _AT_ONCE_SECONDS if is_recent else self.settings.patience_seconds
        return self._counted(self._new_or_stale(question, entry.answer, patience_seconds))

    def _without(self, error: RedisError) -> None:
        """Redis does not answer: say so the first time, for every panel of every page will find it again."""
        if not self._is_without:
            log.warning("Redis does not answer: asked without it", reason=str(error))
        self._is_without = True

    def _refused(self, error: RedisError) -> None:
        """Redis answers, but lets nothing be written: it is full, say, or a replica. Said the first time as well."""
        if not self._is_refused:
            log.warning("Redis takes no answers: every process asks for itself", reason=str(error))
        self._is_refused = True

    def _new(self, question: Question, ask: Callable[[], Answer]) -> Answer:
        future = self._shared(question, ask)
        if not wait([future], timeout=question.within_seconds).done:
            raise TransientError(
                f"There was no answer within {question.within_seconds:g} s: the server asked is busy or hangs, "
                "see 'skytier stack status'."
            )
        return future.result()

    def _new_or_stale(self, question: Question, stale: Answer, patience_seconds: float) -> Answer:
        try:
            return self._shared(question, lambda: self._ask_once(question)).result(timeout=patience_seconds)
        except NotInTime:
            return replace(stale, origin=Origin.STALE)
        except SkytierError as error:
            return replace(stale, origin=Origin.STALE, problem=str(error))

    def _shared(self, question: Question, ask: Callable[[], Answer]) -> Future[Answer]:
        """Ask in a thread of the cache; who wants the same meanwhile, in this process, waits for that."""
        with self._guard:
            if (under_way := self._under_way.get(question.name)) is not None:
                return under_way
            future = self._askers.submit(ask)
            self._under_way[question.name] = future
        future.add_done_callback(lambda _: self._under_way.pop(question.name, None))
        return future

    def _ask_once(self, question: Question) -> Answer:
        """Ask, unless another thread or process does so: then wait for what it keeps."""
        try:
            with self._turn(question):
                entry, epochs = self._look(question)
                if entry is not None and entry.is_fresh(question.ttl_seconds, epochs):
                    return entry.answer
                answer = _asked(question, Origin.COMPUTED)
                self._keep(question, answer, epochs)
                return answer
        except RedisError as error:
            self._refused(error)
            return _asked(question, Origin.UNCACHED)

    @contextmanager
    def _turn(self, question: Question) -> Iterator[None]:
        """One at a time asks a question. Who holds it and gives no sign of life is taken for dead."""
        seconds = self.settings.asking_seconds
        lock = self._redis.lock(f"{_key(question)}:asking", timeout=seconds, sleep=_POLL_SECONDS, thread_local=False)
        self._acquire(lock)
        done = threading.Event()
        threading.Thread(target=_hold, args=(lock, seconds / 3, done), daemon=True).start()
        try:
            yield
        finally:
            done.set()
            # It may be another's by now, or Redis be gone.
            with suppress(LockError, RedisError):
                lock.release()

    def _acquire(self, lock: Lock) -> None:
        while not lock.acquire(blocking=False):
            # A lock has a time-out from its first moment on: what has none is no lock, and nobody would release it.
            if self._redis.pttl(lock.name) == _FOR_EVER:
                log.warning("what Redis holds is no lock: deleted", key=lock.name)
                self._redis.delete(lock.name)
            elif lock.acquire(blocking=True, blocking_timeout=self.settings.asking_seconds):
                return

    def _look(self, question: Question) -> tuple[Entry | None, Epochs]:
        keys = [_key(question), *(_epoch(basis) for basis in question.rests_on)]
        found, *counters = cast("list[bytes | None]", self._redis.mget(keys))
        counted = [(count or b"").decode(errors="replace") for count in counters]
        epochs = dict(zip(map(str, question.rests_on), counted, strict=True))
        return (unpacked(question.name, found) if found else None), epochs

    def _keep(self, question: Question, answer: Answer, epochs: Epochs) -> None:
        """Keep an answer for all, where Redis takes it."""
        keep_seconds = max(1, round(question.ttl_seconds + self.settings.stale_seconds))
        try:
            self._redis.set(_key(question), packed(question.name, answer, epochs), ex=keep_seconds)
            self._is_refused = False
        except RedisError as error:
            self._refused(error)

    def _counted(self, answer: Answer) -> Answer:
        if answer.origin is not Origin.UNCACHED:
            with suppress(RedisError):
                try:
                    self._redis.hincrby(_COUNTS, str(answer.origin), 1)
                except ResponseError:  # something else is kept there
                    self._redis.delete(_COUNTS)
        return answer

    def counts(self) -> dict[Origin, int]:
        """How many answers came from where since Redis started. Raises RedisError when it does not answer."""
        try:
            found = cast("dict[bytes, bytes]", self._redis.hgetall(_COUNTS))
        except ResponseError:
            if self._redis.type(_COUNTS) == b"hash":
                raise
            return {}  # something else is kept there, until the next answer is counted
        return {origin: int(count) for origin in Origin if (count := found.get(origin.encode(), b"")).isdigit()}


def _is_better_than_waiting(entry: Entry, question: Question, epochs: Epochs) -> bool:
    return question.stale_seconds is None or entry.is_fresh(question.ttl_seconds + question.stale_seconds, epochs)


def _hold(lock: Lock, every_seconds: float, done: threading.Event) -> None:
    """Give signs of life while asking takes long."""
    while not done.wait(every_seconds):
        with suppress(LockError, RedisError):
            lock.reacquire()


def client(settings: RedisSettings) -> Redis:
    """A client of the cache's server."""
    return Redis.from_url(settings.connection_string(), socket_connect_timeout=1, socket_timeout=2)


def changed(basis: Basis) -> None:
    """Say that answers resting on this are stale. Where Redis does not answer, they end by their time."""
    try:
        with client(RedisSettings()) as redis:
            try:
                redis.incr(_epoch(basis))
            except ResponseError:
                # What is kept there cannot be counted up: what was never there before is a change as well.
                redis.set(_epoch(basis), time.time_ns() // 1000)
    except RedisError as error:
        log.warning("cache not told of a change", basis=str(basis), reason=str(error))


def _asked(question: Question, origin: Origin) -> Answer:
    now, began = datetime.now(UTC), time.monotonic()
    table = question.ask()
    return Answer(table=table, as_of=now, seconds=round(time.monotonic() - began, 3), origin=origin)


def _key(question: Question) -> str:
    return f"{_PREFIX}:answer:{hashlib.sha256(question.name.encode()).hexdigest()}"


def _epoch(basis: Basis) -> str:
    return f"{_PREFIX}:changes:{basis}"
