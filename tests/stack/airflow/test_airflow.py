"""Airflow on real servers: it runs the minute job by itself, and a run that does not reconcile is red."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from dashboard.app_pages.operations import job_queries as operations_jobs
from generator.publisher import Publisher
from generator.records import Record
from generator.synthetic import Plan, Rates, synthetic
from local_stack import postgres
from skytier import alert_checks, alerts, hot_tier
from skytier.airflow_api import ARCHIVING, MINUTE, AirflowApi
from skytier.settings.alerts import AlertSettings
from skytier.settings.kafka import KafkaSettings
from skytier.settings.maintenance import MaintenanceSettings
from tests import stores
from tests.own_stack import OwnStack
from tests.stack.airflow.conftest import RUN_SECONDS, eventually

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

ALERTS = "alerts_dag"
SOURCE = "test_airflow"  # other tests count the events of theirs
FIRST_SEED = 12_000
EVENTS = 300
STARTED_SECONDS = 60


@pytest.fixture(scope="module", autouse=True)
def quiet_afterwards(airflow: AirflowApi) -> Iterator[None]:
    """No run begins by itself once these tests are over: each takes 10 s of processor time, and nobody looks at it."""
    yield
    for dag_id in (MINUTE, ARCHIVING, ALERTS):
        airflow.pause(dag_id, True)


def publish(seed: int) -> set[str]:
    """Publish some events of this test's own source, long before all others; their ids."""
    start, now = pd.Timestamp("2012-12-01", tz="UTC"), pd.Timestamp.now("UTC").floor("s")
    plan = Plan(EVENTS, seed, start, Rates(), flights_per_day=2000.0, latest=now)
    records = [as_ours(record) for batch in synthetic(plan) for record in batch]
    kafka = KafkaSettings()
    report = Publisher(kafka.topic, kafka).publish([records], threading.Event())
    assert report.sent == EVENTS
    return {record.event_id for record in records}


def as_ours(record: Record) -> Record:
    return record._replace(value=json.dumps(json.loads(record.value) | {"source": SOURCE}).encode())


def test_dags_are_there_and_run(airflow: AirflowApi) -> None:
    known = eventually(airflow.dags, STARTED_SECONDS)
    assert set(known) == {
        MINUTE,
        "warehouse_maintenance_dag",
        "delay_model_training_dag",
        "delay_model_drift_dag",
        "mongodb_archiving_dag",
        ALERTS,
    }
    assert not any(dag["is_paused"] or dag["has_import_errors"] for dag in known.values())
    assert airflow.get("/importErrors")["total_entries"] == 0


def test_events_are_in_both_tiers_after_a_run(airflow: AirflowApi) -> None:
    sent = publish(FIRST_SEED)
    published_at = datetime.now(UTC)

    def success() -> str | None:
        runs = airflow.runs_since(MINUTE, published_at)
        return next((run["dag_run_id"] for run in runs if run["state"] == "success"), None)

    run_id = eventually(success, RUN_SECONDS)
    assert run_id is not None
    assert airflow.task_states(MINUTE, run_id) == {"process_flight_events": "success", "reconcile_batches": "success"}
    for store in stores.STORES:
        assert sorted(stores.ids(store, SOURCE)) == sorted(sent)


def test_old_records_and_task_logs_are_deleted(stack: OwnStack, airflow: AirflowApi) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=MaintenanceSettings().log_days + 2)
    with postgres.connect("airflow") as database:
        database.execute("insert into log (dttm, event) values (%s, 'of long ago'), (now(), 'of today')", [long_ago])
        oldest = "select id from dag_run where dag_id = %s and state = 'success' order by id limit 1"
        row = database.execute(f"update dag_run set start_date = %s where id in ({oldest}) returning run_id",
                               [long_ago, MINUTE]).fetchone()  # fmt: skip
        assert row is not None
    (task_log, *_) = (stack.home / "airflow" / "logs").glob(f"dag_id={MINUTE}/run_id={row[0]}/*/*.log")
    os.utime(task_log, (long_ago.timestamp(), long_ago.timestamp()))

    done = stack.skytier("stack", "clean", "--json")
    assert done.returncode == 0, done.stderr
    cleaned = json.loads(done.stdout)
    assert cleaned["files_deleted"] >= 1
    assert cleaned["database_bytes"] > 1_000_000
    assert not task_log.exists()
    with postgres.connect("airflow") as database:
        assert database.execute("select event from log where event like 'of %'").fetchall() == [("of today",)]
        assert database.execute("select count(*) from dag_run where start_date <= %s", [long_ago]).fetchone() == (0,)
    assert airflow.runs_since(MINUTE, datetime.now(UTC) - timedelta(hours=1)), "newer runs stay"


def test_the_dashboard_tells_runs_as_airflow_keeps_them(airflow: AirflowApi) -> None:
    told = operations_jobs.dag_runs().run().to_pandas()
    with postgres.connect("airflow") as database:
        query = "select run_id, dag_id, state, extract(epoch from end_date - start_date)::float8 from dag_run"
        kept = {(dag_id, run_id): (state, took) for run_id, dag_id, state, took in database.execute(query)}
    assert set(told["dag_id"]) == set(airflow.dags())
    ended = told[told["state"].isin(["success", "failed"])]
    assert len(ended)
    for run in ended.to_dict("records"):
        state, took = kept[run["dag_id"], run["run_id"]]
        assert (run["state"], run["duration_seconds"]) == (state, pytest.approx(took, abs=0.01))


def test_an_archive_run_is_started_by_hand(airflow: AirflowApi) -> None:
    run_id = airflow.trigger(ARCHIVING, "by a test")

    def succeeded() -> dict[str, str]:
        return {run["dag_run_id"]: run["note"] for run in airflow.runs(ARCHIVING) if run["state"] == "success"}

    assert eventually(lambda: succeeded().get(run_id), RUN_SECONDS) == "by a test"


def test_a_failed_run_is_an_alert_until_one_succeeds(airflow: AirflowApi) -> None:
    run_id = airflow.trigger(ARCHIVING, "by a test")
    eventually(lambda: run_id in [run["dag_run_id"] for run in ended(airflow, ARCHIVING)], RUN_SECONDS)
    airflow.pause(ARCHIVING, True)
    try:
        newest = ended(airflow, ARCHIVING)[0]["dag_run_id"]
        for state, raised in (("failed", True), ("success", False)):
            airflow.set_run_state(ARCHIVING, newest, state)
            assert (ARCHIVING in alert_checks.check(AlertSettings()).found["dag"]) is raised
            with hot_tier.client() as connection:
                same = {"kind": "dag", "subject": ARCHIVING, "resolved_time": None}
                assert alerts.alerts(connection).count_documents(same) == raised
    finally:
        airflow.pause(ARCHIVING, False)


def ended(airflow: AirflowApi, dag_id: str) -> list[dict[str, Any]]:
    """The runs that ended, newest first."""
    return [run for run in airflow.runs(dag_id) if run["state"] in ("success", "failed")]


@pytest.fixture
def paused(airflow: AirflowApi) -> Iterator[None]:
    """No minute run is under way, and none begins by itself."""
    eventually(lambda: is_paused_between_runs(airflow), RUN_SECONDS)
    yield
    airflow.pause(MINUTE, False)


def is_paused_between_runs(airflow: AirflowApi) -> bool:
    """Pause, but not in the midst of a run: Airflow starts no task where the DAG is paused, so it would not end."""
    airflow.pause(MINUTE, True)
    if all(run["state"] in ("success", "failed") for run in airflow.runs(MINUTE)):
        return True
    airflow.pause(MINUTE, False)
    return False


@pytest.mark.usefixtures("paused")
def test_a_batch_that_does_not_reconcile_fails_the_run_until_it_does(stack: OwnStack, airflow: AirflowApi) -> None:
    publish(FIRST_SEED + 1)
    done = stack.skytier("process")
    assert done.returncode == 0, done.stderr
    began = datetime.now(UTC)
    with newest_document_lost() as batch_id:
        airflow.pause(MINUTE, False)
        run_id = eventually(lambda: run_with(airflow, began, "up_for_retry"), RUN_SECONDS)
    assert f"batch {batch_id}: rows in hot tier" in airflow.log(MINUTE, run_id, "reconcile_batches", 1)
    eventually(lambda: run_with(airflow, began, "success"), RUN_SECONDS)


@contextmanager
def newest_document_lost() -> Iterator[int]:
    """The hot tier lacks a document of the newest batch, whose id this gives, until the block ends."""
    with hot_tier.client() as connection:
        events = hot_tier.events(connection)
        document = events.find_one({"source": SOURCE}, sort=[("batch_id", -1)])
        assert document is not None
        events.delete_one({"_id": document["_id"]})
        try:
            yield document["batch_id"]
        finally:
            events.insert_one(document)


def run_with(airflow: AirflowApi, since: datetime, state: str) -> str:
    """The run whose reconciliation is in a state; empty when there is none."""
    runs = [run["dag_run_id"] for run in airflow.runs_since(MINUTE, since)]
    return next((run for run in runs if airflow.task_states(MINUTE, run).get("reconcile_batches") == state), "")
