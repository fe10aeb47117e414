"""Pages of the dashboard as somebody opens them, without a browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import cast

from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

import dashboard
from dashboard.app_pages import PAGES
from dashboard.panels import tiers
from skytier import cache
from skytier.settings.redis import RedisSettings

APP = Path(dashboard.__file__).with_name("app.py")
PATHS = [page.path for page in PAGES]
PANELS = {
    "overview": (7,),
    "streaming": (4, 5),
    "history": (5, 3, 3, 3),
    "predictions": (5, 7, 3, 5),
    "quality": (5, 4, 6, 5),
    "operations": (6, 7, 5),
}
"""How many panels a page has, in each of its views"""
SECONDS = 120
_OF_SQL = b'{"query":"sql: '  # the start of a result of the SQL endpoint


@contextmanager
def nothing_known(*, but_sql: bool = False) -> Iterator[None]:
    """No result is in the cache, and no client of another server in this process; nor afterwards.

    ``but_sql``: results of the SQL endpoint stay, because they take by far the longest.
    """
    _forget(but_sql)
    yield
    _forget(but_sql)


def _forget(but_sql: bool) -> None:
    with cache.client(RedisSettings()) as redis:
        for key in redis.scan_iter("skytier:result:*"):
            kept = cast("bytes | None", redis.get(key)) or b""  # or a lock, of a query that is running
            if not (but_sql and kept.startswith(_OF_SQL)):
                redis.delete(key)
    forget_clients()


def forget_clients() -> None:
    """Clients of this process are of the servers that settings point to from now on."""
    for client in (tiers.cache, tiers.mongodb):
        client.cache_clear()
    tiers.close_sessions()


def opened(page: str, **link: str) -> AppTest:
    """A page as somebody opens it by a link."""
    app = AppTest.from_file(str(APP), default_timeout=SECONDS)
    app.query_params.update(link)
    if page != PATHS[0]:
        # switch_page() knows addresses only once another page was run; before that it takes a file's name for one.
        app._page_hash = calc_hash(page)
    return app.run()


def views(page: str) -> tuple[str, ...]:
    """The names of a page's views; one without a name where it has none."""
    return getattr(import_module(f"dashboard.app_pages.{page}.text"), "VIEWS", ("",))


def link_to(page: str, view: str) -> dict[str, str]:
    """What an address carries to open a view of a page."""
    return {f"{page}-view": view} if view else {}


def opened_views(page: str, **link: str) -> Iterator[AppTest]:
    """A page as somebody opens each of its views by a link; every panel that belongs there is."""
    for view, number in zip(views(page), PANELS[page], strict=True):
        app = opened(page, **link, **link_to(page, view))
        assert not app.exception
        assert len(panels(app)) == number, view
        assert len(sources(app)) + len(app.error) == number, view
        yield app


def panels(app: AppTest) -> list[str]:
    """The titles of the panels."""
    return [element.value for element in app.markdown if element.value.startswith("##### ")]


def sources(app: AppTest) -> list[str]:
    """Freshness and source of the panels with a result."""
    return [caption.value for caption in app.caption if caption.value.startswith("As of ")]


def broken(app: AppTest) -> list[str]:
    """The errors of panels without a result, except those of Airflow, which does not run in this stack."""
    return [error.value for error in app.error if "Airflow" not in error.value]
