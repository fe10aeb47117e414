"""The cache on a real Redis: fresh, stale, asked once by all, and gone."""

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

from skytier.cache import Basis, Cache, Origin, Question, changed, client
from skytier.errors import TransientError
from skytier.settings.cache import CacheSettings
from skytier.settings.redis import RedisSettings
from tests.single_servers import redis_server

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300), pytest.mark.usefixtures("server")]

NOWHERE = RedisSettings(url=SecretStr("redis://127.0.0.1:1"))
SLOW_SECONDS = CacheSettings().patience_seconds + 0.6
PATIENT_SECONDS = 10.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A Redis of this module's own; this process and those that it starts use it."""
    with redis_server(tmp_path_factory.mktemp("redis")) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SKYTIER_REDIS_URL", url)
        yield


class Source:
    """Something that is asked: it counts, and can be slow or fail."""

    def __init__(self) -> None:
        self.asked, self.seconds, self.fails = 0, 0.0, False

    def __call__(self) -> pa.Table:
        self.asked += 1
        time.sleep(self.seconds)
        if self.fails:
            raise TransientError("The source is down.")
        return pa.table({"number": [self.asked], "text": ["ä"], "nothing": pa.array([None], pa.float64())})


def asked_of(source: Callable[[], pa.Table], ttl_seconds: float = 300, *rests_on: Basis) -> Question:
    return Question(f"test {uuid.uuid4()}", source, ttl_seconds, rests_on)


def test_an_answer_holds_for_its_time() -> None:
    source, cache = Source(), Cache()
    question = asked_of(source)
    first, second = cache.get(question), cache.get(question)
    assert (first.origin, second.origin) == (Origin.COMPUTED, Origin.CACHED)
    assert first.table.equals(second.table)
    assert first.as_of == second.as_of
    brief = asked_of(source, 0.2)
    cache.get(brief)
    time.sleep(0.3)
    assert cache.get(brief, PATIENT_SECONDS).table["number"].to_pylist() == [3]


@pytest.mark.parametrize("basis", Basis)
def test_a_change_makes_answers_stale_that_rest_on_it(basis: Basis) -> None:
    resting, other, cache = Source(), Source(), Cache()
    questions = asked_of(resting, 300, basis), asked_of(other, 300, *set(Basis) - {basis})
    for question in questions:
        cache.get(question)
    changed(basis)
    answers = [cache.get(question, PATIENT_SECONDS) for question in questions]
    assert [answer.origin for answer in answers] == [Origin.COMPUTED, Origin.CACHED]
    assert (resting.asked, other.asked) == (2, 1)


def test_what_changes_while_it_is_asked_is_in_no_fresh_answer() -> None:
    """The source may have been read before the change: what it gave rests on the state before."""
    asked = []

    def ask() -> pa.Table:
        asked.append(datetime.now(UTC))
        if len(asked) == 1:
            changed(Basis.BATCHES)
        return pa.table({"number": [len(asked)]})

    cache, question = Cache(), asked_of(ask, 300, Basis.BATCHES)
    first, second, third = (cache.get(question, PATIENT_SECONDS) for _ in range(3))
    assert [one.table["number"].to_pylist() for one in (first, second, third)] == [[1], [2], [2]]
    assert third.origin is Origin.CACHED
    assert first.as_of <= asked[0]
    assert second.as_of <= asked[1]


def test_an_answer_is_as_old_as_the_question() -> None:
    """What takes long to ask holds that much shorter: the source was read when it was asked."""
    source, cache = Source(), Cache()
    source.seconds = 0.5
    question = asked_of(source, 0.4)
    cache.get(question)
    assert cache.get(question, PATIENT_SECONDS).origin is Origin.COMPUTED


def test_a_stale_answer_is_given_out_while_it_is_asked_anew() -> None:
    source, cache = Source(), Cache()
    question = asked_of(source, 0.1)
    cache.get(question)
    time.sleep(0.2)
    source.seconds = SLOW_SECONDS
    began = time.monotonic()
    stale = cache.get(question)
    assert time.monotonic() - began < SLOW_SECONDS
    assert (stale.origin, stale.table["number"].to_pylist()) == (Origin.STALE, [1])
    assert stale.problem is None
    time.sleep(SLOW_SECONDS)
    source.seconds = 0
    assert cache.get(question).table["number"].to_pylist() != [1]


@pytest.mark.parametrize("basis", [(), tuple(Basis)], ids=["unchanged", "changed"])
def test_an_answer_is_waited_for_where_the_earlier_one_is_of_another_state(basis: tuple[Basis, ...]) -> None:
    source, cache = Source(), Cache(settings=CacheSettings(patience_seconds=PATIENT_SECONDS))
    question = asked_of(source, 0.1, *Basis)
    cache.get(question)
    time.sleep(0.2)
    for one in basis:
        changed(one)
    source.seconds = SLOW_SECONDS
    origin = Origin.COMPUTED if basis else Origin.STALE
    assert cache.get(question).origin is origin


def test_an_answer_is_waited_for_where_the_earlier_one_is_old() -> None:
    source, cache = Source(), Cache(settings=CacheSettings(patience_seconds=PATIENT_SECONDS, recent_seconds=0))
    question = asked_of(source, 0.1)
    cache.get(question)
    time.sleep(0.2)
    source.seconds = SLOW_SECONDS
    assert cache.get(question).origin is Origin.COMPUTED


@pytest.mark.parametrize(("late_seconds", "origin"), [(0.1, Origin.STALE), (0.6, Origin.COMPUTED)])
def test_of_what_is_well_now_only_an_answer_of_just_now_is_given_out(late_seconds: float, origin: Origin) -> None:
    source, cache = Source(), Cache()
    question = replace(asked_of(source, 0.1, *Basis), stale_seconds=0.5)
    cache.get(question)
    time.sleep(0.1 + late_seconds)
    source.seconds = SLOW_SECONDS
    assert cache.get(question).origin is origin


def test_of_what_is_well_now_nothing_of_another_state_is_given_out() -> None:
    source, cache = Source(), Cache()
    question = replace(asked_of(source, 60, Basis.ACKNOWLEDGEMENTS), stale_seconds=60)
    cache.get(question)
    changed(Basis.ACKNOWLEDGEMENTS)
    source.seconds = SLOW_SECONDS
    assert cache.get(question).origin is Origin.COMPUTED


def test_a_stale_answer_says_why_there_is_no_new_one() -> None:
    source, cache = Source(), Cache()
    question = asked_of(source, 0.1)
    cache.get(question)
    time.sleep(0.2)
    source.fails = True
    answer = cache.get(question, PATIENT_SECONDS)
    assert (answer.origin, answer.problem) == (Origin.STALE, "The source is down.")
    with pytest.raises(TransientError, match="The source is down"):
        cache.get(asked_of(source))


@pytest.mark.parametrize("settings", [None, NOWHERE], ids=["with Redis", "without"])
def test_threads_ask_once(settings: RedisSettings | None) -> None:
    source, cache = Source(), Cache(settings)
    source.seconds = 0.5
    question, together = asked_of(source), threading.Barrier(10)

    def ask(_: int) -> int:
        together.wait()
        (number,) = cache.get(question).table["number"].to_pylist()
        return int(number)

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(ask, range(10))) == [1] * 10
    assert source.asked == 1


_ASK = """
import sys, time
import pyarrow as pa
from pathlib import Path
from skytier.cache import Cache, Question

def ask():
    with Path(sys.argv[2]).open("a") as file:
        file.write("asked\\n")
    time.sleep(float(sys.argv[3]))
    return pa.table({"number": [1]})

answer = Cache().get(Question(sys.argv[1], ask, 300))
assert answer.table["number"].to_pylist() == [1]
"""
_SIGN_OF_LIFE = {"SKYTIER_CACHE_ASKING_SECONDS": "0.9"}


def asking(name: str, count: Path, seconds: float) -> subprocess.Popen[bytes]:
    """A process that asks for so long, and says in a file that it does."""
    command = [sys.executable, "-c", _ASK, name, str(count), str(seconds)]
    return subprocess.Popen(command, env=os.environ | _SIGN_OF_LIFE)


def test_processes_ask_once_however_long_it_takes(tmp_path: Path) -> None:
    name, count = f"test {uuid.uuid4()}", tmp_path / "count"
    processes = [asking(name, count, 3) for _ in range(4)]
    assert [process.wait() for process in processes] == [0] * 4
    assert count.read_text() == "asked\n"


def test_who_dies_while_asking_holds_up_nobody_for_long(tmp_path: Path) -> None:
    name, count = f"test {uuid.uuid4()}", tmp_path / "count"
    dies = asking(name, count, 300)
    while not count.exists():
        time.sleep(0.05)
    dies.kill()
    dies.wait()
    assert asking(name, count, 0).wait(timeout=60) == 0
    assert count.read_text() == "asked\n" * 2


def test_without_redis_every_question_is_asked() -> None:
    source, cache = Source(), Cache(NOWHERE)
    question = asked_of(source)
    assert [cache.get(question).origin for _ in range(2)] == [Origin.UNCACHED] * 2
    assert source.asked == 2


def test_answers_are_counted_by_their_origin() -> None:
    source, cache = Source(), Cache()
    before, question = cache.counts(), asked_of(source)
    for _ in range(4):
        cache.get(question)
    after = cache.counts()
    assert after[Origin.COMPUTED] - before.get(Origin.COMPUTED, 0) == 1
    assert after[Origin.CACHED] - before.get(Origin.CACHED, 0) == 3


@pytest.fixture
def redis() -> Iterator[Redis]:
    with client(RedisSettings()) as connection:
        yield connection


def keys_of(question: Question) -> tuple[str, str]:
    """The keys of a question's answer and of the lock of who asks it."""
    answer = f"skytier:answer:{hashlib.sha256(question.name.encode()).hexdigest()}"
    return answer, f"{answer}:asking"


def put_a_list(redis: Redis, key: str) -> None:
    redis.delete(key)
    redis.rpush(key, "not ours")


def put_a_text(redis: Redis, key: str) -> None:
    redis.set(key, b"\xff not ours")


GARBAGE = pytest.mark.parametrize("put", [put_a_list, put_a_text])


@GARBAGE
def test_a_garbage_answer_is_a_miss(redis: Redis, put: Callable[[Redis, str], None]) -> None:
    source, cache = Source(), Cache()
    question = asked_of(source)
    cache.get(question)
    put(redis, keys_of(question)[0])
    assert [cache.get(question).origin for _ in range(2)] == [Origin.COMPUTED, Origin.CACHED]
    assert source.asked == 2


def test_an_answer_under_the_wrong_name_is_a_miss(redis: Redis) -> None:
    source, cache = Source(), Cache()
    one, other = asked_of(source), asked_of(source)
    cache.get(one)
    redis.copy(keys_of(one)[0], keys_of(other)[0])
    assert cache.get(other).table["number"].to_pylist() == [2]


@GARBAGE
def test_a_garbage_lock_holds_up_nobody(redis: Redis, put: Callable[[Redis, str], None]) -> None:
    source, cache = Source(), Cache()
    question = asked_of(source)
    put(redis, keys_of(question)[1])
    began = time.monotonic()
    assert cache.get(question).origin is Origin.COMPUTED
    assert time.monotonic() - began < CacheSettings().asking_seconds / 2


@GARBAGE
def test_a_garbage_count_of_changes_hides_none(redis: Redis, put: Callable[[Redis, str], None]) -> None:
    source, cache = Source(), Cache()
    question = asked_of(source, 300, Basis.ARCHIVES)
    put(redis, "skytier:changes:archives")
    assert [cache.get(question).origin for _ in range(2)] == [Origin.COMPUTED, Origin.CACHED]
    for number in (2, 3):
        changed(Basis.ARCHIVES)
        assert cache.get(question, PATIENT_SECONDS).table["number"].to_pylist() == [number]


@GARBAGE
def test_garbage_counts_are_begun_anew(redis: Redis, put: Callable[[Redis, str], None]) -> None:
    source, cache = Source(), Cache()
    question = asked_of(source)
    put(redis, "skytier:cache:answers")
    assert cache.counts() == {}
    for _ in range(3):
        cache.get(question)
    assert cache.counts() == {Origin.CACHED: 2}
    redis.hset("skytier:cache:answers", mapping={"cached": "many", "unheard of": 1})
    assert cache.counts() == {}


def test_a_redis_that_takes_no_answers_is_done_without(redis: Redis) -> None:
    source, cache = Source(), Cache()
    known, new = asked_of(source, 300, Basis.ARCHIVES), asked_of(source)
    cache.get(known)
    redis.replicaof("127.0.0.1", 1)
    try:
        assert cache.get(known).origin is Origin.CACHED
        assert [cache.get(new).table["number"].to_pylist() for _ in range(2)] == [[2], [3]]
        changed(Basis.ARCHIVES)
    finally:
        redis.replicaof("NO", "ONE")
    assert source.asked == 3


def test_a_redis_that_is_full_has_nothing_asked_twice(redis: Redis) -> None:
    source, cache = Source(), Cache()
    question = asked_of(source)

    def ask() -> pa.Table:
        redis.config_set("maxmemory", 1)  # while it is asked: the lock was still taken
        return source()

    limit = str(redis.config_get("maxmemory")["maxmemory"])
    try:
        assert cache.get(replace(question, ask=ask)).table["number"].to_pylist() == [1]
        assert source.asked == 1
    finally:
        redis.config_set("maxmemory", limit)
    assert cache.get(question).origin is Origin.COMPUTED


def test_a_refused_login_is_as_no_redis() -> None:
    wrong = RedisSettings(url=SecretStr(RedisSettings().connection_string().replace("of-tests", "wrong")))
    assert Cache(wrong).get(asked_of(Source())).origin is Origin.UNCACHED
