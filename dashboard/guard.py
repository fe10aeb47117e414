"""What the dashboard's server says of every request before Streamlit sees it: to whom it answers, and in what frame.

A web page of another origin can have the browser of somebody at this machine ask for anything here. It gives itself
away by its ``Origin``; one that has its own name point to this machine (DNS rebinding) by its ``Host``.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard import access_text as text
from skytier import logs, terminal
from skytier.settings.dashboard import DashboardSettings

OWN_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
ON_EVERY_ANSWER = {
    "Content-Security-Policy": "frame-ancestors 'none'; base-uri 'self'; object-src 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_SHOWN_CHARACTERS = 200

log = logs.logger("access")


class Guard:
    """Middleware: refuses foreign hosts and origins, for pages and WebSockets; adds headers to every answer.

    Cookies are kept to TLS where the page came by it.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str] = OWN_HOSTS) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """CachedResult a request."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                headers = MutableHeaders(scope=message)
                for name, value in ON_EVERY_ANSWER.items():
                    headers.setdefault(name, value)
                if scope["scheme"] == "https":  # which the dashboard's proxy says, where its word counts
                    message["headers"] = [_secured(name, value) for name, value in message["headers"]]
            await send(message)

        if reason := refusal(Headers(scope=scope), self._hosts):
            log.warning("request refused", reason=reason)
            await PlainTextResponse(f"{reason}\n", status_code=403)(scope, receive, sending)
            return
        await self._app(scope, receive, sending)


def _secured(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    """A header of an answer; a cookie is marked as one that browsers send through TLS only."""
    flags = {flag.strip().lower() for flag in value.split(b";")[1:]}
    is_open = name.lower() == b"set-cookie" and b"secure" not in flags
    return name, value + b"; Secure" if is_open else value


def allowed_hosts(settings: DashboardSettings) -> frozenset[str]:
    """The names and addresses that the dashboard answers to, in small letters."""
    return OWN_HOSTS | {name.strip().lower() for name in settings.allowed_hosts.split(",") if name.strip()}


def refusal(headers: Headers, hosts: frozenset[str]) -> str | None:
    """Why a request is refused; None where it is not."""
    host = headers.get("host", "")
    if len(headers.getlist("host")) != 1 or _name(host) not in hosts:
        return text.FOREIGN_HOST.format(_shown(host))
    for origin in headers.getlist("origin"):  # one that is no web page's sends none
        if _place(origin) != host.lower():
            return text.FOREIGN_ORIGIN.format(_shown(origin))
    return None


def _place(origin: str) -> str | None:
    """Host and port of an origin; None of what is none, such as that of a page in a sandbox."""
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None


def _name(host: str) -> str | None:
    """The name in a ``Host``, without its port; None where it is none."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # has it checked
    except ValueError:
        return None
    is_plain = not (parts.path or parts.query or parts.fragment or "@" in parts.netloc)
    return parts.hostname if is_plain else None


def _shown(value: str) -> str:
    return terminal.visible(value[:_SHOWN_CHARACTERS]).replace("\n", " ")
