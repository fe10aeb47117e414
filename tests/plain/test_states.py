"""States have a mark, a word and a colour, the same everywhere."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import dashboard
from dashboard.app_pages.operations import alert_text
from dashboard.app_pages.operations import text as operations
from dashboard.app_pages.quality import text as quality
from dashboard.panels.drawings import Drawing, Grid, Number
from dashboard.panels.states import COLOURS, State, limited, state_column, state_of

pytestmark = pytest.mark.plain

TABLES = (operations.STATES, alert_text.SEVERITIES, operations.RUN_STATES, quality.STATES, quality.COUNTS_MATCH)


def page() -> None:
    import streamlit

    from dashboard.panels import rendering

    rendering.show(streamlit.session_state["drawing"], "test")


def shown(drawing: Drawing) -> AppTest:
    app = AppTest.from_function(page, default_timeout=60)
    app.session_state["drawing"] = drawing
    app.run()
    assert not app.exception
    return app


def test_every_state_differs_in_mark_and_colour() -> None:
    assert len({state.called("")[0] for state in State}) == len(set(COLOURS.values())) == len(State)
    assert all(state_of(state.called("a word")) is state for state in State)
    assert state_of("unheard of") is State.UNKNOWN


def test_marks_are_those_of_the_style() -> None:
    style = Path(dashboard.__file__).with_name("static").joinpath("page.css").read_text(encoding="utf-8")
    for state in set(State) - {State.ACTIVE}:
        assert f'.skytier-{state}::before {{ content: "{state.called("")}"; }}' in style


@pytest.mark.parametrize("words", TABLES)
def test_states_of_tables_have_marks(words: dict[object, str]) -> None:
    assert all(state.called("") == word[:2] for word in words.values() if (state := state_of(word)))


def test_a_column_of_states_is_of_coloured_labels() -> None:
    cells = ["✕ Down", "● Healthy", None, "● Healthy"]
    labels, config = state_column("server_state", pd.Series(cells))
    assert labels.tolist() == [["✕ Down"], ["● Healthy"], [], ["● Healthy"]]
    assert config["type_config"]["options"] == [
        {"value": "✕ Down", "color": "red"},
        {"value": "● Healthy", "color": "green"},
    ]
    (table,) = shown(Grid(pd.DataFrame({"server_state": cells}), states=("server_state",))).dataframe
    assert [list(found) for found in table.value["server_state"]] == labels.tolist()


@pytest.mark.parametrize(
    ("value", "state"), [(0.9, State.GOOD), (1.0, State.WARNING), (1.2, State.BAD), (float("nan"), State.UNKNOWN)]
)
def test_a_threshold_gives_a_state(value: float, state: State) -> None:
    assert limited(value, 1.0, 1.2) is state


def test_a_number_beyond_its_threshold_is_marked() -> None:
    (metric,) = shown([Number("Size", "330.0 MB", note="110.0% of 300.0 MB", state=State.WARNING)]).metric
    assert metric.delta == "▲ 110.0% of 300.0 MB"
    (plain,) = shown([Number("Size", "330.0 MB", note="of 400 GB")]).metric
    assert plain.delta == "of 400 GB"
