"""The operator role without sign-in: a local browser that has the operator token.

A loopback address alone is no proof: every user of the machine and every web page in its browsers can connect from it.
The token is created when the stack starts first and shown by ``skytier stack up``; ``operator_page`` exchanges it for a
signed cookie, which page scripts cannot read.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from itsdangerous import BadSignature, URLSafeTimedSerializer

from dashboard import local_addresses
from skytier.settings.dashboard import DashboardSettings
from skytier.settings.ports import PortSettings

COOKIE_SECONDS = 30 * 24 * 3_600
"""how long a browser stays signed in"""
_SAYS = "operator"
_LOOPBACK = (None, "127.0.0.1", "::1")  # Streamlit has no address for this machine
_PROXIES_SAY = ("forwarded", "via", "cdn-loop")
# X-Forwarded-For, -Host, -Proto; X-Real-IP; True-Client-IP, Fastly-Client-IP; CF-Connecting-IP; X-Original-For ...
_PROXIES_BEGIN = ("x-forwarded", "x-original-", "x-envoy-", "cf-", "x-azure-", "x-appengine-", "x-amzn-", "x-proxy")
_PROXIES_END = ("-client-ip", "-connecting-ip", "-real-ip", "-remote-ip", "-remote-addr", "-client-host")
_OTHERS = ("client-ip", "x-remote-user", "x-client", "x-host")


def cookie_name() -> str:
    """The name of the cookie, with the port: browsers send cookies to all ports of a host, also to other stacks."""
    return f"skytier-operator-{PortSettings().dashboard}"


def is_token(typed: str, settings: DashboardSettings) -> bool:
    """Whether this is the token, compared in constant time; False where there is none."""
    token = settings.operator_token.get_secret_value()
    return bool(token) and hmac.compare_digest(typed.strip().encode(), token.encode())


def cookie_value(settings: DashboardSettings) -> str:
    """The cookie's value: signed with the token, so that another token invalidates it."""
    return _signer(settings).dumps(_SAYS)


def is_operators(cookie: str | None, settings: DashboardSettings) -> bool:
    """Whether a cookie was signed with the token and has not expired."""
    if not cookie or not settings.operator_token.get_secret_value():
        return False
    try:
        return bool(_signer(settings).loads(str(cookie), max_age=COOKIE_SECONDS) == _SAYS)
    except BadSignature:
        return False


def is_local(address: str | None, headers: Iterable[str], settings: DashboardSettings) -> bool:
    """Whether a request comes from this machine, or what counts as it, and has no header of a proxy.

    A proxy that adds no header is not detected: the token decides. This check only keeps the token from being sent over
    a network in plain text; users there sign in.
    """
    is_here = address in _LOOPBACK or local_addresses.contain(settings.local_addresses, str(address))
    return is_here and not any(map(_is_of_proxy, headers))


def _is_of_proxy(header: str) -> bool:
    name = header.lower()
    return name in _PROXIES_SAY + _OTHERS or name.startswith(_PROXIES_BEGIN) or name.endswith(_PROXIES_END)


def _signer(settings: DashboardSettings) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(settings.operator_token.get_secret_value(), salt="skytier dashboard operator")
