"""Check the servers, Airflow, Kafka and the newest batches, and raise or resolve alerts about them."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

from skytier import alert_conditions, alert_webhook, alerts, hot_tier, lag, logs, server_probes, sql
from skytier.airflow_api import AirflowApi
from skytier.alert_conditions import DAG, LAG, QUALITY, SERVER, Batch, Found, newest_ended
from skytier.errors import SkytierError, TransientError
from skytier.server_probes import State
from skytier.settings.alerts import AlertSettings
from skytier.settings.base import home
from skytier.settings.sql import Role

_AIRFLOW_SECONDS = 10.0
_RUNS = 20
_BATCHES = 120
_MONGODB = "mongodb"

log = logs.logger("alerts")


@dataclass(frozen=True)
class Report:
    """The result of a check: conditions by kind; kinds that could not be checked, with the reason; resolved alerts."""

    found: dict[str, Found]
    unknown: dict[str, str]
    resolved: int


def check(settings: AlertSettings) -> Report:
    """Check everything once, and raise or resolve alerts. Alerts of a kind that cannot be checked stay as they are.

    Raises TransientError if MongoDB, which stores alerts, does not answer; the webhook is notified once.
    """
    with ThreadPoolExecutor(3) as pool:
        checks = {
            **{kind: pool.submit(look) for kind, look in ((SERVER, lambda: _servers(settings)), (DAG, _dags))},
            LAG: (batches := pool.submit(_batches_and_lag, settings)),
            QUALITY: batches,
        }
    found: dict[str, Found] = {}
    unknown: dict[str, str] = {}
    for kind, future in checks.items():
        try:
            known = future.result().get(kind)
        except SkytierError as error:
            unknown[kind] = str(error)
            log.warning("check failed; alerts stay as they are", kind=kind, reason=str(error))
            continue
        if known is None:
            unknown[kind] = "too few records"
        else:
            found[kind] = known
    return Report(found, unknown, store(found, settings))


def store(found: dict[str, Found], settings: AlertSettings) -> int:
    """Raise the conditions found, by kind; resolve all other alerts of these kinds and return their number.

    Raises TransientError if MongoDB does not answer. The webhook is notified the first time, and when MongoDB is back.
    """
    mark = home() / "run" / "alerts-not-kept"
    try:
        with hot_tier.client() as connection, hot_tier.answering():
            alerts.ensure_indexes(connection)
            resolved = sum(alerts.settle(connection, kind, conditions, settings) for kind, conditions in found.items())
    except TransientError as error:
        if not mark.exists():
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()
            message = f"Alerts cannot be stored: {error}"
            alert_webhook.post(settings, "raised", SERVER, "critical", _MONGODB, message, datetime.now(UTC))
        raise
    if mark.exists():
        since = datetime.fromtimestamp(mark.stat().st_mtime, UTC)
        mark.unlink(missing_ok=True)
        alert_webhook.post(settings, "resolved", SERVER, "critical", _MONGODB, "Alerts are stored again.", since)
    return resolved


def _servers(settings: AlertSettings) -> dict[str, Found | None]:
    first = again = server_probes.probe_all()
    if any(health.state is State.DOWN for health in first.values()):
        time.sleep(settings.down_seconds)  # a server that is busy or restarting raises no alert
        again = server_probes.probe_all()
    return {SERVER: alert_conditions.of_servers(first, again)}


def _dags() -> dict[str, Found | None]:
    api = AirflowApi(_AIRFLOW_SECONDS)
    runs = {name: api.runs(name, _RUNS) for name in api.dags()}
    failed = {
        name: [task for task, state in api.task_states(name, newest["dag_run_id"]).items() if state == "failed"]
        for name in runs
        if (newest := newest_ended(runs[name])) is not None and newest["state"] == "failed"
    }
    return {DAG: alert_conditions.of_dags(runs, failed)}


def _batches_and_lag(settings: AlertSettings) -> dict[str, Found | None]:
    rows = sql.query(
        "SELECT committed_at, consumed, stored, rejected, mean_quality_score, kafka_offsets "
        f"FROM flight_dw.batch_metadata ORDER BY batch_id DESC LIMIT {_BATCHES}",
        Role.READER,
    ).rows
    batches = [Batch(*row[:-1]) for row in rows]
    newest = batches[0].committed_at if batches else None
    parts = lag.lag([row[-1] for row in rows])
    return {
        LAG: alert_conditions.of_lag(parts, newest, datetime.now(UTC), settings),
        QUALITY: alert_conditions.of_quality(batches, settings),
    }
