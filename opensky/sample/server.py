"""A server that speaks the API of the OpenSky Network: its paths, tokens, headers and limits."""

from __future__ import annotations

import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol
from urllib.parse import parse_qs

import orjson
import uvicorn
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from opensky.areas import Box, credits_of
from skytier.settings.base import HOST
from skytier.settings.opensky import OpenSkySettings

TOKEN_PATH = "/auth/realms/opensky-network/protocol/openid-connect/token"  # noqa: S105 - a path
STATES_PATH = "/api/states/all"
TOKEN_SECONDS = 1_800
_EDGES = ("lamin", "lomin", "lamax", "lomax")
_RESOLUTION_SECONDS, _ANONYMOUS_RESOLUTION_SECONDS = 5, 10
_ANONYMOUS_CREDITS = 400
_DAY_SECONDS = 86_400.0
CLIENT_ID = "sample"


class Replays(Protocol):
    """What has the states of each moment."""

    def states(self, moment: int, area: Box | None, *, has_category: bool) -> list[list[Any]]:
        """The rows of an answer."""


class Api:
    """The API over a replay, for one client with ``credits_a_day``; others are anonymous.

    ``clock`` says seconds since 1970.
    """

    def __init__(
        self,
        replay: Replays,
        *,
        credits_a_day: int,
        token_seconds: int = TOKEN_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._replay, self._clock, self._token_seconds = replay, clock, token_seconds
        self.client_secret = secrets.token_urlsafe(16)
        self.tokens_issued = 0
        self._tokens: dict[str, float] = {}
        self._credits = {True: credits_a_day, False: _ANONYMOUS_CREDITS}
        self._spent = {True: 0, False: 0}
        self._day_ends = 0.0

    def app(self) -> Starlette:
        """The application."""
        routes = [Route(TOKEN_PATH, self._token, methods=["POST"]), Route(STATES_PATH, self._states)]
        return Starlette(routes=routes)

    def revoke_tokens(self) -> None:
        """Take every token for expired."""
        self._tokens.clear()

    async def _token(self, request: Request) -> Response:
        form = parse_qs((await request.body()).decode())
        given = [form.get(name, [""])[0] for name in ("grant_type", "client_id", "client_secret")]
        if given != ["client_credentials", CLIENT_ID, self.client_secret]:
            return JSONResponse({"error": "unauthorized_client"}, 401)
        token = secrets.token_urlsafe(16)
        self.tokens_issued += 1
        self._tokens[token] = self._clock() + self._token_seconds
        answer = {"access_token": token, "expires_in": self._token_seconds, "token_type": "Bearer"}
        return JSONResponse(answer)

    async def _states(self, request: Request) -> Response:
        authorization = request.headers.get("Authorization")
        is_client = authorization is not None
        if is_client and self._tokens.get(str(authorization).removeprefix("Bearer "), 0.0) <= self._clock():
            return Response(status_code=401)
        try:
            area = _area(request)
        except ValueError:
            return Response(status_code=400)
        return self._limited(is_client, credits_of(area)) or self._answer(request, area, is_client=is_client)

    def _limited(self, is_client: bool, cost: int) -> Response | None:
        """The refusal where the credits of the day are used up; else they are taken."""
        now = self._clock()
        if now >= self._day_ends:
            self._day_ends, self._spent = now + _DAY_SECONDS, {True: 0, False: 0}
        if self._spent[is_client] + cost > self._credits[is_client]:
            wait = str(int(self._day_ends - now) + 1)
            return Response(status_code=429, headers={"X-Rate-Limit-Retry-After-Seconds": wait})
        self._spent[is_client] += cost
        return None

    def _answer(self, request: Request, area: Box | None, *, is_client: bool) -> Response:
        now = int(self._clock())
        moment = now - now % (_RESOLUTION_SECONDS if is_client else _ANONYMOUS_RESOLUTION_SECONDS)
        rows = self._replay.states(moment, area, has_category=request.query_params.get("extended") == "1")
        if wanted := set(request.query_params.getlist("icao24")):
            rows = [row for row in rows if row[0] in wanted]
        content = orjson.dumps({"time": moment, "states": rows or None})
        remaining = str(self._credits[is_client] - self._spent[is_client])
        return Response(content, media_type="application/json", headers={"X-Rate-Limit-Remaining": remaining})


def _area(request: Request) -> Box | None:
    """The area of a request. Raises ValueError where it is none."""
    given = [request.query_params.get(edge) for edge in _EDGES]
    if given == [None] * len(_EDGES):
        return None
    south, west, north, east = (float(edge or "nan") for edge in given)
    if not (south < north and west < east):
        raise ValueError("no area")
    return Box(south, west, north, east)


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """Serve an application on this machine, on a free port, while the block runs; yields its address."""
    with socket.socket() as listening:
        listening.bind((HOST, 0))
        listening.listen()  # who asks before the server is ready waits
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            yield f"http://{HOST}:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def settings_of(api: Api, url: str, settings: OpenSkySettings, credits_a_day: int) -> OpenSkySettings:
    """The settings with which a client polls this server."""
    return settings.model_copy(
        update={
            "url": url,
            "token_url": f"{url}{TOKEN_PATH}",
            "client_id": CLIENT_ID,
            "client_secret": SecretStr(api.client_secret),
            "daily_credits": credits_a_day,
        }
    )
