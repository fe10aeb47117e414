"""What another user of the machine gets: ``python -m tests.intruder``, told in JSON whom to be and what to try.

Clients are imported and tried first, and the account is taken after: its user may not be able to enter the folders of
the project and of Python. Each server is asked without credentials and with wrong ones. What it says is "in", or why it
let nobody in; an error of any other kind ends this process.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import requests
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from pyhive import exc, hive
from pymongo import MongoClient
from pymongo.errors import OperationFailure
from redis import Redis
from redis.exceptions import AuthenticationError, ResponseError
from thrift.transport.TTransport import TTransportException

HOST = "127.0.0.1"
IN = "in"
WRONG = "a-wrong-password"
_REFUSED_STATUS = (401, 403)
_SECONDS = 10


def mongodb(port: int, password: str) -> None:
    login = f"skytier:{password}@" if password else ""
    with MongoClient[dict[str, Any]](f"mongodb://{login}{HOST}:{port}/?directConnection=true") as client:
        client.list_database_names()


def postgres(port: int, password: str) -> None:
    for database in ("airflow", "metastore"):
        psycopg.connect(host=HOST, port=port, user="skytier", password=password, dbname=database).close()


def redis(port: int, password: str) -> None:
    with Redis(HOST, port, password=password or None) as client:
        client.ping()


def sql(port: int, password: str) -> None:
    login = {"auth": "CUSTOM", "password": password} if password else {}
    with hive.connect(HOST, port, username="skytier", **login) as connection, connection.cursor() as cursor:
        cursor.execute("select 1")


def hdfs(port: int, password: str) -> None:
    headers = {"X-Skytier-Secret": password} if password else {}
    for path in ("webhdfs/v1/?op=LISTSTATUS&user.name=skytier", "jmx", "conf"):
        _ask("GET", f"http://{HOST}:{port}/{path}", headers=headers)


def airflow(port: int, password: str) -> None:
    url = f"http://{HOST}:{port}"
    if not password:
        _ask("GET", f"{url}/api/v2/dags")
    _ask("POST", f"{url}/auth/token", json={"username": "admin", "password": password or "admin"})


def dashboard(port: int, password: str) -> None:
    answer = _ask("POST", f"http://{HOST}:{port}/operator", data={"token": password}, allow_redirects=False)
    raise AssertionError(f"{answer.status_code} {answer.headers}")


def kafka(port: int, password: str) -> None:
    _ask_kafka(port, password, endpoint_type=1)


def kafka_controller(port: int, password: str) -> None:
    _ask_kafka(port, password, endpoint_type=2)


def _ask_kafka(port: int, password: str, endpoint_type: int) -> None:
    """Log in with a password; without one ask for the cluster, byte by byte, for librdkafka speaks to no controllers.

    Raises PermissionError where the connection is closed instead of an answer.
    """
    if password:
        settings: dict[str, str | int | float | bool] = {
            "bootstrap.servers": f"{HOST}:{port}",
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": "skytier",
            "sasl.password": password,
            "log_level": 0,
        }
        AdminClient(settings).list_topics(timeout=3)
        return
    describe_cluster, version, no_client, no_tags = 60, 1, -1, 0
    header = struct.pack(">hhihb", describe_cluster, version, 1, no_client, no_tags)
    request = header + struct.pack(">?bb", False, endpoint_type, no_tags)
    with socket.create_connection((HOST, port), _SECONDS) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        try:
            answered = connection.recv(4)
        except ConnectionResetError:
            answered = b""
    if not answered:
        raise PermissionError(f"{port} closes the connection")


ATTACKS: dict[int, Callable[[int, str], None]] = {
    8501: dashboard,
    8080: airflow,
    10000: sql,
    27017: mongodb,
    5432: postgres,
    6379: redis,
    9870: hdfs,
    9864: hdfs,
    9092: kafka,
    9093: kafka_controller,
}
"""By a server's port without offset."""
REFUSALS = (
    OperationFailure,
    psycopg.OperationalError,
    AuthenticationError,
    ResponseError,
    TTransportException,
    exc.Error,
    PermissionError,
    KafkaException,
)


def _ask(method: str, url: str, **more: Any) -> requests.Response:
    """What a server answers. Raises PermissionError where it refuses."""
    answer = requests.request(method, url, timeout=_SECONDS, **more)
    if answer.status_code in _REFUSED_STATUS:
        raise PermissionError(f"{url} answers {answer.status_code}")
    answer.raise_for_status()
    return answer


def attempt(port: int, offset: int, password: str) -> str:
    """What comes of asking a server."""
    try:
        ATTACKS[port](port + offset, password)
    except REFUSALS as error:
        return f"{type(error).__name__}: {error}"
    return IN


def opened(path: str) -> bool:
    """Whether a file can be read or a folder be listed; one that is gone cannot."""
    try:
        if Path(path).is_dir():
            next(Path(path).iterdir(), None)
        else:
            with Path(path).open("rb") as file:
                file.read(1)
    except (PermissionError, FileNotFoundError, ProcessLookupError):
        return False
    return True


def signalled(pid: int) -> bool:
    """Whether a process may be sent signals."""
    try:
        os.kill(pid, 0)
    except (PermissionError, ProcessLookupError):
        return False
    return True


def become(uid: int, gid: int) -> None:
    """Be another user from here on, where this is root's process."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    assert os.getresuid() == (uid, uid, uid)


def main() -> None:
    """Try all that is asked for."""
    asked = json.load(sys.stdin)
    ask_all(asked)  # clients import some modules while they ask
    become(asked["uid"], asked["gid"])
    json.dump(
        {
            "servers": ask_all(asked),
            "opened": [path for path in asked["paths"] if opened(path)],
            "signalled": [pid for pid in asked["pids"] if signalled(pid)],
        },
        sys.stdout,
    )


def ask_all(asked: dict[str, Any]) -> dict[int, dict[str, str]]:
    """What each server says, by its port without offset, to who has no credentials and to who has wrong ones."""
    credentials = {"none": "", "wrong": WRONG}
    return {
        port: {name: attempt(port, asked["offset"], password) for name, password in credentials.items()}
        for port in asked["ports"]
    }


if __name__ == "__main__":
    main()
