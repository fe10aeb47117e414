"""Which hosts and origins the dashboard's server accepts, and its security headers, over real connections."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from dashboard.guard import RESPONSE_HEADERS, Guard, allowed_hosts
from skytier.settings.dashboard import DashboardSettings
from tests.serving import Served, served

pytestmark = pytest.mark.plain

HOSTS = allowed_hosts(DashboardSettings(allowed_hosts=" Flights.Example.org ,"))


async def page(_: Request) -> PlainTextResponse:
    response = PlainTextResponse("inside", headers={"X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer"})
    response.set_cookie("a", "Secure", httponly=True, samesite="strict")
    return response


async def stream(at: WebSocket) -> None:
    await at.accept()
    await at.send_text("inside")
    await at.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    routes = [Route("/", page, methods=["GET", "POST"]), WebSocketRoute("/stream", stream)]
    with served(Starlette(routes=routes, middleware=[Middleware(Guard, hosts=HOSTS)])) as at:
        yield at


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8501", "127.0.0.1:1", "[::1]:8501", "LOCALHOST", "flights.example.org"]
)
def test_own_names_are_answered(server: Served, host: str) -> None:
    assert server.ask("/", Host=host).body == "inside"


@pytest.mark.parametrize(
    "host",
    [
        "rebound.example.org",
        "rebound.example.org:8501",
        "localhost.example.org",
        "127.0.0.1.example.org",
        "localhost:8501@evil.example.org",
        "localhost/..",
        "localhost:port",
        "192.0.2.7:8501",
        "www.flights.example.org",
        "*",
        "",
    ],
)
def test_other_names_are_refused(server: Served, host: str) -> None:
    response = server.ask("/", Host=host)
    assert (response.status, "inside" in response.body) == (403, False)
    assert "SKYTIER_DASHBOARD_ALLOWED_HOSTS" in response.body


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example.org",
        "http://127.0.0.1:{port}0",
        "http://127.0.0.1",
        "http://localhost:{port}",
        "http://127.0.0.1:{port}.example.org",
        "http://127.0.0.1:{port}@example.org",
        "null",
        "file://",
        "http://[",
    ],
)
def test_pages_of_others_are_refused(server: Served, origin: str) -> None:
    origin = origin.format(port=server.port)
    for form in (None, {"token": "x"}):
        response = server.ask("/", form=form, Origin=origin)
        assert (response.status, "inside" in response.body) == (403, False)
    with pytest.raises(InvalidStatus) as refused, connect(stream_of(server), origin=Origin(origin), proxy=None):
        pass
    assert refused.value.response.status_code == 403


def stream_of(server: Served) -> str:
    return f"ws://127.0.0.1:{server.port}/stream"


def test_own_pages_and_what_is_no_page_are_answered(server: Served) -> None:
    own = f"http://127.0.0.1:{server.port}"
    assert server.ask("/", form={"a": "b"}, Origin=own).body == "inside"
    assert server.ask("/", Host="flights.example.org", Origin="https://flights.example.org").body == "inside"
    for origin in (None, Origin(own)):
        with connect(stream_of(server), origin=origin, proxy=None) as opened:
            assert opened.recv() == "inside"


def test_a_stream_is_refused_under_another_name(server: Served) -> None:
    here = socket.create_connection(("127.0.0.1", server.port))
    address = f"ws://rebound.example.org:{server.port}/stream"
    with pytest.raises(InvalidStatus) as refused, connect(address, sock=here, proxy=None):
        pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("sent", [{}, {"Origin": "http://evil.example.org"}, {"Host": "evil.example.org"}])
@pytest.mark.parametrize("path", ["/", "/not-there"])
def test_every_response_forbids_frames(server: Served, path: str, sent: dict[str, str]) -> None:
    headers = server.ask(path, None, **sent).headers
    assert {name.lower() for name in RESPONSE_HEADERS} <= set(headers)
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


def test_cookies_are_kept_to_tls_where_the_proxy_ends_it(server: Served) -> None:
    app = Starlette(routes=[Route("/", page)], middleware=[Middleware(Guard, hosts=HOSTS)])
    with served(ProxyHeadersMiddleware(app, trusted_hosts="127.0.0.1")) as behind_proxy:  # type: ignore[arg-type]
        secured = behind_proxy.ask("/", X_Forwarded_Proto="https").headers["set-cookie"]
        assert secured.lower().endswith("; secure")
        assert secured.startswith(plain := behind_proxy.ask("/", X_Forwarded_Proto="http").headers["set-cookie"])
        assert not plain.lower().endswith("; secure")
    assert server.ask("/", X_Forwarded_Proto="https").headers["set-cookie"] == plain  # nobody's word counts there


def test_what_an_answer_says_itself_stays(server: Served) -> None:
    assert server.ask("/").headers["referrer-policy"] == "no-referrer"
