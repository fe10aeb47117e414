"""The API of the OpenSky Network as the sample's server speaks it, and what can go wrong on the way to it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from opensky.areas import Box
from opensky.client import Client
from opensky.sample.server import STATES_PATH, TOKEN_PATH, Api, served, settings_of
from skytier.settings.opensky import OpenSkySettings
from tests.state_rows import Row, made

Fault = Callable[[Request], Awaitable[Response | None]]
ENOUGH = 1_000_000


def answers(status: int, content: bytes = b"", **headers: str) -> Fault:
    """Answer so instead; ``X_Rate`` stands for the header ``X-Rate``."""

    async def fault(_: Request) -> Response:
        return Response(content, status, {name.replace("_", "-"): value for name, value in headers.items()})

    return fault


def silence(seconds: float) -> Fault:
    """Answer nothing for so long."""

    async def fault(_: Request) -> Response:
        await asyncio.sleep(seconds)
        return Response(status_code=500)

    return fault


def cut_off(_: Request) -> Awaitable[Response]:
    """Promise more than is sent."""

    async def fault() -> Response:
        return Response(b'{"time": 1, "states": [["3c6', headers={"Content-Length": "5000"})

    return fault()


class Trickle(Response):
    """An answer that comes a little at a time and never ends."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(30):
            await send({"type": "http.response.body", "body": b" ", "more_body": True})
            await asyncio.sleep(0.05)


async def trickles(_: Request) -> Response:
    """An answer that never ends."""
    return Trickle()


@dataclass
class Faults:
    """What requests for states get instead of an answer, in their order, before the API answers again."""

    app: ASGIApp
    due: deque[Fault] = field(default_factory=deque)
    due_for_tokens: deque[Fault] = field(default_factory=deque)
    seen: list[dict[str, str]] = field(default_factory=list)
    """the parameters of each request for states"""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        due = self.due_for_tokens if request.url.path == TOKEN_PATH else self.due
        if request.url.path == STATES_PATH:
            self.seen.append(dict(request.query_params))
        response = await due.popleft()(request) if due else None
        await (response or self.app)(scope, receive, send)


@dataclass
class Recorded:
    """A replay that has the same rows at each moment."""

    rows: list[Row] = field(default_factory=lambda: [made()])

    def states(self, _moment: int, _area: Box | None, *, has_category: bool) -> list[list[Any]]:
        return [row if has_category else row[:17] for row in self.rows]


class Clock:
    """A clock that a test can set ahead."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self.ahead = clock, 0.0

    def __call__(self) -> float:
        return self._clock() + self.ahead


@dataclass
class World:
    """A server, and a client of it; both have the same clocks."""

    api: Api
    faults: Faults
    client: Client
    settings: OpenSkySettings
    clock: Clock
    steady: Clock
    replay: Recorded

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass for both."""
        self.clock.ahead += seconds
        self.steady.ahead += seconds


@contextmanager
def world(
    *, credits_a_day: int = ENOUGH, token_seconds: int = 1_800, is_client: bool = True, **settings: Any
) -> Iterator[World]:
    """A server and a client of it while the block runs."""
    clock, steady, replay = Clock(time.time), Clock(time.monotonic), Recorded()
    api = Api(replay, credits_a_day=credits_a_day, token_seconds=token_seconds, clock=clock)
    faults = Faults(api.app())
    with served(faults) as url:
        found = settings_of(api, url, OpenSkySettings(**settings), credits_a_day)
        if not is_client:
            found = found.model_copy(update={"client_id": "", "client_secret": OpenSkySettings().client_secret})
        client = Client(found, clock, steady, is_on_this_machine=True)
        try:
            yield World(api, faults, client, found, clock, steady, replay)
        finally:
            client.close()
