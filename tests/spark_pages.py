"""Spark's own pages of a job while it runs, and its event log: both are off, and a user may switch them on."""

from __future__ import annotations

import shlex
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import requests

from skytier.settings.base import HOST
from tests.own_stack import OwnStack
from tests.secret_values import all_of, shown_in

_PORT = 4040
_EVERY_SECONDS = 1.0
_PAGES = ("jobs/", "stages/", "storage/", "environment/", "executors/", "SQL/", "StreamingQuery/")
_TOLD = ("environment", "executors", "jobs", "stages?details=true", "sql?details=true&planDescription=true&length=1000")


@dataclass
class SparkPages:
    """What was told of a job: the last that each page said, and all events."""

    pages: dict[str, str] = field(default_factory=dict)
    event_log: str = ""
    secrets: dict[str, set[str]] = field(default_factory=dict)
    """the secrets that there were while it ran, those between its own processes too"""

    def shown(self) -> dict[str, list[str]]:
        """The names of the secrets that each page, or the log, shows."""
        texts = self.pages | {"event log": self.event_log}
        return {name: found for name, text in texts.items() if (found := shown_in(text, self.secrets))}


@contextmanager
def spark_pages(stack: OwnStack) -> Iterator[tuple[dict[str, str], SparkPages]]:
    """Settings by which one job of the stack shows its pages and logs events, and what was read of it meanwhile."""
    port, told, over = _PORT + stack.port_offset, SparkPages(), threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        properties = {
            "spark.ui.enabled": "true",
            "spark.ui.port": str(port),
            "spark.eventLog.enabled": "true",
            "spark.eventLog.compress": "false",
            "spark.eventLog.dir": Path(folder).as_uri(),
        }
        options = [part for name, value in properties.items() for part in ("--conf", f"{name}={value}")]
        submit = shlex.join([str(Path(sys.executable).parent / "spark-submit"), *options])
        reading = threading.Thread(target=_read, args=(stack, f"http://{HOST}:{port}", told, over), daemon=True)
        reading.start()
        try:
            yield {"SKYTIER_SPARK_SUBMIT": submit}, told
        finally:
            over.set()
            reading.join()
        logs = (path for path in Path(folder).rglob("*") if path.is_file() and not path.name.endswith(".crc"))
        told.event_log = "".join(path.read_text() for path in logs)


def _read(stack: OwnStack, address: str, told: SparkPages, over: threading.Event) -> None:
    """Read all pages again and again; before and after the job nothing answers."""
    with requests.Session() as session:
        while not over.wait(_EVERY_SECONDS):
            with suppress(requests.RequestException, LookupError, ValueError):
                _read_once(session, address, told.pages)
                for name, forms in all_of(stack).items():
                    told.secrets.setdefault(name, set()).update(forms)


def _read_once(session: requests.Session, address: str, pages: dict[str, str]) -> None:
    applications = f"{address}/api/v1/applications"
    own = f"{applications}/{session.get(applications, timeout=10).json()[0]['id']}"
    urls = {f"/{page}": f"{address}/{page}" for page in _PAGES} | {f"/api/{what}": f"{own}/{what}" for what in _TOLD}
    for query in session.get(f"{own}/sql?details=false&length=1000", timeout=10).json():
        page = f"/SQL/execution/?id={query['id']}"
        if query["status"] == "RUNNING" or page not in pages:
            urls[page] = f"{address}{page}"
    for page, url in urls.items():
        answer = session.get(url, timeout=10)
        if answer.ok:
            pages[page] = answer.text
