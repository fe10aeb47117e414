"""The bar on every page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from dashboard import status_bar
from dashboard.app_pages.operations import health_queries
from dashboard.app_pages.operations import text as operations
from dashboard.status_bar import bar_html
from skytier.cache import CachedResult, Origin

pytestmark = pytest.mark.plain

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def warehouse(clock: datetime | None, ingested: datetime | None) -> CachedResult:
    time = pa.timestamp("us", "UTC")
    table = pa.Table.from_pylist(
        [{"clock": clock, "ingested": ingested}], pa.schema([("clock", time), ("ingested", time)])
    )
    return CachedResult(table, NOW, 0.1, Origin.CACHED)


def health(points: float) -> CachedResult:
    return CachedResult(pa.table({"points": [points]}), NOW, 0.1, Origin.CACHED)


def test_the_bar_tells_replay_from_live_with_the_clock_of_the_warehouse() -> None:
    recent = NOW - timedelta(seconds=30)
    replay = bar_html(warehouse(datetime(2013, 1, 17, 9, 2, tzinfo=UTC), recent), None, NOW, is_paused=False)
    assert "<b>Replay</b> 2013-01-17 09:02 UTC" in replay
    live = bar_html(warehouse(NOW - timedelta(hours=2), recent), None, NOW, is_paused=False)
    assert "<b>Live</b> 2026-11-30 10:00 UTC" in live


@pytest.mark.parametrize(("age_seconds", "is_old"), [(170, False), (190, True)])
def test_the_age_of_the_newest_data_is_marked_once_batches_are_missing(age_seconds: float, is_old: bool) -> None:
    shown = bar_html(warehouse(NOW, NOW - timedelta(seconds=age_seconds)), None, NOW, is_paused=False)
    assert ("skytier-old" in shown) == is_old


@pytest.mark.parametrize(
    ("points", "shown"),
    [
        (100, '<span class="skytier-state skytier-good">Healthy (100 of 100)</span>'),
        (80, '<span class="skytier-state skytier-warning">Degraded (80 of 100)</span>'),
        (40, '<span class="skytier-state skytier-bad">Unhealthy (40 of 100)</span>'),
    ],
)
def test_health_has_a_colour_and_a_word(points: float, shown: str) -> None:
    assert shown in bar_html(None, health(points), NOW, is_paused=False)
    assert {word for _, word in operations.SCORE_NOTES} == {"healthy", "degraded", "unhealthy"}


def test_what_is_not_known_is_said() -> None:
    shown = bar_html(None, None, NOW, is_paused=True)
    assert all(words in shown for words in ("Loading", "Health unknown", "Refresh paused"))
    assert "No events yet" in bar_html(warehouse(None, None), None, NOW, is_paused=False)


def test_bar_and_operations_show_one_score() -> None:
    assert status_bar._health().name == health_queries.score().name
