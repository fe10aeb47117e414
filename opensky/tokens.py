"""Tokens of an API client (OAuth 2.0, client credentials): refreshed before they expire."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from skytier import logs
from skytier.errors import TerminalError, TransientError
from skytier.settings.opensky import OpenSkySettings

_EARLY_SECONDS = 60.0
"""how long before its end a token is replaced"""
_OK = 200
_REFUSALS = {400, 401, 403}

log = logs.logger("opensky")


class Tokens:
    """The token of a client; ``clock`` says seconds that only grow."""

    def __init__(self, http: httpx.Client, settings: OpenSkySettings, clock: Callable[[], float]) -> None:
        self._http, self._settings, self._clock = http, settings, clock
        self._token = ""
        self._good_until = 0.0

    def headers(self) -> dict[str, str]:
        """What a request carries; asks for a token where there is none or its end is near.

        Raises TerminalError where the client is refused, TransientError and httpx.TransportError where there is no
        answer.
        """
        if not self._token or self._clock() >= self._good_until:
            self._refresh()
        return {"Authorization": f"Bearer {self._token}"}

    def forget(self) -> None:
        """Take the token for expired, which a server said."""
        self._token = ""

    def _refresh(self) -> None:
        asked = self._clock()
        form = {
            "grant_type": "client_credentials",
            "client_id": self._settings.client_id,
            "client_secret": self._settings.client_secret.get_secret_value(),
        }
        answer = self._http.post(self._settings.token_url, data=form)
        if answer.status_code in _REFUSALS:
            raise TerminalError(
                f"{self._settings.token_url} refuses the API client {self._settings.client_id} (status "
                f"{answer.status_code}): check SKYTIER_OPENSKY_CLIENT_ID and SKYTIER_OPENSKY_CLIENT_SECRET."
            )
        if answer.status_code != _OK:
            raise TransientError(f"{self._settings.token_url} gives no token (status {answer.status_code}).")
        try:
            found = answer.json()
            token, lifetime = str(found["access_token"]), float(found["expires_in"])
        except (ValueError, KeyError, TypeError):
            # Not the answer itself, nor what the parser says of it: both may hold a token.
            raise TransientError(f"{self._settings.token_url} answered with something that is no token.") from None
        self._token, self._good_until = token, asked + lifetime - _EARLY_SECONDS
        log.info("token", lifetime_seconds=lifetime)
