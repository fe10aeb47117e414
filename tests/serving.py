"""An application on a port of its own, and who asks it, down to the headers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from urllib.parse import urlencode

import uvicorn
from starlette.types import ASGIApp


@dataclass(frozen=True)
class Answer:
    """What a server said."""

    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True)
class Served:
    """Where an application answers."""

    port: int

    def ask(self, path: str, form: Mapping[str, str] | None = None, **headers: str) -> Answer:
        """Ask for a page, or send it a form; ``X_Real_Ip`` stands for the header ``X-Real-Ip``."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if form is not None:
            named["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.putrequest("GET" if form is None else "POST", path, skip_host="Host" in named)
            body = urlencode(form or {}).encode()
            for name, value in (named | {"Content-Length": str(len(body))}).items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            # Names in small letters, as HTTP takes them for the same.
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read().decode())
        finally:
            connection.close()


@contextmanager
def served(app: ASGIApp) -> Iterator[Served]:
    """Serve an application from this process while the block runs."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()  # who asks before the server is ready waits
        config = uvicorn.Config(app, log_level="error", lifespan="off", proxy_headers=False, ws="websockets-sansio")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield Served(listening.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()
