"""The checks of servers, DAGs, lag and quality on a running stack: alerts are raised and resolved."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pymongo import MongoClient

from skytier import alert_checks, alerts, hot_tier
from skytier.alerts import Severity, alert
from skytier.hot_tier import Document
from skytier.settings.alerts import AlertSettings
from tests.minute_job import drain, run
from tests.own_stack import OwnStack

pytestmark = pytest.mark.stack


@pytest.fixture
def connection(stack: OwnStack) -> Iterator[MongoClient[Document]]:
    with hot_tier.client() as connection:
        yield connection


def open_now(connection: MongoClient[Document], kind: str) -> set[str]:
    return {one["subject"] for one in alerts.alerts(connection).find({"kind": kind, "resolved_time": None})}


def test_a_server_that_is_down_is_an_alert_until_it_is_up(
    connection: MongoClient[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Airflow does not run on this stack: what it would say of runs is not known, and changes nothing."""
    monkeypatch.setenv("SKYTIER_ALERTS_DOWN_SECONDS", "0")
    alert(connection, "dag", Severity.WARNING, "of a test", "it failed", until_resolved=True)
    with monkeypatch.context() as broken:
        broken.setenv("SKYTIER_REDIS_URL", "redis://127.0.0.1:1")
        for _ in range(2):
            report = alert_checks.check(AlertSettings())
    assert {"redis", "airflow-api"} <= set(report.found["server"])
    assert set(report.unknown) >= {"dag"}
    assert "mongodb" not in report.found["server"]
    (redis,) = alerts.alerts(connection).find({"kind": "server", "subject": "redis", "resolved_time": None})
    assert redis["count"] == 2
    assert "redis" not in alert_checks.check(AlertSettings()).found["server"]
    assert "redis" not in open_now(connection, "server")
    assert "of a test" in open_now(connection, "dag")
    alerts.alerts(connection).delete_many({"subject": "of a test"})


def test_low_quality_and_lag_are_alerts_until_they_are_over(
    stack: OwnStack, january: dict[str, int], connection: MongoClient[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKYTIER_ALERTS_DOWN_SECONDS", "0")
    run(stack, "synthesize", "--events", "50", "--seed", "77")
    with monkeypatch.context() as strict:
        strict.setenv("SKYTIER_ALERTS_LAG_RECORDS", "49")
        strict.setenv("SKYTIER_ALERTS_MEAN_QUALITY", "1")
        strict.setenv("SKYTIER_ALERTS_QUALITY_RECORDS", "1")
        alert_checks.check(AlertSettings())
        assert open_now(connection, "lag") == {"records"}
        assert "mean score" in open_now(connection, "quality")
        drain(stack)
        alert_checks.check(AlertSettings())
        assert open_now(connection, "lag") == set()
    monkeypatch.setenv("SKYTIER_ALERTS_REJECTED_PCT", "100")
    alert_checks.check(AlertSettings())
    assert open_now(connection, "quality") == set()
