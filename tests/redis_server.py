"""A Redis server of a test module's own: what it holds, and what it refuses, disturbs nobody else."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis, RedisError

from local_stack.redis import binary
from skytier.settings import HOST

_START_SECONDS = 20.0


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """A server on a free port that keeps its files in a folder; its address, with its password."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    options = {"bind": HOST, "port": str(port), "dir": str(folder), "requirepass": "of-tests", "save": ""}
    arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
    process = subprocess.Popen([binary(), *arguments], stdout=subprocess.DEVNULL, env=os.environ)
    url = f"redis://:of-tests@{HOST}:{port}"
    try:
        _wait(url)
        yield url
    finally:
        process.kill()
        process.wait()


def _wait(url: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            with Redis.from_url(url) as client:
                client.ping()
            return
        except RedisError:
            assert time.monotonic() < deadline, "the Redis of the tests does not start"
            time.sleep(0.02)
