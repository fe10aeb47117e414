"""Who visits the dashboard in a test of Streamlit's, which knows no browser: address, headers and cookies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from unittest import mock

from starlette.applications import Starlette
from streamlit.runtime import context

from dashboard import operator_page
from skytier.settings.dashboard import DashboardSettings
from tests.serving import served


@dataclass(frozen=True)
class Visitor:
    """What came with the handshake of a visitor's browser, in the form that Streamlit keeps it in."""

    cookies: Mapping[str, str] = field(default_factory=dict)
    remote_ip: str | None = "127.0.0.1"
    sent: Mapping[str, str] = field(default_factory=dict)

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Names and values."""
        return list(self.sent.items())


@contextmanager
def visited_by(visitor: Visitor) -> Iterator[None]:
    """Within the block this is who looks at the pages."""
    with mock.patch.object(context, "_get_client_context", return_value=visitor):
        yield


def given_for(token: str) -> dict[str, str]:
    """The cookies that the operators' page gives for a token."""
    with served(Starlette(routes=operator_page.routes())) as at:
        answer = at.ask("/operator", form={"token": token})
    jar = SimpleCookie(answer.headers.get("set-cookie", ""))
    return {name: morsel.value for name, morsel in jar.items()}


def operator() -> Visitor:
    """Somebody at this machine who has given the token of the stack."""
    return Visitor(given_for(DashboardSettings().operator_token.get_secret_value()))
