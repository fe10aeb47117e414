"""How often somebody may try to sign in, with a clock that stands until it is moved."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as some

from dashboard.throttle import Throttle, until

pytestmark = pytest.mark.plain

HERE, THERE = "192.0.2.7", "192.0.2.8"


class Clock:
    """Stands still."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def throttle(**limits: float) -> tuple[Throttle, Clock]:
    clock = Clock()
    return Throttle(clock=clock, **limits), clock  # type: ignore[arg-type]


def test_an_address_waits_until_its_first_try_is_old_enough() -> None:
    tries, clock = throttle(per_address=3, seconds=300)
    assert [tries.wait_seconds(HERE) for _ in range(3)] == [0, 0, 0]
    assert tries.wait_seconds(THERE) == 0
    clock.now += 100
    assert tries.wait_seconds(HERE) == 200
    clock.now += 199.5
    assert tries.wait_seconds(HERE) == 0.5
    clock.now += 0.5
    assert tries.wait_seconds(HERE) == 0
    assert tries.wait_seconds(THERE) == 0


def test_who_keeps_trying_does_not_wait_longer_for_it() -> None:
    tries, clock = throttle(per_address=1, seconds=300)
    tries.wait_seconds(HERE)
    for _ in range(100):
        clock.now += 2.5
        assert tries.wait_seconds(HERE) > 0
    clock.now += 50
    assert tries.wait_seconds(HERE) == 0


def test_all_addresses_together_wait_as_well() -> None:
    tries, clock = throttle(per_address=3, overall=10, seconds=300)
    assert not any(tries.wait_seconds(f"192.0.2.{number}") for number in range(10))
    assert tries.wait_seconds(HERE) == 300
    clock.now += 300
    assert tries.wait_seconds(HERE) == 0


def test_who_was_right_begins_anew() -> None:
    tries, _ = throttle(per_address=2, seconds=300)
    for _ in range(10):
        assert tries.wait_seconds(HERE) == 0
        tries.forgive(HERE)
    assert [tries.wait_seconds(THERE) for _ in range(3)] == [0, 0, 300]
    tries.forgive(HERE)
    assert tries.wait_seconds(THERE) == 300


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),  # one network, of which its owner has every address
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.7", "192.0.2.7", True),
        ("192.0.2.7", "192.0.2.8", False),
        (None, "127.0.0.1", True),
        ("no address", "no address", True),
    ],
)
def test_what_counts_as_one_address(one: str | None, other: str, same: bool) -> None:
    tries, _ = throttle(per_address=1)
    tries.wait_seconds(one)
    assert (tries.wait_seconds(other) > 0) == same


def test_many_at_the_same_time_are_many() -> None:
    tries, _ = throttle(per_address=5)
    with ThreadPoolExecutor(20) as pool:
        waits = list(pool.map(lambda _: tries.wait_seconds(HERE), range(200)))
    assert waits.count(0) == 5


@given(some.lists(some.tuples(some.floats(0, 400), some.sampled_from([HERE, THERE, "198.51.100.1"])), max_size=60))
def test_in_no_while_are_there_more_tries_than_allowed(steps: list[tuple[float, str]]) -> None:
    tries, clock = throttle(per_address=3, overall=5, seconds=300)
    passed: list[tuple[float, str]] = []
    for pause_seconds, address in steps:
        clock.now += pause_seconds
        wait_seconds = tries.wait_seconds(address)
        recent = [one for one in passed if clock.now - one[0] < 300]
        assert (wait_seconds > 0) == (len(recent) >= 5 or sum(one[1] == address for one in recent) >= 3)
        if wait_seconds == 0:
            passed.append((clock.now, address))


def test_people_are_told_when_to_try_again() -> None:
    assert re.fullmatch(r"\d\d:\d\d:\d\d UTC, in 4 minutes", until(240))
    assert re.fullmatch(r"\d\d:\d\d:\d\d UTC, in 42 seconds", until(42.2))
    assert until(0.01).endswith("in 1 seconds")
