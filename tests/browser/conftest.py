"""A browser, and the dashboard of the session's stack in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext

from skytier.settings import HOST, PortSettings
from tests.browser.viewer import Viewer, chromium
from tests.own_stack import OwnStack

REFRESH_SECONDS = "4"  # an open page refreshes while a test looks on


@pytest.fixture(scope="session")
def dashboard(stack: OwnStack, january: dict[str, int]) -> Iterator[str]:
    """The address of the dashboard of the session's stack, which has January 2013."""
    assert january
    environment = stack.environment() | {"SKYTIER_DASHBOARD_REFRESH_SECONDS": REFRESH_SECONDS}
    done = stack.run_with(environment, "stack", "up", "--without", "airflow")
    assert done.returncode == 0, done.stdout + done.stderr
    yield f"http://{HOST}:{PortSettings().dashboard}"
    stack.skytier("stack", "down", "dashboard")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests."""
    with chromium() as started:
        yield started


@pytest.fixture(params=["light", "dark"])
def theme(request: pytest.FixtureRequest) -> str:
    """Both themes, one after the other."""
    return str(request.param)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A new visitor on a usual screen."""
    visitor = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    yield visitor
    visitor.close()


@pytest.fixture
def viewer(context: BrowserContext, dashboard: str) -> Viewer:
    """What the visitor sees of the dashboard."""
    return Viewer(context.new_page(), dashboard)
