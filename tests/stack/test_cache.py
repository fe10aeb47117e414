"""The cache on a real Redis: fresh and stale results, one run for all, and Redis down."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from pydantic import SecretStr
from redis import Redis

from skytier.cache import Cache, CacheTag, Origin, Query, client, invalidate
from skytier.errors import TransientError
from skytier.settings.cache import CacheSettings
from skytier.settings.redis import RedisSettings
from tests.single_servers import redis_server

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300), pytest.mark.usefixtures("server")]

BATCHES, ARCHIVES = CacheTag.batches("flights"), CacheTag.archives("flights")
ACKNOWLEDGEMENTS = CacheTag.acknowledgements()
TAGS = (BATCHES, ARCHIVES, ACKNOWLEDGEMENTS, CacheTag.batches("fares"), CacheTag.archives("fares"))
NOWHERE = RedisSettings(url=SecretStr("redis://127.0.0.1:1"))
SLOW_SECONDS = CacheSettings().wait_budget_seconds + 0.6
LONG_WAIT_SECONDS = 10.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A Redis of this module's own; this process and those that it starts use it."""
    with redis_server(tmp_path_factory.mktemp("redis")) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SKYTIER_REDIS_URL", url)
        yield


class Source:
    """What a query reads: it counts the runs, and can be slow or fail."""

    def __init__(self) -> None:
        self.runs, self.seconds, self.fails = 0, 0.0, False

    def __call__(self) -> pa.Table:
        self.runs += 1
        time.sleep(self.seconds)
        if self.fails:
            raise TransientError("The source is down.")
        return pa.table({"number": [self.runs], "text": ["ä"], "nothing": pa.array([None], pa.float64())})


def query_of(source: Callable[[], pa.Table], ttl_seconds: float = 300, *tags: CacheTag) -> Query:
    return Query(f"test {uuid.uuid4()}", source, ttl_seconds, tags)


def test_a_result_is_fresh_for_its_time_to_live() -> None:
    source, cache = Source(), Cache()
    query = query_of(source)
    first, second = cache.get(query), cache.get(query)
    assert (first.origin, second.origin) == (Origin.COMPUTED, Origin.CACHED)
    assert first.table.equals(second.table)
    assert first.as_of == second.as_of
    brief = query_of(source, 0.2)
    cache.get(brief)
    time.sleep(0.3)
    assert cache.get(brief, LONG_WAIT_SECONDS).table["number"].to_pylist() == [3]


@pytest.mark.parametrize("tag", TAGS, ids=str)
def test_a_tag_invalidates_its_results_and_no_others(tag: CacheTag) -> None:
    tagged, other, cache = Source(), Source(), Cache()
    queries = query_of(tagged, 300, tag), query_of(other, 300, *set(TAGS) - {tag})
    for query in queries:
        cache.get(query)
    invalidate(tag)
    results = [cache.get(query, LONG_WAIT_SECONDS) for query in queries]
    assert [result.origin for result in results] == [Origin.COMPUTED, Origin.CACHED]
    assert (tagged.runs, other.runs) == (2, 1)


def test_a_tag_that_is_invalidated_during_a_query_makes_its_result_stale() -> None:
    """The source may have been read before the change."""
    started = []

    def run() -> pa.Table:
        started.append(datetime.now(UTC))
        if len(started) == 1:
            invalidate(BATCHES)
        return pa.table({"number": [len(started)]})

    cache, query = Cache(), query_of(run, 300, BATCHES)
    first, second, third = (cache.get(query, LONG_WAIT_SECONDS) for _ in range(3))
    assert [one.table["number"].to_pylist() for one in (first, second, third)] == [[1], [2], [2]]
    assert third.origin is Origin.CACHED
    assert first.as_of <= started[0]
    assert second.as_of <= started[1]


def test_a_result_is_as_old_as_the_start_of_its_query() -> None:
    """The result of a long query is fresh for that much less: the source was read at its start."""
    source, cache = Source(), Cache()
    source.seconds = 0.5
    query = query_of(source, 0.4)
    cache.get(query)
    assert cache.get(query, LONG_WAIT_SECONDS).origin is Origin.COMPUTED


def test_a_stale_result_is_returned_while_the_query_runs() -> None:
    source, cache = Source(), Cache()
    query = query_of(source, 0.1)
    cache.get(query)
    time.sleep(0.2)
    source.seconds = SLOW_SECONDS
    began = time.monotonic()
    stale = cache.get(query)
    assert time.monotonic() - began < SLOW_SECONDS
    assert (stale.origin, stale.table["number"].to_pylist()) == (Origin.STALE, [1])
    assert stale.problem is None
    time.sleep(SLOW_SECONDS)
    source.seconds = 0
    assert cache.get(query).table["number"].to_pylist() != [1]


@pytest.mark.parametrize("tags", [(), TAGS], ids=["valid", "invalidated"])
def test_a_new_result_is_waited_for_where_the_stale_one_was_invalidated(tags: tuple[CacheTag, ...]) -> None:
    source, cache = Source(), Cache(settings=CacheSettings(wait_budget_seconds=LONG_WAIT_SECONDS))
    query = query_of(source, 0.1, *TAGS)
    cache.get(query)
    time.sleep(0.2)
    for tag in tags:
        invalidate(tag)
    source.seconds = SLOW_SECONDS
    origin = Origin.COMPUTED if tags else Origin.STALE
    assert cache.get(query).origin is origin


def test_a_new_result_is_waited_for_where_the_stale_one_is_old() -> None:
    source, cache = Source(), Cache(settings=CacheSettings(wait_budget_seconds=LONG_WAIT_SECONDS, recent_seconds=0))
    query = query_of(source, 0.1)
    cache.get(query)
    time.sleep(0.2)
    source.seconds = SLOW_SECONDS
    assert cache.get(query).origin is Origin.COMPUTED


@pytest.mark.parametrize(("late_seconds", "origin"), [(0.1, Origin.STALE), (0.6, Origin.COMPUTED)])
def test_of_live_queries_only_a_recent_stale_result_is_returned(late_seconds: float, origin: Origin) -> None:
    source, cache = Source(), Cache()
    query = replace(query_of(source, 0.1, *TAGS), stale_seconds=0.5)
    cache.get(query)
    time.sleep(0.1 + late_seconds)
    source.seconds = SLOW_SECONDS
    assert cache.get(query).origin is origin


def test_of_live_queries_no_invalidated_result_is_returned() -> None:
    source, cache = Source(), Cache()
    query = replace(query_of(source, 60, ACKNOWLEDGEMENTS), stale_seconds=60)
    cache.get(query)
    invalidate(ACKNOWLEDGEMENTS)
    source.seconds = SLOW_SECONDS
    assert cache.get(query).origin is Origin.COMPUTED


def test_a_stale_result_has_the_error_of_its_query() -> None:
    source, cache = Source(), Cache()
    query = query_of(source, 0.1)
    cache.get(query)
    time.sleep(0.2)
    source.fails = True
    result = cache.get(query, LONG_WAIT_SECONDS)
    assert (result.origin, result.problem) == (Origin.STALE, "The source is down.")
    with pytest.raises(TransientError, match="The source is down"):
        cache.get(query_of(source))


@pytest.mark.parametrize("settings", [None, NOWHERE], ids=["with Redis", "without"])
def test_threads_run_a_query_once(settings: RedisSettings | None) -> None:
    source, cache = Source(), Cache(settings)
    source.seconds = 0.5
    query, together = query_of(source), threading.Barrier(10)

    def run(_: int) -> int:
        together.wait()
        (number,) = cache.get(query).table["number"].to_pylist()
        return int(number)

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(run, range(10))) == [1] * 10
    assert source.runs == 1


_RUN = """
import sys, time
import pyarrow as pa
from pathlib import Path
from skytier.cache import Cache, Query

def run():
    with Path(sys.argv[2]).open("a") as file:
        file.write("ran\\n")
    time.sleep(float(sys.argv[3]))
    return pa.table({"number": [1]})

result = Cache().get(Query(sys.argv[1], run, 300))
assert result.table["number"].to_pylist() == [1]
"""
_SHORT_LOCK = {"SKYTIER_CACHE_LOCK_TIMEOUT_SECONDS": "0.9"}


def running(name: str, count: Path, seconds: float) -> subprocess.Popen[bytes]:
    """A process whose query takes so long, and which writes to a file when it starts."""
    command = [sys.executable, "-c", _RUN, name, str(count), str(seconds)]
    return subprocess.Popen(command, env=os.environ | _SHORT_LOCK)


def test_processes_run_a_query_once_however_long_it_takes(tmp_path: Path) -> None:
    name, count = f"test {uuid.uuid4()}", tmp_path / "count"
    processes = [running(name, count, 3) for _ in range(4)]
    assert [process.wait() for process in processes] == [0] * 4
    assert count.read_text() == "ran\n"


def test_the_lock_of_a_process_that_died_expires(tmp_path: Path) -> None:
    name, count = f"test {uuid.uuid4()}", tmp_path / "count"
    dies = running(name, count, 300)
    while not count.exists():
        time.sleep(0.05)
    dies.kill()
    dies.wait()
    assert running(name, count, 0).wait(timeout=60) == 0
    assert count.read_text() == "ran\n" * 2


def test_without_redis_every_query_runs() -> None:
    source, cache = Source(), Cache(NOWHERE)
    query = query_of(source)
    assert [cache.get(query).origin for _ in range(2)] == [Origin.UNCACHED] * 2
    assert source.runs == 2


def test_results_are_counted_by_their_origin() -> None:
    source, cache = Source(), Cache()
    before, query = cache.counts(), query_of(source)
    for _ in range(4):
        cache.get(query)
    after = cache.counts()
    assert after[Origin.COMPUTED] - before.get(Origin.COMPUTED, 0) == 1
    assert after[Origin.CACHED] - before.get(Origin.CACHED, 0) == 3


@pytest.fixture
def redis() -> Iterator[Redis]:
    with client(RedisSettings()) as connection:
        yield connection


def keys_of(query: Query) -> tuple[str, str]:
    """The keys of a query's result and of its lock."""
    result = f"skytier:result:{hashlib.sha256(query.name.encode()).hexdigest()}"
    return result, f"{result}:lock"


def put_a_list(redis: Redis, key: str) -> None:
    redis.delete(key)
    redis.rpush(key, "not ours")


def put_a_text(redis: Redis, key: str) -> None:
    redis.set(key, b"\xff not ours")


def put_an_entry_of_the_version_before(redis: Redis, key: str) -> None:
    stream = pa.BufferOutputStream()
    with pa.ipc.new_stream(stream, pa.schema([("number", pa.int64())])) as writer:
        writer.write_table(pa.table({"number": [1]}))
    about = b'{"question":"test","as_of":"2026-11-29T08:00:00Z","seconds":0.1,"epochs":{"batches":"12"},"rows":1}'
    redis.set(key, about + b"\n" + stream.getvalue().to_pybytes())


GARBAGE = pytest.mark.parametrize("put", [put_a_list, put_a_text])


@pytest.mark.parametrize("put", [put_a_list, put_a_text, put_an_entry_of_the_version_before])
def test_garbage_in_place_of_a_result_is_a_miss(redis: Redis, put: Callable[[Redis, str], None]) -> None:
    source, cache = Source(), Cache()
    query = query_of(source)
    cache.get(query)
    put(redis, keys_of(query)[0])
    assert [cache.get(query).origin for _ in range(2)] == [Origin.COMPUTED, Origin.CACHED]
    assert source.runs == 2


def test_a_result_under_the_wrong_key_is_a_miss(redis: Redis) -> None:
    source, cache = Source(), Cache()
    one, other = query_of(source), query_of(source)
    cache.get(one)
    redis.copy(keys_of(one)[0], keys_of(other)[0])
    assert cache.get(other).table["number"].to_pylist() == [2]


@GARBAGE
def test_garbage_in_place_of_a_lock_delays_no_query(redis: Redis, put: Callable[[Redis, str], None]) -> None:
    source, cache = Source(), Cache()
    query = query_of(source)
    put(redis, keys_of(query)[1])
    began = time.monotonic()
    assert cache.get(query).origin is Origin.COMPUTED
    assert time.monotonic() - began < CacheSettings().lock_timeout_seconds / 2


@GARBAGE
def test_garbage_in_place_of_a_tag_hides_no_invalidation(redis: Redis, put: Callable[[Redis, str], None]) -> None:
    source, cache = Source(), Cache()
    query = query_of(source, 300, ARCHIVES)
    put(redis, ARCHIVES.key())
    assert [cache.get(query).origin for _ in range(2)] == [Origin.COMPUTED, Origin.CACHED]
    for number in (2, 3):
        invalidate(ARCHIVES)
        assert cache.get(query, LONG_WAIT_SECONDS).table["number"].to_pylist() == [number]


@GARBAGE
def test_garbage_in_place_of_counts_is_replaced(redis: Redis, put: Callable[[Redis, str], None]) -> None:
    source, cache = Source(), Cache()
    query = query_of(source)
    put(redis, "skytier:cache:results")
    assert cache.counts() == {}
    for _ in range(3):
        cache.get(query)
    assert cache.counts() == {Origin.CACHED: 2}
    redis.hset("skytier:cache:results", mapping={"cached": "many", "unheard of": 1})
    assert cache.counts() == {}


def test_queries_run_without_a_redis_that_rejects_writes(redis: Redis) -> None:
    source, cache = Source(), Cache()
    known, new = query_of(source, 300, ARCHIVES), query_of(source)
    cache.get(known)
    redis.replicaof("127.0.0.1", 1)
    try:
        assert cache.get(known).origin is Origin.CACHED
        assert [cache.get(new).table["number"].to_pylist() for _ in range(2)] == [[2], [3]]
        invalidate(ARCHIVES)
    finally:
        redis.replicaof("NO", "ONE")
    assert source.runs == 3


def test_a_full_redis_makes_no_query_run_twice(redis: Redis) -> None:
    source, cache = Source(), Cache()
    query = query_of(source)

    def run() -> pa.Table:
        redis.config_set("maxmemory", 1)  # while the query runs, after the lock was acquired
        return source()

    limit = str(redis.config_get("maxmemory")["maxmemory"])
    try:
        assert cache.get(replace(query, run=run)).table["number"].to_pylist() == [1]
        assert source.runs == 1
    finally:
        redis.config_set("maxmemory", limit)
    assert cache.get(query).origin is Origin.COMPUTED


def test_a_refused_login_is_handled_as_redis_down() -> None:
    wrong = RedisSettings(url=SecretStr(RedisSettings().connection_string().replace("of-tests", "wrong")))
    assert Cache(wrong).get(query_of(Source())).origin is Origin.UNCACHED
