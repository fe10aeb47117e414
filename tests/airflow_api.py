"""Airflow's REST API, as far as tests need it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from urllib.request import Request, urlopen

from local_stack import airflow
from skytier.settings import AirflowSettings


class AirflowApi:
    """Airflow of the stack that this process's settings point to, as its only user."""

    def __init__(self) -> None:
        settings = AirflowSettings()
        login = {"username": settings.user, "password": settings.password.get_secret_value()}
        self._token = ""
        self._token = self._ask("POST", "/auth/token", login)["access_token"]

    def get(self, path: str) -> dict[str, Any]:
        """An object below ``/api/v2``."""
        return self._ask("GET", f"/api/v2{path}")

    def dags(self) -> dict[str, dict[str, Any]]:
        """The DAGs that Airflow knows, by id."""
        return {dag["dag_id"]: dag for dag in self.get("/dags")["dags"]}

    def pause(self, dag_id: str, paused: bool) -> None:
        """Pause a DAG or let it go on."""
        self._ask("PATCH", f"/api/v2/dags/{dag_id}?update_mask=is_paused", {"is_paused": paused})

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """The newest runs of a DAG, newest first."""
        runs: list[dict[str, Any]] = self.get(f"/dags/{dag_id}/dagRuns?order_by=-run_after&limit=20")["dag_runs"]
        return runs

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
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(airflow.url() + path, data, headers, method=method), timeout=30) as answer:
            return dict(json.load(answer))
