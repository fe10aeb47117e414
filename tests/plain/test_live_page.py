"""An open page is drawn again when newer results are there, all panels together, and at no other time."""

from __future__ import annotations

from concurrent.futures import Future
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from dashboard.panels import formats, live
from dashboard.panels.rendering import OLD_SECONDS, age_html
from skytier.cache import CachedResult, CacheTag, Origin, Query
from skytier.errors import TransientError
from skytier.settings.cache import CacheSettings

pytestmark = pytest.mark.plain

BATCHES = CacheTag.batches("flights")
HOT = Query("hot", lambda: pa.table({}), 5, (BATCHES,))
COLD = Query("cold", lambda: pa.table({}), 90, (BATCHES,))
MACHINE = Query("machine", lambda: pa.table({}), 5)
REFRESH_SECONDS = 60.0


class Source:
    """A cache whose queries end when the test says so."""

    def __init__(self) -> None:
        self.versions = {str(BATCHES): "1"}
        self.runs: dict[str, Future[CachedResult]] = {}

    def start(self, query: Query) -> Future[CachedResult]:
        return self.runs.setdefault(query.name, Future())

    def tag_versions(self, tags: tuple[CacheTag, ...]) -> dict[str, str]:
        return {str(tag): self.versions[str(tag)] for tag in tags}


def result(age_seconds: float, *, is_invalidated: bool = False) -> CachedResult:
    origin = Origin.STALE if is_invalidated else Origin.CACHED
    as_of = datetime.now(UTC) - timedelta(seconds=age_seconds)
    return CachedResult(pa.table({}), as_of, 0.1, origin, is_invalidated=is_invalidated)


def opened(source: Source, **ages_seconds: float) -> live.Watch:
    """A page that shows results of these ages."""
    watch = live.Watch(REFRESH_SECONDS)
    watch.begin(dict(source.versions))
    for query in (HOT, COLD, MACHINE):
        if query.name in ages_seconds:
            watch.show(query, result(ages_seconds[query.name]))
    return watch


def test_nothing_is_queried_while_nothing_is_due() -> None:
    source = Source()
    watch = opened(source, hot=30, cold=80, machine=50)
    assert not watch.tick(source, 0)
    assert source.runs == {}


def test_a_batch_makes_all_its_panels_new_together_without_waiting_for_the_refresh() -> None:
    source = Source()
    watch = opened(source, hot=1, cold=1, machine=1)
    source.versions[str(BATCHES)] = "2"
    assert not watch.tick(source, 0)
    assert set(source.runs) == {"hot", "cold"}
    source.runs["hot"].set_result(result(0))
    assert not watch.tick(source, 1), "the panels would not agree"
    source.runs["cold"].set_result(result(0))
    assert watch.tick(source, 2)


def test_a_slow_query_does_not_hold_the_others_up_and_appears_when_it_ends() -> None:
    source = Source()
    watch = opened(source, hot=1, cold=1)
    source.versions[str(BATCHES)] = "2"
    watch.tick(source, 0)
    source.runs["hot"].set_result(result(0))
    assert watch.tick(source, live.TOGETHER_SECONDS)
    watch.begin(dict(source.versions))
    watch.show(HOT, result(0))
    watch.show(COLD, result(300, is_invalidated=True))
    assert not watch.tick(source, 10)
    source.runs["cold"].set_result(result(0))
    assert watch.tick(source, 12)


def test_what_was_invalidated_before_the_page_opened_is_replaced() -> None:
    source = Source()
    watch = opened(source)
    watch.show(COLD, result(1, is_invalidated=True))
    watch.tick(source, 0)
    source.runs["cold"].set_result(result(0))
    assert watch.tick(source, 2)


def test_a_result_of_the_servers_is_replaced_after_the_refresh_interval() -> None:
    source = Source()
    watch = opened(source, machine=REFRESH_SECONDS + 1, hot=6)
    watch.tick(source, 0)
    assert set(source.runs) == {"machine", "hot"}, "what is expired as well is replaced with it"


def test_a_failure_is_shown_once_and_tried_again_later() -> None:
    source = Source()
    watch = opened(source, machine=REFRESH_SECONDS + 1)
    watch.tick(source, 0)
    source.runs.pop("machine").set_exception(TransientError("Kafka does not answer."))
    assert watch.tick(source, 2)
    assert watch.problems == {"machine": "Kafka does not answer."}
    assert not watch.tick(source, 4)
    assert source.runs == {}
    assert not watch.tick(source, 3 + REFRESH_SECONDS)
    source.runs["machine"].set_result(result(0))
    assert watch.tick(source, 5 + REFRESH_SECONDS)
    assert watch.problems == {}


def test_a_result_of_a_view_that_is_closed_changes_nothing() -> None:
    source = Source()
    watch = opened(source, cold=1)
    source.versions[str(BATCHES)] = "2"
    watch.tick(source, 0)
    watch.begin(dict(source.versions))
    source.runs["cold"].set_result(result(0))
    assert not watch.tick(source, 2)


def test_an_open_page_of_healthy_servers_shows_nothing_older_than_two_minutes() -> None:
    slack_seconds = 2 * live.TICK_SECONDS + live.TOGETHER_SECONDS
    assert max(CacheSettings().cold_seconds, REFRESH_SECONDS) + slack_seconds < OLD_SECONDS


@pytest.mark.parametrize(("seconds", "is_old"), [(0, False), (119, False), (121, True), (90_000, True)])
def test_what_is_older_than_two_minutes_is_marked_at_first_paint(seconds: float, is_old: bool) -> None:
    now = datetime.now(UTC)
    shown = age_html(now - timedelta(seconds=seconds), now)
    assert ("skytier-old" in shown, "▲" in shown) == (is_old, is_old)


AGES = {0: "0 s", 59: "59 s", 60: "1 min 00 s", 125: "2 min 05 s", 600: "10 min", 5_400: "1.5 h", 129_600: "1.5 days"}


@pytest.mark.parametrize("seconds", AGES)
def test_ages_in_words(seconds: int) -> None:
    assert formats.age(seconds) == AGES[seconds]
