"""Requests to the HTTP servers of HDFS, which ask for the stack's secret in a header."""

from __future__ import annotations

from typing import Any

import requests
from hdfs import InsecureClient

from skytier.settings.hdfs import HdfsSettings

HEADER = "X-Skytier-Secret"


def headers(settings: HdfsSettings | None = None) -> dict[str, str]:
    """What every request carries; nothing where there is no secret, as with an HDFS that asks for none."""
    secret = (settings or HdfsSettings()).secret.get_secret_value()
    return {HEADER: secret} if secret else {}


def client(settings: HdfsSettings, timeout: tuple[float, float] | None = None) -> InsecureClient:
    """A client of WebHDFS; ``timeout`` in seconds, to connect and to answer."""
    session = requests.Session()
    session.headers.update(headers(settings))
    return InsecureClient(settings.web_url, user=settings.user, session=session, timeout=timeout)


def ask(url: str, timeout: float | tuple[float, float], **parameters: str) -> Any:
    """The JSON that a server answers. Raises requests.RequestException as ``requests`` does."""
    answer = requests.get(url, params=parameters, headers=headers(), timeout=timeout)
    answer.raise_for_status()
    return answer.json()
