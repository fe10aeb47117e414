"""Kafka's protocol by hand, for what no client sends: requests before a login, and logins at the controller."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from types import TracebackType

from skytier.settings.base import HOST

_SASL_HANDSHAKE, _SASL_AUTHENTICATE, _CREATE_TOPICS = 17, 36, 19
UNSUPPORTED_MECHANISM, FAILED = 33, 58


@dataclass
class Wire:
    """A connection to a port of the broker."""

    port: int

    def __enter__(self) -> Wire:
        self._socket = socket.create_connection((HOST, self.port), timeout=10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._socket.close()

    def create_no_topics(self) -> bytes | None:
        """Ask for an empty list of topics to be made; the answer, None where there is none."""
        return self._ask(_CREATE_TOPICS, 2, _int32(0) + _int32(1000) + b"\0")

    def begin_login(self, mechanism: str) -> int:
        """Name a mechanism; the code of the error, 0 for none."""
        answer = self._ask(_SASL_HANDSHAKE, 1, _text(mechanism))
        return _first_code(answer)

    def log_in(self, user: str, password: str) -> int:
        """Log in by PLAIN, which has begun; the code of the error, 0 for none."""
        token = f"\0{user}\0{password}".encode()
        return _first_code(self._ask(_SASL_AUTHENTICATE, 0, _int32(len(token)) + token))

    def _ask(self, api: int, version: int, body: bytes) -> bytes | None:
        """Send a request; what came back behind the number of the request."""
        message = _int16(api) + _int16(version) + _int32(7) + _text("tests") + body
        try:
            self._socket.sendall(_int32(len(message)) + message)
            size = self._receive(4)
            return self._receive(int.from_bytes(size, "big"))[4:] if size else None
        except ConnectionError:
            return None

    def _receive(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            if not (part := self._socket.recv(size - len(found))):
                return b""
            found += part
        return found


def _first_code(answer: bytes | None) -> int:
    assert answer, "the broker closed the connection"
    return int.from_bytes(answer[:2], "big")


def _int16(number: int) -> bytes:
    return number.to_bytes(2, "big")


def _int32(number: int) -> bytes:
    return number.to_bytes(4, "big")


def _text(text: str) -> bytes:
    return _int16(len(text)) + text.encode()
