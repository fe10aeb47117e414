"""As much of Kubernetes' API, over HTTP, as a task needs that runs a SparkApplication; it notes what it was asked.

Its Spark operator makes the driver at once, which writes one line and ends as it is told to.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

VERBS = {"POST": "create", "DELETE": "delete", "PATCH": "patch"}
PATH = re.compile(r"/(?:api|apis/(?P<group>[^/]+))/v\w+/namespaces/(?P<namespace>[^/]+)/(?P<kind>\w+)(?P<rest>/.*)?")


class Api(BaseHTTPRequestHandler):
    """The state of one namespace."""

    asked: set[tuple[str, str, str, str]]
    """namespace, API group, resource, verb"""
    applications: dict[str, dict[str, Any]]
    deleted: list[str]
    ends_as = "Succeeded"

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def do_DELETE(self) -> None:
        self._handle()

    def do_PATCH(self) -> None:
        self._handle()

    def _handle(self) -> None:
        url = urlsplit(self.path)
        found = PATH.fullmatch(url.path)
        if found is None:
            self._answer(404, {"kind": "Status", "code": 404})
            return
        _, name, part = [*(found["rest"] or "").split("/"), "", "", ""][:3]
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        verb = VERBS.get(self.command) or ("watch" if query.get("watch") else "get" if name else "list")
        kind = f"{found['kind']}/{part}" if part else found["kind"]
        self.asked.add((found["namespace"], found["group"] or "", kind, verb))
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        self._of(kind, verb, name, body, query)

    def _of(self, kind: str, verb: str, name: str, body: dict[str, Any], query: dict[str, str]) -> None:
        if (kind, verb) == ("sparkapplications", "create"):
            self.applications[body["metadata"]["name"]] = body
            self._answer(201, body)
        elif (kind, verb) == ("sparkapplications", "delete"):
            self.applications.pop(name)
            self.deleted.append(name)
            self._answer(200, {})
        elif (kind, verb) == ("sparkapplications/status", "get"):
            self._answer(200, self.applications[name] | {"status": {"applicationState": {"state": "RUNNING"}}})
        elif (kind, verb) == ("pods", "list"):
            items = [self._driver(one) for one in self.applications if self._has(one, query.get("labelSelector", ""))]
            self._answer(200, {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items})
        elif (kind, verb) == ("pods", "get"):
            self._answer(200, self._driver(name.removesuffix("-driver")))
        elif (kind, verb) == ("pods/log", "get"):
            self._answer(200, b"2026-11-29T12:00:00.000000000Z done\n")
        elif kind == "events":
            self._answer(200, {"kind": "EventList", "apiVersion": "v1", "metadata": {}, "items": []})
        else:
            self._answer(405, {"kind": "Status", "code": 405})

    def _labels(self, application: str) -> dict[str, str]:
        return {"spark-role": "driver"} | self.applications[application]["spec"]["driver"]["labels"]

    def _has(self, application: str, selector: str) -> bool:
        wanted = [part.split("=") for part in selector.split(",") if "=" in part and "!=" not in part]
        return all(self._labels(application).get(key) == value for key, value in wanted)

    def _driver(self, application: str) -> dict[str, Any]:
        name = "spark-kubernetes-driver"
        ended = {"exitCode": 0 if self.ends_as == "Succeeded" else 1, "startedAt": "2026-11-29T12:00:00Z"}
        state = {"terminated": ended | {"finishedAt": "2026-11-29T12:00:01Z"}}
        status = {"name": name, "ready": False, "restartCount": 0, "image": "", "imageID": "", "state": state}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": f"{application}-driver",
                "namespace": "skytier-jobs",
                "labels": self._labels(application),
                "annotations": {},
            },
            "spec": {"containers": [{"name": name}]},
            "status": {"phase": self.ends_as, "containerStatuses": [status]},
        }

    def _answer(self, status: int, body: dict[str, Any] | bytes) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if isinstance(body, bytes) else "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Be quiet."""


@contextmanager
def served(folder: Path) -> Iterator[Path]:
    """Serve it, and give the file that tells clients where it is."""
    Api.asked, Api.applications, Api.deleted, Api.ends_as = set(), {}, [], "Succeeded"
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    cluster = {"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}
    context = {"name": "x", "context": {"cluster": "c", "user": "u"}}
    config = {"apiVersion": "v1", "kind": "Config", "clusters": [cluster], "contexts": [context]}
    config |= {"current-context": "x", "users": [{"name": "u", "user": {"token": "t"}}]}
    (folder / "config").write_text(json.dumps(config))
    yield folder / "config"
    server.shutdown()
    thread.join()
    server.server_close()
