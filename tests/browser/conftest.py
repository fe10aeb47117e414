"""A browser, and the dashboard of the session's stack in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from skytier.settings import HOST, PortSettings
from tests.browser.viewer import Viewer
from tests.own_stack import OwnStack

REFRESH_SECONDS = "4"  # an open page refreshes while a test looks on
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


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
    """Headless Chromium of this machine. Fails where there is none."""
    found = [path for name in _BROWSERS if (path := shutil.which(name))]
    assert found, "There is no Chromium: 'make test' installs it on Debian and Ubuntu."
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found[0], args=list(_QUIET))
        yield chromium
        chromium.close()


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
