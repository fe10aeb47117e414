"""How somebody becomes an operator of the dashboard, and what other pages in the same browser can do: nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from dashboard import access_text as text
from dashboard import operator_token
from dashboard.app_pages.operations import text as operations
from skytier.settings.base import home
from skytier.settings.dashboard import DashboardSettings
from skytier.settings.ports import PortSettings
from tests.browser.conftest import REBOUND
from tests.browser.viewer import LOADED_MS, Viewer
from tests.serving import served

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
def token() -> str:
    """The operator's, of the session's stack."""
    return DashboardSettings().operator_token.get_secret_value()


@pytest.fixture(autouse=True)
def _nobody_yet(context: BrowserContext) -> Iterator[None]:
    """The browser is a viewer's, before and after."""
    yield
    context.clear_cookies(name=operator_token.cookie_name())


def says(page: Page) -> str:
    """What stands in the sidebar of the way to be an operator."""
    return page.locator("a.operator").inner_text(timeout=LOADED_MS)


def test_the_link_makes_an_operator_and_leaves_the_token_nowhere(viewer: Viewer, token: str) -> None:
    asked: list[str] = []
    viewer.page.on("request", lambda request: asked.append(f"{request.url} {request.headers.get('referer')}"))
    viewer.open("operations")
    assert says(viewer.page) == text.BECOME
    viewer.open_view(operations.WORK)
    expect(viewer.page.get_by_text(operations.ARCHIVE_NOW)).to_have_count(0)
    viewer.page.locator("a.operator").click()
    viewer.page.wait_for_url("**/operator")
    viewer.open(f"operator#{token}")
    assert says(viewer.page) == text.IS_OPERATOR
    assert viewer.page.url == f"{viewer.address}/"
    viewer.open("operations")  # loaded anew
    assert says(viewer.page) == text.IS_OPERATOR
    viewer.open_view(operations.WORK)
    expect(viewer.page.get_by_text(operations.ARCHIVE_NOW)).to_be_visible()
    assert [address for address in asked if token in address and f"#{token}" not in address] == []
    assert token not in viewer.page.evaluate(
        "JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}])"
    )
    assert operator_token.cookie_name() not in viewer.page.evaluate("document.cookie")
    assert token not in (home() / "logs" / "dashboard.log").read_text()
    viewer.page.locator("a.operator").click()
    viewer.page.get_by_role("button", name=text.OPERATOR_LEAVE).click()
    assert says(viewer.page) == text.BECOME


# What a page of another origin tries: to read, to send a form, to open a session's stream, to show a frame.
_ATTACK = """async address => {
  const tried = {};
  await fetch(`${address}/_stcore/health`).then(a => a.text()).then(t => tried.read = t, e => tried.read = "refused");
  const form = {method: "POST", mode: "no-cors", credentials: "include", body: new URLSearchParams({leave: 1})};
  tried.sent = await fetch(`${address}/operator`, form).then(() => "sent", () => "refused");
  tried.stream = await new Promise(done => {
    const socket = new WebSocket(address.replace("http", "ws") + "/_stcore/stream", ["streamlit"]);
    socket.onopen = () => done("opened");
    socket.onerror = () => done("refused");
  });
  const frame = document.createElement("iframe");
  frame.src = address;
  const loaded = new Promise(done => frame.onload = done);
  document.body.append(frame);
  await loaded;
  return tried;
}"""


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_a_page_of_another_origin_gets_nowhere(viewer: Viewer, token: str, name: str) -> None:
    """Also on another port of this machine, where every user may open one and browsers send the same cookies."""
    viewer.open(f"operator#{token}")
    assert says(viewer.page) == text.IS_OPERATOR

    async def foreign(_: Request) -> HTMLResponse:
        return HTMLResponse("<!doctype html><title>another</title>")

    with served(Starlette(routes=[Route("/", foreign)])) as other:
        page = viewer.page.context.new_page()
        page.goto(f"http://{name}:{other.port}/")
        with page.expect_event("framenavigated") as framed:  # told after the page's own event, sometimes long after
            tried = page.evaluate(_ATTACK, f"http://127.0.0.1:{PortSettings().dashboard}")
        assert tried == {"read": "refused", "sent": "refused", "stream": "refused"}
        assert (framed.value.parent_frame, framed.value.url) == (page.main_frame, "chrome-error://chromewebdata/")
    viewer.open()
    assert says(viewer.page) == text.IS_OPERATOR, "the other page took the cookie away"


def test_a_name_that_was_pointed_here_is_refused(viewer: Viewer) -> None:
    """DNS rebinding: the page's own name has become an address of this machine."""
    answer = viewer.page.goto(viewer.address.replace("127.0.0.1", REBOUND))
    assert answer is not None
    assert (answer.status, "is not allowed" in viewer.page.inner_text("body")) == (403, True)
