"""Who looks at the dashboard, and whether they may start things: off by default, by password, or by OpenID Connect."""

from __future__ import annotations

import hashlib
import hmac
import os
import threading
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError

from dashboard.text import access as text
from skytier import logs
from skytier.errors import TerminalError
from skytier.settings import DashboardSettings

LEAST_CHARACTERS = 12
_PERSON, _TYPED, _REFUSED = "person", "access-password", "access-refused"
_LOOPBACK = (None, "127.0.0.1", "::1")  # Streamlit names none for this machine
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-Ip")
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
    """Who looks at the dashboard; None where sign-in is switched on and they have not signed in, or are not invited."""
    settings = DashboardSettings()
    if settings.sign_in == "off":
        here = local_role(st.context.ip_address, st.context.headers)
        return Person(text.NAMES[here], here)
    if settings.sign_in == "password":
        found: Person | None = st.session_state.get(_PERSON)
        return found
    if not _has_provider() or not st.user.is_logged_in:
        return None
    role = role_by_address(st.user.to_dict(), settings)
    return Person(str(st.user.get("email")), role) if role else None


def require(who: Person | None) -> None:
    """Let only people past who are known; call it before anything is shown."""
    kind = DashboardSettings().sign_in
    if who is None:
        st.session_state.pop(_PERSON, None)
        _ask_password() if kind == "password" else _ask_provider()
        st.stop()
    st.session_state[_PERSON] = who
    if kind != "off":
        _offer_sign_out(who)


def person() -> Person:
    """Who looks at this page; a viewer where nobody has signed in."""
    found: Person = st.session_state.get(_PERSON) or Person(text.NAMES[Role.VIEWER], Role.VIEWER)
    return found


def is_operator() -> bool:
    """Whether whoever looks at this page may start things."""
    return person().role is Role.OPERATOR


def require_operator() -> Person:
    """Whoever does something now. Raises TerminalError when it is no operator."""
    if not is_operator():
        raise TerminalError(text.OPERATORS_ONLY)
    return person()


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


def local_role(address: str | None, headers: Mapping[str, str]) -> Role:
    """Without sign-in who sits at this machine is an operator; whoever comes over a network or a proxy may look."""
    forwarded = any(name in headers for name in _FORWARDED)
    return Role.OPERATOR if address in _LOOPBACK and not forwarded else Role.VIEWER


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
        if st.session_state.pop(_REFUSED, False):
            st.error(text.WRONG)


def _try_password() -> None:
    role = role_by_password(st.session_state.pop(_TYPED, ""), DashboardSettings())
    if role is None:
        log.warning("sign-in refused", address=st.context.ip_address)
        st.session_state[_REFUSED] = True
        return
    log.info("signed in", role=str(role), address=st.context.ip_address)
    st.session_state[_PERSON] = Person(text.ROLES[role], role)


def _ask_provider() -> None:
    if not _has_provider():
        st.error(text.NO_PROVIDER)
    elif st.user.is_logged_in:
        st.error(text.NOT_INVITED.format(name=st.user.get("email")))
        st.button(text.SIGN_OUT, on_click=_sign_out)
    else:
        st.subheader(text.TITLE)
        st.button(text.SIGN_IN, type="primary", on_click=st.login)


def _has_provider() -> bool:
    try:
        return "auth" in st.secrets
    except StreamlitSecretNotFoundError:
        return False


def _offer_sign_out(who: Person) -> None:
    role = text.ROLES[who.role]
    with st.sidebar:
        st.caption(text.SIGNED_IN.format(who.name if who.name == role else f"{who.name} ({role})"))
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
