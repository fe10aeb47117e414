"""Alerts on a real MongoDB: an open alert is counted up, by any process, and resolved when its cause is gone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier

import pytest
from pymongo import MongoClient
from pymongo.collection import Collection

from skytier import alert_checks, alerts, alerts_cli, hot_tier
from skytier.alerts import Severity, alert
from skytier.errors import TransientError
from skytier.hot_tier import Document
from skytier.settings.alerts import AlertSettings
from tests.single_servers import mongodb_server
from tests.webhook_receiver import Receiver

pytestmark = pytest.mark.stack

KIND = "test"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A MongoDB of this module's own; this process and those that it starts use it."""
    with mongodb_server(tmp_path_factory.mktemp("mongodb")) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SKYTIER_MONGODB_URI", url)
        patch.setenv("SKYTIER_REDIS_URL", "redis://127.0.0.1:1")
        yield


@pytest.fixture
def connection(server: None) -> Iterator[MongoClient[Document]]:
    with hot_tier.client() as connection:
        alerts.ensure_indexes(connection)
        yield connection
        alerts.alerts(connection).drop()


@pytest.fixture
def collection(connection: MongoClient[Document]) -> Collection[Document]:
    return alerts.alerts(connection)


def test_the_same_alert_counts_up_until_it_is_acknowledged(
    connection: MongoClient[Document], collection: Collection[Document]
) -> None:
    for message in ("first", "second"):
        alert(connection, KIND, Severity.WARNING, "a", message)
    (found,) = collection.find({"kind": KIND})
    assert (found["count"], found["message"], found["acknowledged_by"]) == (2, "second", None)
    assert found["first_time"] < found["last_time"]
    for _ in range(2):
        collection.update_one({"kind": KIND, "acknowledged_by": None}, {"$set": {"acknowledged_by": "somebody"}})
        alert(connection, KIND, Severity.CRITICAL, "a", "again")
    assert sorted(found["count"] for found in collection.find({"kind": KIND})) == [1, 1, 2]


def test_an_alert_is_acknowledged_once(connection: MongoClient[Document], collection: Collection[Document]) -> None:
    for subject in ("a", "b", "c"):
        alert(connection, KIND, Severity.WARNING, subject, "seen or not")
    ids = {found["subject"]: found["_id"] for found in collection.find({"kind": KIND})}
    assert alerts.acknowledge(connection, [ids["a"]], "first") == 1
    assert alerts.acknowledge(connection, [ids["a"], ids["b"]], "second") == 1
    found = {found["subject"]: found["acknowledged_by"] for found in collection.find({"kind": KIND})}
    assert found == {"a": "first", "b": "second", "c": None}


def test_an_alert_raised_by_many_at_once_is_stored_once(
    connection: MongoClient[Document], collection: Collection[Document]
) -> None:
    subjects, threads = [str(number) for number in range(50)], 8
    barrier = Barrier(threads)

    def raise_all(_: int) -> None:
        for subject in subjects:
            barrier.wait()
            alert(connection, KIND, Severity.WARNING, subject, "at once")

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(raise_all, range(threads)))
    counts = {found["subject"]: found["count"] for found in collection.find({"kind": KIND})}
    assert collection.count_documents({"kind": KIND}) == len(subjects)
    assert counts == dict.fromkeys(subjects, threads)


def test_the_index_of_an_earlier_stack_is_replaced(
    connection: MongoClient[Document], collection: Collection[Document]
) -> None:
    """It let the same alert be there twice."""
    collection.drop_index("open")
    collection.create_index([("kind", 1), ("subject", 1)])
    first = datetime(2026, 11, 21, tzinfo=UTC)
    same = {"kind": KIND, "subject": "a", "acknowledged_by": None, "count": 1}
    collection.insert_many([same | {"last_time": first + timedelta(hours=hours)} for hours in (1, 2, 0)])
    for _ in range(2):
        alerts.ensure_indexes(connection)
        assert set(collection.index_information()) == {"_id_", "open", "last_time_-1"}
    (left,) = collection.find({"kind": KIND, "acknowledged_by": None})
    assert left["last_time"] == first + timedelta(hours=2)
    assert collection.count_documents({"kind": KIND}) == 3


def raised(connection: MongoClient[Document], subject: str = "a", severity: Severity = Severity.WARNING) -> None:
    alert(connection, KIND, severity, subject, "it lasts", until_resolved=True)


def found(collection: Collection[Document]) -> list[tuple[str, int, bool, bool]]:
    """Subject, count, whether it was acknowledged and resolved, of each alert in the order they were raised first."""
    return [
        (one["subject"], one["count"], one["acknowledged_by"] is not None, one["resolved_time"] is not None)
        for one in collection.find({"kind": KIND}).sort("first_time", 1)
    ]


def test_a_resolved_alert_that_is_raised_again_is_new(
    connection: MongoClient[Document], collection: Collection[Document]
) -> None:
    for lasts in (True, False):
        for _ in range(2):
            alert(connection, KIND, Severity.WARNING, f"lasts: {lasts}", "a", until_resolved=lasts)
        assert [alerts.resolve(connection, KIND, f"lasts: {lasts}") for _ in range(2)] == [1, 0]
        alert(connection, KIND, Severity.WARNING, f"lasts: {lasts}", "a", until_resolved=lasts)
    twice = [("lasts: True", 2, False, True), ("lasts: True", 1, False, False)]
    assert found(collection) == twice + [(subject.replace("True", "False"), *rest) for subject, *rest in twice]


def test_an_acknowledged_condition_stays_acknowledged_while_it_lasts(
    connection: MongoClient[Document], collection: Collection[Document]
) -> None:
    raised(connection)
    (one,) = collection.find({"kind": KIND})
    alerts.acknowledge(connection, [one["_id"]], "ann")
    raised(connection)
    assert found(collection) == [("a", 2, True, False)]
    alerts.resolve(connection, KIND, "a")
    raised(connection)
    assert found(collection) == [("a", 2, True, True), ("a", 1, False, False)]


def test_a_condition_that_is_gone_is_resolved(
    connection: MongoClient[Document], collection: Collection[Document]
) -> None:
    condition = alerts.Condition(Severity.CRITICAL, "it lasts")
    assert alerts.settle(connection, KIND, dict.fromkeys(("a", "b"), condition)) == 0
    assert alerts.settle(connection, KIND, {"b": condition, "c": condition}) == 1
    assert found(collection) == [("a", 1, False, True), ("b", 2, False, False), ("c", 1, False, False)]
    assert alerts.settle(connection, KIND, {}) == 2


def test_alerts_of_earlier_versions_are_resolved_and_can_be_raised_again(
    connection: MongoClient[Document], collection: Collection[Document]
) -> None:
    """They have no field for it, and their index let one that nobody acknowledged be there once only."""
    collection.drop_index("open")
    nobody = {"acknowledged_by": None}
    collection.create_index(
        [("kind", 1), ("subject", 1)], name="unacknowledged", unique=True, partialFilterExpression=nobody
    )
    then = datetime(2026, 11, 21, tzinfo=UTC)
    same = {"kind": KIND, "severity": "critical", "message": "m", "first_time": then, "last_time": then, "count": 9}
    collection.insert_many([same | {"subject": "a"} | nobody, same | {"subject": "a", "acknowledged_by": "ann"}])
    raised(connection)  # the open one counts up, not the one that was over with its acknowledgement
    assert [one["count"] for one in collection.find({"kind": KIND} | nobody)] == [10]
    assert alerts.resolve(connection, KIND, "a") == 2
    raised(connection)
    assert "open" in collection.index_information()
    assert collection.count_documents({"kind": KIND, "resolved_time": None}) == 1


def test_the_webhook_gets_the_first_and_the_last(
    connection: MongoClient[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = Receiver()
    monkeypatch.setenv("SKYTIER_ALERTS_WEBHOOK_URL", receiver.url)
    for severity in (Severity.WARNING, Severity.WARNING, Severity.CRITICAL, Severity.CRITICAL):
        raised(connection, severity=severity)
    for _ in range(2):
        alerts.resolve(connection, KIND, "a")
    receiver.close()
    posted = [(body["event"], body["severity"]) for body in receiver.posted]
    assert posted == [("raised", "warning"), ("raised", "critical"), ("resolved", "critical")]


def test_alerts_are_listed(connection: MongoClient[Document], capsys: pytest.CaptureFixture[str]) -> None:
    for subject in ("there", "over"):
        raised(connection, subject)
    alerts.resolve(connection, KIND, "over")
    capsys.readouterr()
    for resolved, expected in ((False, ["there"]), (True, ["over", "there"])):
        alerts_cli.list_(resolved=resolved, as_json=True)
        listed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert sorted(one["subject"] for one in listed) == expected
        assert [one["resolved_time"] is None for one in listed if one["subject"] == "there"] == [True]
    alerts_cli.list_(resolved=True)
    said = capsys.readouterr().out
    assert f"warning: {KIND}: there: it lasts (1 times since " in said
    assert re.search(r"over: it lasts \(1 times since .*, not acknowledged, resolved 20", said)
    alerts.resolve(connection, KIND, "there")
    capsys.readouterr()
    alerts_cli.list_()
    assert capsys.readouterr().out == "No alerts.\n"


def test_alerts_of_a_kind_that_cannot_be_checked_stay_as_they_are(
    connection: MongoClient[Document], collection: Collection[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No server runs here but MongoDB: each of the others is an alert, and what they know is not known."""
    monkeypatch.setenv("SKYTIER_PORT_OFFSET", "15000")
    monkeypatch.setenv("SKYTIER_ALERTS_DOWN_SECONDS", "0")
    for kind in ("dag", "lag", "quality"):
        alert(connection, kind, Severity.WARNING, "of a test", "it lasts", until_resolved=True)
    alert(connection, "server", Severity.CRITICAL, "mongodb", "It did not work.", until_resolved=True)
    report = alert_checks.check(AlertSettings())
    assert set(report.unknown) == {"dag", "lag", "quality"}
    assert {"kafka", "namenode", "sql", "redis", "postgres", "airflow-api"} <= set(report.found["server"])
    assert report.resolved == 1
    lasting = {(one["kind"], one["subject"]) for one in collection.find({"resolved_time": None})}
    expected = {(kind, "of a test") for kind in ("dag", "lag", "quality")}
    assert lasting == expected | {("server", name) for name in report.found["server"]}
    assert "mongodb" not in report.found["server"]


def test_without_mongodb_the_webhook_is_notified_once_and_again_when_it_is_back(
    server: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    receiver = Receiver()
    monkeypatch.setenv("SKYTIER_HOME", str(tmp_path))
    monkeypatch.setenv("SKYTIER_ALERTS_WEBHOOK_URL", receiver.url)
    with monkeypatch.context() as broken:
        broken.setenv("SKYTIER_MONGODB_URI", "mongodb://127.0.0.1:1/?connectTimeoutMS=200")
        for _ in range(2):
            with pytest.raises(TransientError, match="MongoDB does not answer"):
                alert_checks.store({}, AlertSettings())
    for _ in range(2):
        assert alert_checks.store({}, AlertSettings()) == 0
    receiver.close()
    assert [(body["event"], body["subject"]) for body in receiver.posted] == [
        ("raised", "mongodb"),
        ("resolved", "mongodb"),
    ]
