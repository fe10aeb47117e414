"""Alerts on a real MongoDB: the same one counts up, whoever raises it and when."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from pymongo import MongoClient
from pymongo.collection import Collection

from skytier import alerts, hot_tier
from skytier.alerts import Severity, alert
from skytier.hot_tier import Document
from tests.own_stack import OwnStack

pytestmark = pytest.mark.stack

KIND = "test"


@pytest.fixture
def connection(stack: OwnStack) -> Iterator[MongoClient[Document]]:
    with hot_tier.client() as connection:
        yield connection
        alerts.alerts(connection).delete_many({"kind": KIND})


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


def test_an_alert_that_many_raise_at_once_stands_there_once(
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
    collection.drop_index("unacknowledged")
    collection.create_index([("kind", 1), ("subject", 1)])
    first = datetime(2026, 11, 21, tzinfo=UTC)
    same = {"kind": KIND, "subject": "a", "acknowledged_by": None, "count": 1}
    collection.insert_many([same | {"last_time": first + timedelta(hours=hours)} for hours in (1, 2, 0)])
    for _ in range(2):
        alerts.ensure_indexes(connection)
        assert set(collection.index_information()) == {"_id_", "unacknowledged", "last_time_-1"}
    (left,) = collection.find({"kind": KIND, "acknowledged_by": None})
    assert left["last_time"] == first + timedelta(hours=2)
    assert collection.count_documents({"kind": KIND}) == 3
