"""Airflow's REST API: what the dashboard shows and starts, and what tests ask."""

from __future__ import annotations

import json
import threading
from datetime import datetime
from typing import Any

import requests

from skytier.errors import TerminalError, TransientError
from skytier.settings.airflow import AirflowSettings

MINUTE = "flight_processing_dag"
ARCHIVING = "mongodb_archiving_dag"
TRAINING = "delay_model_training_dag"
_API = "/api/v2"
_SERVER_ERROR = 500
_NOT_KNOWN = (401, 403)  # Airflow says 403 of a token that it cannot read


class AirflowApi:
    """Airflow of the settings, as their user; for any number of threads.

    Every method raises TransientError while Airflow does not answer, TerminalError when it refuses.
    """

    def __init__(self, timeout_seconds: float = 30.0) -> None:
        self._settings = AirflowSettings()
        self._timeout_seconds = timeout_seconds
        self._token = ""
        self._guard = threading.Lock()

    def get(self, path: str) -> dict[str, Any]:
        """An object below ``/api/v2``."""
        return self._ask("GET", f"{_API}{path}")

    def health(self) -> dict[str, dict[str, Any]]:
        """``status`` and last heartbeat of ``scheduler``, ``dag_processor``, ...; needs no login."""
        return dict(self._send("GET", f"{_API}/monitor/health", None, {}).json())

    def dags(self) -> dict[str, dict[str, Any]]:
        """The DAGs that Airflow knows, by id."""
        return {dag["dag_id"]: dag for dag in self.get("/dags")["dags"]}

    def pause(self, dag_id: str, paused: bool) -> None:
        """Pause a DAG or let it go on."""
        self._ask("PATCH", f"{_API}/dags/{dag_id}?update_mask=is_paused", {"is_paused": paused})

    def trigger(self, dag_id: str, note: str) -> str:
        """Start a run of a DAG now, or as soon as it may: the id of the run. ``note`` says in Airflow who and why."""
        started = self._ask("POST", f"{_API}/dags/{dag_id}/dagRuns", {"logical_date": None, "note": note})
        return str(started["dag_run_id"])

    def runs(self, dag_id: str, limit: int = 20) -> list[dict[str, Any]]:
        """The newest runs of a DAG, newest first."""
        runs: list[dict[str, Any]] = self.get(f"/dags/{dag_id}/dagRuns?order_by=-run_after&limit={limit}")["dag_runs"]
        return runs

    def set_run_state(self, dag_id: str, run_id: str, state: str) -> None:
        """Declare that a run of a DAG succeeded or failed: ``success`` or ``failed``."""
        self._ask("PATCH", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}?update_mask=state", {"state": state})

    def runs_since(self, dag_id: str, moment: datetime) -> list[dict[str, Any]]:
        """Those that began after a moment."""
        return [
            run
            for run in self.runs(dag_id)
            if run["start_date"] is not None and datetime.fromisoformat(run["start_date"]) > moment
        ]

    def task_states(self, dag_id: str, run_id: str) -> dict[str, str]:
        """The state of each task of a run."""
        found = self.get(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances")["task_instances"]
        return {task["task_id"]: task["state"] for task in found}

    def log(self, dag_id: str, run_id: str, task_id: str, attempt: int) -> str:
        """The log of one attempt at a task."""
        return json.dumps(self.get(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{attempt}"))

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask with a token; one that has run out, or that another Airflow gave, is replaced."""
        token = self._token or self._login("")
        answer = self._send(method, path, body, {"Authorization": f"Bearer {token}"}, accept=_NOT_KNOWN)
        if answer.status_code in _NOT_KNOWN:
            answer = self._send(method, path, body, {"Authorization": f"Bearer {self._login(token)}"})
        return dict(answer.json())

    def _login(self, refused: str) -> str:
        """A token in place of one that was refused, unless another thread has got one meanwhile."""
        with self._guard:
            if self._token == refused:
                password = self._settings.password.get_secret_value()
                login = {"username": self._settings.user, "password": password}
                self._token = str(self._send("POST", "/auth/token", login, {}).json()["access_token"])
            return self._token

    def _send(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        headers: dict[str, str],
        accept: tuple[int, ...] = (),
    ) -> requests.Response:
        url = f"{self._settings.url}{path}"
        try:
            answer = requests.request(method, url, json=body, headers=headers, timeout=self._timeout_seconds)
        except requests.RequestException as error:
            raise TransientError(
                f"Airflow at {self._settings.url} does not answer ({type(error).__name__}): see 'skytier stack status'."
            ) from error
        if answer.ok or answer.status_code in accept:
            return answer
        kind = TransientError if answer.status_code >= _SERVER_ERROR else TerminalError
        raise kind(f"Airflow refused {method} {path} with status {answer.status_code}: {_reason(answer)}")


def _reason(answer: requests.Response) -> str:
    """What Airflow says of a refusal. Of a body that it finds wrong only its words: it repeats the body beside them."""
    try:
        detail = answer.json()["detail"]
        return detail if isinstance(detail, str) else "; ".join(str(fault["msg"]) for fault in detail)
    except (ValueError, KeyError, TypeError):
        return answer.reason
