"""A browser, and the dashboard of the session's stack in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, sync_playwright

from skytier.settings.base import HOST
from skytier.settings.ports import PortSettings
from tests.browser.viewer import QUIET, Viewer, program
from tests.own_stack import OwnStack

REBOUND = "rebound.example.org"
"""a name whose owner has it point to this machine, after its page was loaded"""
REFRESH_SECONDS = "4"  # an open page refreshes while a test looks on


@pytest.fixture(scope="session")
def dashboard(stack: OwnStack, january: dict[str, int]) -> Iterator[str]:
    """The address of the dashboard of the session's stack, which has January 2013."""
    assert january
    environment = stack.environment() | {"SKYTIER_DASHBOARD_REFRESH_SECONDS": REFRESH_SECONDS}
    done = stack.run_with(environment, "stack", "up", "--without", "airflow")
    assert done.returncode == 0, done.stdout + done.stderr
    stack.skytier("stack", "clean")  # as maintenance does, so that the size of logs is known
    yield f"http://{HOST}:{PortSettings().dashboard}"
    stack.skytier("stack", "down", "dashboard")


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """One browser for all tests, on a usual screen; like everybody's it keeps scripts that it has compiled."""
    with sync_playwright() as playwright:
        visitor = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=program(),
            args=[*QUIET, f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1"],
            viewport={"width": 1280, "height": 900},
        )
        yield visitor
        visitor.close()


@pytest.fixture(params=["light", "dark"])
def theme(request: pytest.FixtureRequest) -> str:
    """Both themes, one after the other."""
    return str(request.param)


@pytest.fixture
def context(browser: BrowserContext) -> Iterator[BrowserContext]:
    """A visitor who has no page open, before and after."""
    yield browser
    for page in browser.pages[1:]:  # without any it might end
        page.close()


@pytest.fixture
def viewer(context: BrowserContext, dashboard: str) -> Viewer:
    """What the visitor sees of the dashboard."""
    return Viewer(context.new_page(), dashboard)
