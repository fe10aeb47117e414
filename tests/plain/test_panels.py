"""A drawing is made once of the same answer, whoever looks at it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest

from dashboard import panels
from dashboard.queries import tiers
from skytier.cache import Answer, Origin, Question

pytestmark = pytest.mark.plain

ASKED = Question("events of a test", lambda: pa.table({}), 60)
AT = datetime(2013, 1, 1, tzinfo=UTC)
drawn: list[tuple[int, str]] = []


def draw(rows: pd.DataFrame, unit: str) -> str:
    drawn.append((len(rows), unit))
    return f"{len(rows)} {unit}"


def page(unit: str) -> None:
    import streamlit

    from dashboard.panels import new_page, panel
    from dashboard.queries.tiers import Tier

    new_page()
    asked, draw = streamlit.session_state["asked"], streamlit.session_state["draw"]
    panel("A test", lambda: asked, draw, given=lambda: (unit,), tier=Tier.HOT, key="test", empty="None")


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Answer]]:
    """What a question is answered with: the last of them."""
    found = [Answer(pa.table({"events": [1, 2]}), AT, 0.1, Origin.CACHED)]
    monkeypatch.setattr(tiers, "answer", lambda question, patience_seconds=None: found[-1])
    drawn.clear()
    panels._drawn.cache_clear()
    yield found
    panels._drawn.cache_clear()


def seen(unit: str) -> str:
    """What a viewer sees, who opens the page."""
    viewer = AppTest.from_function(page, args=(unit,))
    viewer.session_state["asked"], viewer.session_state["draw"] = ASKED, draw
    viewer.run(timeout=30)
    assert not viewer.exception
    return str(viewer.info[0].value)


def test_two_viewers_of_an_answer_see_one_drawing(answers: list[Answer]) -> None:
    assert [seen("rows"), seen("rows")] == ["2 rows", "2 rows"]
    assert drawn == [(2, "rows")]


def test_what_else_is_given_is_another_drawing(answers: list[Answer]) -> None:
    assert [seen("rows"), seen("lines"), seen("rows")] == ["2 rows", "2 lines", "2 rows"]
    assert drawn == [(2, "rows"), (2, "lines")]


def test_a_new_answer_is_another_drawing(answers: list[Answer]) -> None:
    assert seen("rows") == "2 rows"
    answers.append(replace(answers[0], table=pa.table({"events": [1]}), as_of=AT + timedelta(microseconds=1)))
    assert seen("rows") == "1 rows"
    answers.append(replace(answers[0], table=pa.table({"events": pa.array([], pa.int64())}), as_of=AT + timedelta(1)))
    assert seen("rows") == "None"
    assert drawn == [(2, "rows"), (1, "rows")]


def test_sparklines_have_the_shape_of_long_trends() -> None:
    assert panels._thinned([1.0, 2.0, 3.0]) == [1.0, 2.0, 3.0]
    year = panels._thinned([float(day) for day in range(365)])
    assert len(year) == 48
    assert year == sorted(year)
    assert 0 < year[0] < 8 < 356 < year[-1] < 364
    assert panels._thinned([1.0, float("nan")] * 48) == [1.0] * 48
