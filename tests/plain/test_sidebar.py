"""The filters of the sidebar: where they are shown, which days they offer, and that they stay."""

from __future__ import annotations

from datetime import date

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.app_pages import PAGES
from dashboard.panels import dimensions, filters, text

pytestmark = pytest.mark.plain

NAMES = {"airline": {"UA": "United"}, "origin": {"EWR": "Newark"}, dimensions.DAYS: {"2013-01-01": "2013-01-31"}}


def sidebar() -> None:
    import streamlit

    from dashboard.panels import filters

    has_filters = streamlit.session_state["has_filters"]
    streamlit.session_state["found"] = filters.sidebar(60, has_filters=has_filters)


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """A page with the sidebar, of a warehouse that has January 2013."""
    monkeypatch.setattr(filters, "codes", lambda: NAMES)
    app = AppTest.from_function(sidebar, default_timeout=60)
    app.session_state["has_filters"] = True
    return app


def test_a_start_after_the_end_says_so(page: AppTest) -> None:
    page.query_params.update({"from": "2013-02-01", "to": "2013-01-01"})
    page.run()
    assert not page.exception
    reversed_days = text.DAYS_REVERSED.format(date(2013, 2, 1), date(2013, 1, 1))
    assert [warning.value for warning in page.warning] == [reversed_days]


def test_only_pages_where_filters_act_show_them() -> None:
    assert [page.path for page in PAGES if not page.has_filters] == ["operations"]


def test_filters_stay_over_a_page_that_does_not_show_them(page: AppTest) -> None:
    page.run()
    page.multiselect[0].select("UA")
    page.date_input[0].set_value(date(2013, 1, 5))
    chosen = page.run().session_state["found"]
    assert chosen == filters.Filters(("UA",), (), date(2013, 1, 5))
    page.session_state["has_filters"] = False
    page.run()
    assert not page.multiselect
    assert not page.date_input
    assert [toggle.label for toggle in page.toggle] == [text.PAUSE]
    assert page.session_state["found"] == filters.Filters()
    page.session_state["has_filters"] = True
    assert page.run().session_state["found"] == chosen
    assert not page.exception


def test_the_calendar_ends_with_the_data_and_so_opens_there(page: AppTest) -> None:
    assert [day.max for day in page.run().date_input] == [date(2013, 1, 31)] * 2


def test_a_link_beyond_the_data_is_kept(page: AppTest) -> None:
    page.query_params["from"] = "2014-01-01"
    assert page.run().session_state["found"].first == date(2014, 1, 1)
    assert not page.exception


def test_without_known_days_every_day_can_be_chosen(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filters, "codes", dict)
    assert page.run().date_input[0].max > date(2020, 1, 1)
