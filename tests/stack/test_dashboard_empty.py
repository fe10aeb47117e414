"""Every page of the dashboard of a new installation, through which no event has gone."""

from __future__ import annotations

import pytest

from skytier.sql import query
from tests.own_stack import OwnStack
from tests.pages import PATHS, broken, nothing_known, opened_views

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600), pytest.mark.empty]


@pytest.mark.parametrize("page", PATHS)
def test_a_page_of_an_empty_warehouse_says_so(stack: OwnStack, page: str) -> None:
    assert query("SELECT count(*) FROM flight_dw.fact_flight_events").rows == [(0,)], "this has to run first"
    with nothing_known():
        for app in opened_views(page):
            assert broken(app) == []
            assert not any(word in metric.value.lower() for metric in app.metric for word in ("nan", "none", "inf"))
