"""One server of a test module's own, without the others: what it holds, and what it refuses, disturbs nobody else."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pymongo import MongoClient
from pymongo.errors import PyMongoError
from redis import Redis, RedisError

from local_stack import mongodb, redis
from skytier.settings.base import HOST

_START_SECONDS = 60.0


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """A Redis on a free port that keeps its files in a folder; its address, with its password."""
    port = _free_port()
    options = {"bind": HOST, "port": str(port), "dir": str(folder), "requirepass": "of-tests", "save": ""}
    url = f"redis://:of-tests@{HOST}:{port}"

    def ask() -> None:
        with Redis.from_url(url) as client:
            client.ping()

    with _running([redis.binary(), *_words(options)], ask):
        yield url


@contextmanager
def mongodb_server(folder: Path) -> Iterator[str]:
    """A MongoDB on a free port that keeps its files in a folder, open to all of this machine; its address."""
    port = _free_port()
    options = {"bind_ip": HOST, "port": str(port), "dbpath": str(folder), "wiredTigerCacheSizeGB": "0.25"}
    url = f"mongodb://{HOST}:{port}/?directConnection=true"

    def ask() -> None:
        with MongoClient[dict[str, object]](url, serverSelectionTimeoutMS=500) as client:
            client.admin.command("ping")

    with _running([mongodb.binary(), *_words(options), "--nounixsocket"], ask):
        yield url


def _free_port() -> int:
    with socket.socket() as free:
        free.bind((HOST, 0))
        return int(free.getsockname()[1])


def _words(options: dict[str, str]) -> list[str]:
    return [word for name, value in options.items() for word in (f"--{name}", value)]


@contextmanager
def _running(command: list[str], ask: Callable[[], None]) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ)
    try:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                ask()
                break
            except (RedisError, PyMongoError):
                assert process.poll() is None, f"{command[0]} ended while it started"
                assert time.monotonic() < deadline, f"{command[0]} does not start"
                time.sleep(0.02)
        yield
    finally:
        process.kill()
        process.wait()
