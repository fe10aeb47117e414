"""``/operator``: takes the operator's token and gives the browser a cookie for it.

``skytier stack up`` prints its address with the token behind a ``#``, which browsers send to nobody: the page's script
takes it out of the address bar and posts it.
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
    """The page, and what its form is sent to."""
    return [Route(PATH, _show, methods=["GET"]), Route(PATH, _take, methods=["POST"])]


async def _show(request: Request) -> Response:
    return _page(_may_not(request) or "")


async def _take(request: Request) -> Response:
    """Give the cookie for the token, or take it back."""
    if reason := _may_not(request):
        return _page(reason, 403)
    fields = await _fields(request)
    back = RedirectResponse("./", status_code=303, headers=_HEADERS)
    if "leave" in fields:
        back.delete_cookie(operator_token.cookie_name(), httponly=True, samesite="strict")
        return back
    settings, address = DashboardSettings(), request.client.host if request.client else None
    # The right one counts however many were wrong: nobody guesses it, and other users of the machine try from here too.
    if not operator_token.is_token(fields.get("token", ""), settings):
        if wait_seconds := throttle.sign_ins.wait_seconds(address):
            return _page(text.TOO_MANY.format(throttle.until(wait_seconds)), 429)
        log.warning("operator's token refused", address=address)
        return _page(text.OPERATOR_WRONG, 403)
    log.info("operator's token accepted", address=address)
    back.set_cookie(
        operator_token.cookie_name(),
        operator_token.cookie_value(settings),
        max_age=operator_token.COOKIE_SECONDS,
        httponly=True,
        samesite="strict",
    )
    return back


async def _fields(request: Request) -> dict[str, str]:
    """What a form sent; nothing of one that is far longer than a token."""
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


def _may_not(request: Request) -> str | None:
    """Why the token is no use to who asks; None where it is."""
    if DashboardSettings().sign_in != "off":
        return text.OPERATOR_NOT_USED
    address = request.client.host if request.client else ""
    return None if operator_token.is_local(address, request.headers) else text.OPERATOR_ONLY_HERE


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
