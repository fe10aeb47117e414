"""Who looks at the dashboard, and whether they may start things: by token, password or OpenID Connect."""

from __future__ import annotations

import hashlib
import hmac
import os
import threading
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError

from dashboard import operator_token, throttle
from dashboard.plain_text import for_markdown
from dashboard.text import access as text
from skytier import logs
from skytier.errors import TerminalError
from skytier.settings.dashboard import DashboardSettings

LEAST_CHARACTERS = 12
_PERSON, _TYPED, _REFUSED = "person", "access-password", "access-refused"
# Parameters for sign-in of RFC 7914 and OWASP's password storage sheet: 16 MB and about 50 ms a password.
_COST = {"n": 2**14, "r": 8, "p": 1}
_one_at_a_time = threading.Lock()  # whoever tries many passwords waits, and memory stays bounded

log = logs.logger("access")


class Role(StrEnum):
    """What somebody may do."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    """may also acknowledge alerts and start runs"""


class Person(NamedTuple):
    """Who looks at the dashboard."""

    name: str
    role: Role


def known() -> Person | None:
    """Who looks at the dashboard; None where sign-in is switched on and they have not signed in, or are not invited.

    It is decided anew by what came with the request, what the provider says, or what was signed in with here.
    """
    settings = DashboardSettings()
    if settings.sign_in == "off":
        cookie = st.context.cookies.get(operator_token.cookie_name())
        role = local_role(cookie, st.context.ip_address, st.context.headers, settings)
        return Person(text.NAMES[role], role)
    if settings.sign_in == "password":
        found: Person | None = st.session_state.get(_PERSON)
        return found
    if not _has_provider() or not st.user.is_logged_in:
        return None
    invited = role_by_address(st.user.to_dict(), settings)
    return Person(str(st.user.get("email")), invited) if invited else None


def require(who: Person | None) -> None:
    """Let only people past who are known; call it before anything is shown."""
    kind = DashboardSettings().sign_in
    if who is None:
        st.session_state.pop(_PERSON, None)
        _ask_password() if kind == "password" else _ask_provider()
        st.stop()
    _offer_operator(who) if kind == "off" else _offer_sign_out(who)


def person() -> Person:
    """Who looks at this page now; a viewer where nobody has signed in."""
    return known() or Person(text.NAMES[Role.VIEWER], Role.VIEWER)


def is_operator() -> bool:
    """Whether whoever looks at this page may start things."""
    return person().role is Role.OPERATOR


def require_operator() -> Person:
    """Whoever does something now. Raises TerminalError when it is no operator."""
    who = person()
    if who.role is not Role.OPERATOR:
        raise TerminalError(text.OPERATORS_ONLY)
    return who


def role_by_password(typed: str, settings: DashboardSettings) -> Role | None:
    """The role whose password this is. All are compared, by hash and in constant time, whichever it is."""
    passwords = {Role.VIEWER: settings.viewer_password, Role.OPERATOR: settings.operator_password}
    known = {role: secret.get_secret_value() for role, secret in passwords.items()}
    with _one_at_a_time:
        same = [role for role, password in known.items() if _is_same(typed, password)]
    return next((role for role in reversed(same) if len(known[role]) >= LEAST_CHARACTERS), None)


def role_by_address(user: Mapping[str, Any], settings: DashboardSettings) -> Role | None:
    """The role of somebody whom the provider knows, by the address that it vouches for."""
    address = str(user.get("email") or "").lower()
    if not address or user.get("email_verified") is False:
        return None
    if address in _addresses(settings.operators):
        return Role.OPERATOR
    viewers = _addresses(settings.viewers)
    return Role.VIEWER if address in viewers or "*" in viewers else None


def local_role(cookie: str | None, address: str | None, headers: Iterable[str], settings: DashboardSettings) -> Role:
    """Without sign-in who has had the token, and sits at this machine, is an operator; everybody else may look."""
    is_operators = operator_token.is_local(address, headers) and operator_token.is_operators(cookie, settings)
    return Role.OPERATOR if is_operators else Role.VIEWER


def _ask_password() -> None:
    settings = DashboardSettings()
    secrets = (settings.viewer_password, settings.operator_password)
    if not any(len(secret.get_secret_value()) >= LEAST_CHARACTERS for secret in secrets):
        st.error(text.NOTHING_SET.format(least=LEAST_CHARACTERS))
        return
    with st.form("access", width=420):
        st.subheader(text.TITLE)
        st.text_input(text.PASSWORD, type="password", key=_TYPED, autocomplete="current-password")
        st.form_submit_button(text.SIGN_IN, type="primary", on_click=_try_password)
        if reason := st.session_state.pop(_REFUSED, None):
            st.error(reason)


def _try_password() -> None:
    typed, address = st.session_state.pop(_TYPED, ""), st.context.ip_address
    if wait_seconds := throttle.sign_ins.wait_seconds(address):
        log.warning("sign-in throttled", address=address)
        st.session_state[_REFUSED] = text.TOO_MANY.format(throttle.until(wait_seconds))
        return
    role = role_by_password(typed, DashboardSettings())
    if role is None:
        log.warning("sign-in refused", address=address)
        st.session_state[_REFUSED] = text.WRONG
        return
    throttle.sign_ins.forgive(address)
    log.info("signed in", role=str(role), address=address)
    st.session_state[_PERSON] = Person(text.ROLES[role], role)


def _ask_provider() -> None:
    if not _has_provider():
        st.error(text.NO_PROVIDER)
    elif st.user.is_logged_in:
        st.error(for_markdown(text.NOT_INVITED.format(name=st.user.get("email"))))
        st.button(text.SIGN_OUT, on_click=_sign_out)
    else:
        st.subheader(text.TITLE)
        st.button(text.SIGN_IN, type="primary", on_click=st.login)


def _has_provider() -> bool:
    try:
        return "auth" in st.secrets
    except StreamlitSecretNotFoundError:
        return False


def _offer_operator(who: Person) -> None:
    """The way to the page that takes the token, for who may use it."""
    if operator_token.is_local(st.context.ip_address, st.context.headers):
        says = text.IS_OPERATOR if who.role is Role.OPERATOR else text.BECOME
        with st.sidebar:
            st.html(f'<a class="operator" href="operator">{says}</a>')


def _offer_sign_out(who: Person) -> None:
    role = text.ROLES[who.role]
    with st.sidebar:
        st.caption(for_markdown(text.SIGNED_IN.format(who.name if who.name == role else f"{who.name} ({role})")))
        st.button(text.SIGN_OUT, key="access-out", on_click=_sign_out, type="tertiary")


def _sign_out() -> None:
    st.session_state.clear()
    if DashboardSettings().sign_in == "oidc":
        st.logout()


def _addresses(listed: str) -> set[str]:
    return {address.strip().lower() for address in listed.split(",") if address.strip()}


def _is_same(typed: str, known: str) -> bool:
    salt = os.urandom(16)
    hashes = [hashlib.scrypt(word.encode(), salt=salt, **_COST) for word in (typed, known)]
    return hmac.compare_digest(*hashes)
