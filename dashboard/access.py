"""Authentication and roles: by operator token, password or OpenID Connect."""

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

from dashboard import access_text as text
from dashboard import operator_token, throttle
from dashboard.plain_text import for_markdown
from skytier import logs
from skytier.errors import TerminalError
from skytier.settings.dashboard import DashboardSettings

LEAST_CHARACTERS = 12
_USER, _TYPED, _REFUSED = "user", "access-password", "access-refused"
# Parameters of RFC 7914 and OWASP's password storage sheet: 16 MB and about 50 ms for a password.
_COST = {"n": 2**14, "r": 8, "p": 1}
_one_at_a_time = threading.Lock()  # many attempts wait for each other, and memory stays bounded

log = logs.logger("access")


class Role(StrEnum):
    """What a user may do."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    """can also acknowledge alerts and start runs"""


class User(NamedTuple):
    """A user of the dashboard."""

    name: str
    role: Role


def signed_in(settings: DashboardSettings) -> User | None:
    """The user of this session; None where sign-in is on and they have not signed in, or have no role.

    Evaluated at each call, from the request's cookie and headers, the provider's claims, or the password of before.
    """
    if settings.sign_in == "off":
        cookie = st.context.cookies.get(operator_token.cookie_name())
        role = local_role(cookie, st.context.ip_address, st.context.headers, settings)
        return User(text.NAMES[role], role)
    if settings.sign_in == "password":
        found: User | None = st.session_state.get(_USER)
        return found
    if not _has_provider() or not st.user.is_logged_in:
        return None
    found_role = role_by_address(st.user.to_dict(), settings)
    return User(str(st.user.get("email")), found_role) if found_role else None


def require(user: User | None, settings: DashboardSettings) -> None:
    """Stop the run of the page unless there is a user; call it before anything is shown."""
    if user is None:
        st.session_state.pop(_USER, None)
        _ask_password(settings) if settings.sign_in == "password" else _ask_provider()
        st.stop()
    _offer_operator(user) if settings.sign_in == "off" else _offer_sign_out(user)


def current_user() -> User:
    """The user of this session now; a viewer where nobody has signed in."""
    return signed_in(DashboardSettings()) or User(text.NAMES[Role.VIEWER], Role.VIEWER)


def is_operator() -> bool:
    """Whether the user is an operator."""
    return current_user().role is Role.OPERATOR


def require_operator() -> User:
    """The user, for an action of operators. Raises TerminalError for every other user."""
    user = current_user()
    if user.role is not Role.OPERATOR:
        raise TerminalError(text.OPERATORS_ONLY)
    return user


def role_by_password(typed: str, settings: DashboardSettings) -> Role | None:
    """The role with this password. All passwords are compared, by hash and in constant time."""
    passwords = {Role.VIEWER: settings.viewer_password, Role.OPERATOR: settings.operator_password}
    known = {role: secret.get_secret_value() for role, secret in passwords.items()}
    with _one_at_a_time:
        same = [role for role, password in known.items() if _is_same(typed, password)]
    return next((role for role in reversed(same) if len(known[role]) >= LEAST_CHARACTERS), None)


def role_by_address(user: Mapping[str, Any], settings: DashboardSettings) -> Role | None:
    """The role of a user of the provider, by the address that it has verified."""
    address = str(user.get("email") or "").lower()
    if not address or user.get("email_verified") is False:
        return None
    if address in _addresses(settings.operators):
        return Role.OPERATOR
    viewers = _addresses(settings.viewers)
    return Role.VIEWER if address in viewers or "*" in viewers else None


def local_role(cookie: str | None, address: str | None, headers: Iterable[str], settings: DashboardSettings) -> Role:
    """The role without sign-in: operator for a local browser with the token's cookie, viewer for everybody else."""
    is_operators = operator_token.is_local(address, headers, settings) and operator_token.is_operators(cookie, settings)
    return Role.OPERATOR if is_operators else Role.VIEWER


def _ask_password(settings: DashboardSettings) -> None:
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
    st.session_state[_USER] = User(text.ROLES[role], role)


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


def _offer_operator(user: User) -> None:
    """Show the link to the page that takes the token, where it can be used."""
    if operator_token.is_local(st.context.ip_address, st.context.headers, DashboardSettings()):
        says = text.IS_OPERATOR if user.role is Role.OPERATOR else text.BECOME
        with st.sidebar:
            st.html(f'<a class="operator" href="operator">{says}</a>')


def _offer_sign_out(user: User) -> None:
    role = text.ROLES[user.role]
    with st.sidebar:
        st.caption(for_markdown(text.SIGNED_IN.format(user.name if user.name == role else f"{user.name} ({role})")))
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
