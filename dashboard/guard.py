"""Middleware that checks ``Host`` and ``Origin`` of every request before Streamlit, and sets security headers.

A web page of another origin can make the browser of a user of this machine send requests here. They are recognized by
their ``Origin``; those of a page whose name resolves to this machine (DNS rebinding) by their ``Host``.
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
RESPONSE_HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'none'; base-uri 'self'; object-src 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_SHOWN_CHARACTERS = 200

log = logs.logger("access")


class Guard:
    """Reject foreign hosts and origins, for pages and WebSockets; add headers to every response.

    Cookies are marked ``Secure`` where the page was requested through TLS.
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
                for name, value in RESPONSE_HEADERS.items():
                    headers.setdefault(name, value)
                if scope["scheme"] == "https":  # as a trusted proxy says
                    message["headers"] = [_secured(name, value) for name, value in message["headers"]]
            await send(message)

        if reason := refusal(Headers(scope=scope), self._hosts):
            log.warning("request refused", reason=reason)
            await PlainTextResponse(f"{reason}\n", status_code=403)(scope, receive, sending)
            return
        await self._app(scope, receive, sending)


def _secured(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    """A response header; cookies are marked ``Secure``."""
    flags = {flag.strip().lower() for flag in value.split(b";")[1:]}
    is_open = name.lower() == b"set-cookie" and b"secure" not in flags
    return name, value + b"; Secure" if is_open else value


def allowed_hosts(settings: DashboardSettings) -> frozenset[str]:
    """The allowed host names and addresses, in lower case."""
    return OWN_HOSTS | {name.strip().lower() for name in settings.allowed_hosts.split(",") if name.strip()}


def refusal(headers: Headers, hosts: frozenset[str]) -> str | None:
    """Why a request is rejected; None if it is allowed."""
    host = headers.get("host", "")
    if len(headers.getlist("host")) != 1 or _name(host) not in hosts:
        return text.FOREIGN_HOST.format(_shown(host))
    for origin in headers.getlist("origin"):  # clients other than browsers send none
        if _authority(origin) != host.lower():
            return text.FOREIGN_ORIGIN.format(_shown(origin))
    return None


def _authority(origin: str) -> str | None:
    """Host and port of an origin; None for opaque ones, such as that of a sandboxed page."""
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None


def _name(host: str) -> str | None:
    """The name in a ``Host``, without its port; None if it is malformed."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # raises ValueError if invalid
    except ValueError:
        return None
    is_plain = not (parts.path or parts.query or parts.fragment or "@" in parts.netloc)
    return parts.hostname if is_plain else None


def _shown(value: str) -> str:
    return terminal.visible(value[:_SHOWN_CHARACTERS]).replace("\n", " ")
