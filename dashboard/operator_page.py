"""``/operator``: exchanges the operator token for a cookie.

``skytier stack up`` prints its address with the token in the fragment, which browsers do not send: the page's script
removes it from the address bar and posts it.
"""

from __future__ import annotations

import base64
import hashlib
import html
from pathlib import Path
from string import Template
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from dashboard import access_text as text
from dashboard import operator_token, throttle
from skytier import logs
from skytier.settings.dashboard import DashboardSettings

PATH = "/operator"
_LIMIT_BYTES = 4_096
_SCRIPT = """
const use = () => {
  const form = document.forms[0], token = location.hash.slice(1);
  if (!token) return;
  history.replaceState(null, "", location.pathname);
  form.token.value = token;
  form.submit();
};
addEventListener("hashchange", use);
use();
"""
_PAGE = Template(Path(__file__).with_name("operator_page.html").read_text(encoding="utf-8"))

log = logs.logger("access")


def _sha256(part: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()}'"


_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; script-src {_sha256(_SCRIPT)}; style-src 'unsafe-inline'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


def routes() -> list[Route]:
    """The page, and the target of its form."""
    return [Route(PATH, _show, methods=["GET"]), Route(PATH, _take, methods=["POST"])]


async def _show(request: Request) -> Response:
    return _page(_rejection(request, DashboardSettings()) or "")


async def _take(request: Request) -> Response:
    """Set the cookie for a valid token, or delete it."""
    settings = DashboardSettings()
    if reason := _rejection(request, settings):
        return _page(reason, 403)
    fields = await _fields(request)
    back = RedirectResponse("./", status_code=303, headers=_HEADERS)
    if "leave" in fields:
        back.delete_cookie(operator_token.cookie_name(), httponly=True, samesite="strict")
        return back
    address = request.client.host if request.client else None
    # A valid token is not throttled: it cannot be guessed, and other users of the machine share the address.
    if not operator_token.is_token(fields.get("token", ""), settings):
        if wait_seconds := throttle.sign_ins.wait_seconds(address):
            return _page(text.TOO_MANY.format(throttle.until(wait_seconds)), 429)
        log.warning("operator token rejected", address=address)
        return _page(text.OPERATOR_WRONG, 403)
    log.info("operator token accepted", address=address)
    back.set_cookie(
        operator_token.cookie_name(),
        operator_token.cookie_value(settings),
        max_age=operator_token.COOKIE_SECONDS,
        httponly=True,
        samesite="strict",
    )
    return back


async def _fields(request: Request) -> dict[str, str]:
    """The fields of a form; empty for a body that is far longer than a token."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _LIMIT_BYTES:
            return {}
    try:
        found = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=10)
    except ValueError:
        return {}
    return {name: values[0] for name, values in found.items()}


def _rejection(request: Request, settings: DashboardSettings) -> str | None:
    """Why the token cannot be used for this request; None if it can."""
    if settings.sign_in != "off":
        return text.OPERATOR_NOT_USED
    address = request.client.host if request.client else ""
    return None if operator_token.is_local(address, request.headers, settings) else text.OPERATOR_ONLY_HERE


def _page(says: str, status: int = 200) -> HTMLResponse:
    words = {
        "title": text.OPERATOR_TITLE,
        "token": text.OPERATOR_FIELD,
        "hint": text.OPERATOR_HINT,
        "become": text.OPERATOR_USE,
        "leave": text.OPERATOR_LEAVE,
        "back": text.OPERATOR_BACK,
        "says": says,
    }
    filled = _PAGE.substitute({name: html.escape(word) for name, word in words.items()}, script=_SCRIPT)
    return HTMLResponse(filled, status_code=status, headers=_HEADERS)
