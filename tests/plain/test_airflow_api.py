"""The client of Airflow's API against a small server that answers as Airflow does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from skytier.airflow_api import ARCHIVING, AirflowApi
from skytier.errors import TerminalError, TransientError

pytestmark = pytest.mark.plain

PASSWORD = "a-password-of-tests"  # noqa: S105


class Airflow(BaseHTTPRequestHandler):
    """One token is good at a time; ``asked`` holds what was asked, with what body."""

    asked: list[tuple[str, str, Any]]
    token: int

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _answer(self, method: str) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "null")
        self.asked.append((method, self.path, body))
        status, answer = self._of(body)
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _of(self, body: Any) -> tuple[int, dict[str, Any]]:
        if self.path == "/auth/token":
            type(self).token += 1
            return 201, {"access_token": f"token-{self.token}"}
        if self.headers["Authorization"] != f"Bearer token-{self.token}":
            return 403, {"detail": "Invalid JWT token"}
        answers: dict[str, tuple[int, dict[str, Any]]] = {
            f"/api/v2/dags/{ARCHIVING}/dagRuns": (200, {"dag_run_id": "manual__1"}),
            "/api/v2/dags": (200, {"dags": [{"dag_id": ARCHIVING, "is_paused": False}]}),
            "/api/v2/wrong": (422, {"detail": [{"msg": "Field required", "input": {"password": PASSWORD}}]}),
            "/api/v2/broken": (500, {"detail": "boom"}),
        }
        return answers.get(self.path, (404, {"detail": "Not found"}))


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Airflow]]:
    Airflow.asked, Airflow.token = [], 0
    with ThreadingHTTPServer(("127.0.0.1", 0), Airflow) as server:
        monkeypatch.setenv("SKYTIER_AIRFLOW_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("SKYTIER_AIRFLOW_PASSWORD", PASSWORD)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield Airflow
        server.shutdown()


def test_a_token_is_got_once_and_again_when_it_has_run_out(airflow: type[Airflow]) -> None:
    api = AirflowApi()
    assert [list(api.dags()) for _ in range(2)] == [[ARCHIVING]] * 2
    assert [path for _, path, _ in airflow.asked] == ["/auth/token", "/api/v2/dags", "/api/v2/dags"]
    airflow.token = 7  # another Airflow, which knows no token of before
    assert list(api.dags()) == [ARCHIVING]


def test_a_run_is_started_with_a_note(airflow: type[Airflow]) -> None:
    assert AirflowApi().trigger(ARCHIVING, "by hand") == "manual__1"
    method, path, body = airflow.asked[-1]
    assert (method, path) == ("POST", f"/api/v2/dags/{ARCHIVING}/dagRuns")
    assert body == {"logical_date": None, "note": "by hand"}


@pytest.mark.usefixtures("airflow")
def test_what_is_refused_does_not_tell_the_password() -> None:
    with pytest.raises(TerminalError, match="status 404: Not found"):
        AirflowApi().get("/dags/none")
    with pytest.raises(TerminalError, match="Field required") as refused:
        AirflowApi().get("/wrong")
    assert PASSWORD not in str(refused.value)


@pytest.mark.usefixtures("airflow")
def test_a_server_in_trouble_may_be_asked_again() -> None:
    with pytest.raises(TransientError, match="status 500"):
        AirflowApi().get("/broken")


def test_no_server_is_told_within_the_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYTIER_AIRFLOW_URL", "http://127.0.0.1:1")
    with pytest.raises(TransientError, match="does not answer"):
        AirflowApi(timeout_seconds=1).dags()
