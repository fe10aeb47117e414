"""How a pod waits for a Job, against an HTTP server that answers as the API server does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from local_stack import kubernetes_job

pytestmark = pytest.mark.plain

COMPLETE = {
    "status": {"conditions": [{"type": "Suspended", "status": "False"}, {"type": "Complete", "status": "True"}]}
}
FAILED = {"status": {"conditions": [{"type": "Failed", "status": "True", "message": "backoff limit reached"}]}}


class Answers(BaseHTTPRequestHandler):
    """Gives one answer after the other, the last one for ever, and notes what it was asked."""

    left: list[tuple[int, dict[str, Any]]]
    asked: list[tuple[str, str | None]]

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["Authorization"]))
        status, body = self.left.pop(0) if len(self.left) > 1 else self.left[0]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Be quiet."""


@pytest.fixture
def server() -> Iterator[str]:
    Answers.asked = []
    http = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=http.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{http.server_port}"
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.fixture
def account(tmp_path: Path) -> Path:
    (tmp_path / "namespace").write_text("skytier")
    (tmp_path / "token").write_text("who I am\n")
    return tmp_path


def test_it_waits_until_the_job_is_complete(server: str, account: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Answers.left = [(404, {}), (404, {}), (503, {}), (200, {}), (200, {"status": {"active": 1}}), (200, FAILED)]
    Answers.left += [(200, {}), (200, COMPLETE)]
    kubernetes_job.wait("bootstrap", server, account, poll_seconds=0.01)
    assert set(Answers.asked) == {("/apis/batch/v1/namespaces/skytier/jobs/bootstrap", "Bearer who I am")}
    assert len(Answers.asked) == 8
    assert capfd.readouterr().err.splitlines() == [
        "Waiting for the Job bootstrap: there is none yet.",
        "Waiting for the Job bootstrap: the API server answers with status 503.",
        "Waiting for the Job bootstrap: it is not complete yet.",
        "Waiting for the Job bootstrap: it failed (backoff limit reached); see its log, delete it and apply the "
        "manifests again.",
        "Waiting for the Job bootstrap: it is not complete yet.",
    ]


def test_a_server_that_does_not_answer_is_asked_again(account: Path) -> None:
    assert "does not answer" in kubernetes_job._state("bootstrap", "http://127.0.0.1:9", account)


@pytest.mark.parametrize(
    ("job", "state"),
    [
        ({}, "it is not complete yet"),
        ({"status": {"conditions": [{"type": "Complete", "status": "False"}]}}, "it is not complete yet"),
        (COMPLETE, "complete"),
    ],
)
def test_states(job: dict[str, Any], state: str) -> None:
    assert kubernetes_job.state_of(job) == state
