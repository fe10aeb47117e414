"""The client of the OpenSky Network's API. It never waits for a limit: it says when to come back."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NoReturn

import httpx
import stamina

from opensky.areas import Box
from opensky.tokens import Tokens
from skytier import logs
from skytier.errors import TerminalError, TransientError
from skytier.settings.opensky import OpenSkySettings
from skytier.times import timestamp_text

_PATH = "/api/states/all"
_REMAINING, _RETRY_AFTER = "X-Rate-Limit-Remaining", "X-Rate-Limit-Retry-After-Seconds"
_OK, _BAD_REQUEST, _UNAUTHORIZED, _NOT_FOUND, _TOO_MANY, _SERVER_ERRORS = 200, 400, 401, 404, 429, 500
_ATTEMPTS = 3
_CONNECT_SECONDS = 10.0
_UNKNOWN_WAIT_SECONDS = 60.0
"""how long to leave a server alone that says nothing about when to come back"""
_LONGEST_WAIT_SECONDS = 86_400.0

log = logs.logger("opensky")


class NotYetError(TransientError):
    """The server is not to be asked before a time, in seconds since 1970."""

    def __init__(self, not_before: float, text: str) -> None:
        super().__init__(text)
        self.not_before = not_before


class _PassingError(TransientError):
    """What asking again at once may cure."""


@dataclass(frozen=True)
class Answer:
    """What the API answered, as it came."""

    content: bytes
    received: float
    """in seconds since 1970"""
    credits_remaining: int | None


class Client:
    """A client of the API. ``clock`` says seconds since 1970, ``steady`` seconds that only grow."""

    def __init__(
        self,
        settings: OpenSkySettings,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
        *,
        is_on_this_machine: bool = False,
    ) -> None:
        self._settings, self._clock, self._steady = settings, clock, steady
        seconds = settings.timeout_seconds
        # A server of this machine is never behind a proxy that the environment names.
        self._http = httpx.Client(
            timeout=httpx.Timeout(seconds, connect=min(seconds, _CONNECT_SECONDS)),
            headers={"User-Agent": "skytier"},
            trust_env=not is_on_this_machine,
        )
        self._tokens = Tokens(self._http, settings, steady) if settings.has_client else None
        self.not_before = 0.0
        """when the server may be asked again, in seconds since 1970; known from its refusal"""

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def states(self, area: Box | None) -> Answer:
        """The states in an area, or everywhere.

        Tries three times where the server fails or does not answer, as far as the time-out of one request reaches.
        Raises NotYetError where it was or is told to come back later, TerminalError where it refuses the client or the
        request, TransientError otherwise.
        """
        if self._clock() < self.not_before:
            raise NotYetError(self.not_before, f"{self._settings.url} is not to be asked {_before(self.not_before)}.")
        limit = self._settings.timeout_seconds
        for attempt in stamina.retry_context(
            on=_PassingError, attempts=_ATTEMPTS, timeout=limit, wait_initial=0.2, wait_max=2.0
        ):
            with attempt:
                return self._try(area)
        raise AssertionError("stamina gives up by raising")

    def _try(self, area: Box | None) -> Answer:
        parameters = {"extended": "1"} | (area.parameters() if area else {})
        try:
            answer, content = self._get(parameters)
            if answer.status_code == _UNAUTHORIZED and self._tokens is not None:
                log.warning("token refused")
                self._tokens.forget()
                answer, content = self._get(parameters)
        except httpx.TimeoutException as error:
            raise _PassingError(
                f"{_asked(error)} does not answer within {self._settings.timeout_seconds:g} s "
                "(SKYTIER_OPENSKY_TIMEOUT_SECONDS)."
            ) from error
        except httpx.RequestError as error:
            raise _PassingError(f"{_asked(error)} cannot be reached ({type(error).__name__}: {error}).") from error
        except (httpx.InvalidURL, httpx.StreamError) as error:
            raise TerminalError(f"SKYTIER_OPENSKY_URL={self._settings.url} cannot be asked: {error}.") from error
        if answer.status_code != _OK:
            self._refuse(answer)
        return Answer(content, self._clock(), _whole(answer.headers.get(_REMAINING)))

    def _get(self, parameters: dict[str, str]) -> tuple[httpx.Response, bytes]:
        """An answer and its content. A server that sends a little at a time has no more than twice the time-out."""
        headers = self._tokens.headers() if self._tokens else {}
        latest = self._steady() + 2 * self._settings.timeout_seconds
        url = f"{self._settings.url}{_PATH}"
        with self._http.stream("GET", url, params=parameters, headers=headers) as answer:
            parts = []
            for part in answer.iter_bytes():
                parts.append(part)
                if self._steady() > latest:
                    raise httpx.ReadTimeout("the answer does not end", request=answer.request)
        return answer, b"".join(parts)

    def _refuse(self, answer: httpx.Response) -> NoReturn:
        status, url = answer.status_code, self._settings.url
        if status == _TOO_MANY:
            wait = _seconds(answer.headers.get(_RETRY_AFTER) or answer.headers.get("Retry-After"))
            self.not_before = self._clock() + min(max(wait, 1.0), _LONGEST_WAIT_SECONDS)
            raise NotYetError(self.not_before, f"{url}: the credits are used up, none {_before(self.not_before)}.")
        if status >= _SERVER_ERRORS:
            raise _PassingError(f"{url} fails (status {status}).")
        if status in (_BAD_REQUEST, _NOT_FOUND):
            raise TerminalError(
                f"{url} refuses the request (status {status}): check SKYTIER_OPENSKY_URL and SKYTIER_OPENSKY_BOX."
            )
        advice = "the token" if status == _UNAUTHORIZED else "this client or this address"
        raise TransientError(f"{url} refuses {advice} (status {status}).")


def _asked(error: httpx.RequestError) -> str:
    """Who gave no answer: the API or the server of tokens."""
    return str(error.request.url.copy_with(query=None))


def _before(moment: float) -> str:
    return f"before {timestamp_text(datetime.fromtimestamp(moment, UTC))}"


def _whole(text: str | None) -> int | None:
    try:
        return None if text is None else int(text)
    except ValueError:
        return None


def _seconds(text: str | None) -> float:
    """A wait in seconds; what is no number says nothing about when to come back."""
    try:
        seconds = float(text or "")
    except ValueError:
        return _UNKNOWN_WAIT_SECONDS
    return seconds if math.isfinite(seconds) else _UNKNOWN_WAIT_SECONDS
