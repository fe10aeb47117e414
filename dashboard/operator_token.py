"""Who may start things where nobody has to sign in: whoever sits at this machine and holds the operator's token.

Loopback alone says nothing of a person: every user of the machine and every web page in its browser reach it. The token
is made at the first start of the stack and shown by ``skytier stack up``; ``operator_page`` takes it and gives the
browser a signed cookie, which page scripts cannot read.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from itsdangerous import BadSignature, URLSafeTimedSerializer

from skytier.settings.dashboard import DashboardSettings
from skytier.settings.ports import PortSettings

COOKIE_SECONDS = 30 * 24 * 3_600
"""how long a browser stays an operator's"""
_SAYS = "operator"
_LOOPBACK = (None, "127.0.0.1", "::1")  # Streamlit names none for this machine
_PROXIES_SAY = ("forwarded", "via", "cdn-loop")
# X-Forwarded-For, -Host, -Proto; X-Real-IP; True-Client-IP, Fastly-Client-IP; CF-Connecting-IP; X-Original-For ...
_PROXIES_BEGIN = ("x-forwarded", "x-original-", "x-envoy-", "cf-", "x-azure-", "x-appengine-", "x-amzn-", "x-proxy")
_PROXIES_END = ("-client-ip", "-connecting-ip", "-real-ip", "-remote-ip", "-remote-addr", "-client-host")
_OTHERS = ("client-ip", "x-remote-user", "x-client", "x-host")


def cookie_name() -> str:
    """The name of the cookie: browsers send it to every port of a host, and other stacks have one as well."""
    return f"skytier-operator-{PortSettings().dashboard}"


def is_token(typed: str, settings: DashboardSettings) -> bool:
    """Whether this is the token, in constant time; nothing is where none was made."""
    token = settings.operator_token.get_secret_value()
    return bool(token) and hmac.compare_digest(typed.strip().encode(), token.encode())


def cookie_value(settings: DashboardSettings) -> str:
    """What a browser keeps: signed by the token, so that another token ends it."""
    return _signer(settings).dumps(_SAYS)


def is_operators(cookie: str | None, settings: DashboardSettings) -> bool:
    """Whether a cookie was given to who had the token, not longer ago than it holds."""
    if not cookie or not settings.operator_token.get_secret_value():
        return False
    try:
        return bool(_signer(settings).loads(str(cookie), max_age=COOKIE_SECONDS) == _SAYS)
    except BadSignature:
        return False


def is_local(address: str | None, headers: Iterable[str]) -> bool:
    """Whether a request comes from this machine, and through no proxy that says so in a header.

    A proxy that adds none is not noticed: it is the token that decides. This only keeps the token from being used over
    a network, where it would travel in plain text; who comes from there signs in.
    """
    return address in _LOOPBACK and not any(map(_is_of_proxy, headers))


def _is_of_proxy(header: str) -> bool:
    name = header.lower()
    return name in _PROXIES_SAY + _OTHERS or name.startswith(_PROXIES_BEGIN) or name.endswith(_PROXIES_END)


def _signer(settings: DashboardSettings) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(settings.operator_token.get_secret_value(), salt="skytier dashboard operator")
