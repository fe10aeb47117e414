"""A result is drawn once for all viewers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import pyarrow as pa
import pytest
from streamlit.delta_generator import DeltaGenerator
from streamlit.testing.v1 import AppTest

from dashboard.panels import panel as panels
from dashboard.panels import text, tiers
from dashboard.panels.rendering import actions_html, sparkline
from dashboard.panels.tiers import Tier
from skytier.cache import CachedResult, Origin, Query

pytestmark = pytest.mark.plain

QUERY = Query("events of a test", lambda: pa.table({}), 60)
AT = datetime(2013, 1, 1, tzinfo=UTC)
drawn: list[tuple[int, str]] = []


def draw(rows: pd.DataFrame, unit: str) -> str:
    drawn.append((len(rows), unit))
    return f"{len(rows)} {unit}"


def page(unit: str) -> None:
    import streamlit

    from dashboard.panels.panel import panel
    from dashboard.panels.tiers import Tier
    from dashboard.panels.views import page_run

    query, draw = streamlit.session_state["query"], streamlit.session_state["draw"]
    with page_run("test", 60):
        panel("A test", lambda: query, draw, inputs=lambda: (unit,), tier=Tier.HOT, key="test", empty="None")


def page_of_views() -> None:
    import streamlit

    from dashboard.panels.panel import panel
    from dashboard.panels.tiers import Tier
    from dashboard.panels.views import page_run, views

    query, draw = streamlit.session_state["query"], streamlit.session_state["draw"]

    def show(name: str) -> None:
        panel(name, lambda: query, draw, inputs=lambda: (name,), tier=Tier.HOT, key=name)

    with page_run("test", 60):
        show("above")
        views("test-view", {"One": lambda: show("of one"), "Two": lambda: show("of two")})


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[CachedResult]]:
    """Results of the query: the last one is the current one."""
    found = [CachedResult(pa.table({"events": [1, 2]}), AT, 0.1, Origin.CACHED)]
    monkeypatch.setattr(tiers, "fetch", lambda query, wait_budget_seconds=None: found[-1])
    drawn.clear()
    panels._drawn.cache_clear()
    yield found
    panels._drawn.cache_clear()


def seen(unit: str) -> str:
    """What a viewer sees, who opens the page."""
    return said(AppTest.from_function(page, args=(unit,)))[0]


def said(viewer: AppTest) -> list[str]:
    viewer.session_state["query"], viewer.session_state["draw"] = QUERY, draw
    viewer.run(timeout=30)
    assert not viewer.exception
    return [str(info.value) for info in viewer.info]


def test_two_viewers_of_a_result_see_one_drawing(results: list[CachedResult]) -> None:
    assert [seen("rows"), seen("rows")] == ["2 rows", "2 rows"]
    assert drawn == [(2, "rows")]


def test_other_inputs_are_another_drawing(results: list[CachedResult]) -> None:
    assert [seen("rows"), seen("lines"), seen("rows")] == ["2 rows", "2 lines", "2 rows"]
    assert drawn == [(2, "rows"), (2, "lines")]


def test_a_new_result_is_another_drawing(results: list[CachedResult]) -> None:
    assert seen("rows") == "2 rows"
    results.append(replace(results[0], table=pa.table({"events": [1]}), as_of=AT + timedelta(microseconds=1)))
    assert seen("rows") == "1 rows"
    results.append(replace(results[0], table=pa.table({"events": pa.array([], pa.int64())}), as_of=AT + timedelta(1)))
    assert seen("rows") == "None"
    assert drawn == [(2, "rows"), (1, "rows")]


def test_only_the_view_that_is_open_is_drawn(results: list[CachedResult]) -> None:
    viewer = AppTest.from_function(page_of_views)
    assert said(viewer) == ["2 above", "2 of one"]
    viewer.session_state["test-view"] = "Two"
    assert said(viewer) == ["2 above", "2 of two"]
    linked = AppTest.from_function(page_of_views)
    linked.query_params["test-view"] = "Two"
    assert said(linked) == ["2 above", "2 of two"]
    assert drawn == [(2, "above"), (2, "of one"), (2, "of two")]


def test_a_link_to_a_view_that_is_gone_opens_the_first(results: list[CachedResult]) -> None:
    linked = AppTest.from_function(page_of_views)
    linked.query_params["test-view"] = "Three"
    assert said(linked) == ["2 above", "2 of one"]


def test_only_what_is_not_there_yet_begins_as_a_skeleton(
    results: list[CachedResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []
    skeleton = DeltaGenerator.skeleton

    def counted(place: DeltaGenerator, *, height: int) -> DeltaGenerator:
        begun.append(height)
        return skeleton(place, height=height)

    monkeypatch.setattr(DeltaGenerator, "skeleton", counted)
    viewer, counts = AppTest.from_function(page_of_views), []
    for view in ("One", "One", "Two", "One"):
        viewer.query_params.clear()  # as a browser does, whose tab is pressed
        viewer.session_state["test-view"] = view
        assert said(viewer) == ["2 above", f"2 of {view.lower()}"]
        counts.append(len(begun))
    assert counts == [2, 2, 3, 4]


def test_a_result_shows_its_date_unless_it_is_today() -> None:
    now = datetime.now(UTC)
    today = CachedResult(pa.table({}), now, 0.1, Origin.CACHED)
    assert text.source(today, Tier.HOT) == f"As of {now:%H:%M:%S} UTC · hot tier · cached"
    earlier = replace(today, as_of=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), origin=Origin.STALE)
    assert text.source(earlier, Tier.COLD) == "As of 2026-01-02 03:04:05 UTC · cold tier · cached, refresh in progress"


def test_the_menu_has_a_link_and_full_screen_where_it_is_of_use() -> None:
    both, link = (actions_html("daily", has_full_screen=has) for has in (True, False))
    assert 'data-link="daily"' in both
    assert 'data-full="daily"' in both
    assert "data-full" not in link


def test_sparklines_have_the_shape_of_long_trends() -> None:
    assert sparkline([1.0, 2.0, 3.0]) == [1.0, 2.0, 3.0]
    year = sparkline([float(day) for day in range(365)])
    assert len(year) == 48
    assert year == sorted(year)
    assert 0 < year[0] < 8 < 356 < year[-1] < 364
    assert sparkline([1.0, float("nan")] * 48) == [1.0] * 48
