"""Every page of the dashboard with data, with nothing to show, and with each server down."""

from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest
import stamina

from dashboard.panels import text
from tests.own_stack import OwnStack
from tests.pages import PANELS, PATHS, broken, nothing_known, opened, opened_views, panels, sources

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600), pytest.mark.usefixtures("january")]

SQL = "the SQL endpoint"
NOBODY = {"MongoDB": {"SKYTIER_MONGODB_URI": "mongodb://127.0.0.1:1/?directConnection=true"}} | {
    "Redis": {"SKYTIER_REDIS_URL": "redis://127.0.0.1:1"},
    "HDFS": {"SKYTIER_HDFS_WEB_URL": "http://127.0.0.1:1"},
    "Kafka": {"SKYTIER_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"},
    "Airflow": {"SKYTIER_PORT_AIRFLOW": "1"},
    SQL: {"SKYTIER_PORT_SQL": "1"},
}


@pytest.fixture
def forgetful() -> Iterator[None]:
    """No result of an earlier test is in the cache."""
    with nothing_known():
        yield


@pytest.mark.usefixtures("forgetful")
@pytest.mark.parametrize("page", PATHS)
def test_a_page_has_data_in_every_panel(page: str) -> None:
    for app in opened_views(page):
        assert broken(app) == []
        assert len(app.error) <= (3 if page == "operations" else 0)  # the panels of Airflow, which does not run
        assert not any(word in metric.value.lower() for metric in app.metric for word in ("nan", "none", "inf"))


@pytest.mark.usefixtures("forgetful")
@pytest.mark.parametrize("page", PATHS)
def test_a_page_with_nothing_to_show_says_so(page: str) -> None:
    for app in opened_views(page, **{"from": "1999-01-01", "to": "1999-01-02"}):
        assert broken(app) == []


@pytest.mark.parametrize("server", NOBODY)
@pytest.mark.parametrize("page", PATHS)
def test_a_server_that_is_down_takes_no_page_down(page: str, server: str) -> None:
    without_waits = stamina.set_testing(True, attempts=3)
    with nothing_known(but_sql=server != SQL), without_waits, pytest.MonkeyPatch.context() as patch:
        for name, value in NOBODY[server].items():
            patch.setenv(name, value)
        for app in opened_views(page):
            assert all(error.value.startswith(text.FAILED.partition("{")[0]) for error in app.error)
            if server == "Redis":
                assert broken(app) == []
                assert all("cache is down" in caption for caption in sources(app))


@pytest.mark.usefixtures("forgetful")
def test_a_server_that_hangs_holds_up_its_own_panels_only(stack: OwnStack) -> None:
    sql = psutil.Process(stack.servers()["sql"]["pid"])
    sql.suspend()
    try:
        app = opened("streaming")
    finally:
        sql.resume()
    assert not app.exception
    assert app.error == []
    assert len(sources(app)) == len(panels(app)) == PANELS["streaming"][0]
    assert text.NO_FILTERS in [caption.value for caption in app.caption]


def test_a_change_of_the_range_keeps_a_moving_average() -> None:
    app = opened("streaming")
    for span in ("7d", "6h", "24h"):
        app.session_state["streaming-range"] = span
        app.run()
        assert not app.exception
        assert app.session_state[f"streaming-averages-{span}"], span
