"""Fixtures that more than one tier of tests uses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from hypothesis import settings

from local_stack import postgres
from skytier import hot_tier, kafka_clients
from skytier.files import Files
from skytier.settings.kafka import KafkaUser
from skytier.settings.mongodb import MongoSettings
from tests import version_before
from tests.archive_runs import EVENTS, FIRST
from tests.minute_job import drain, process, publish_january
from tests.own_stack import SHORT_LIVED, WITHOUT, OwnStack, own_stack, settings_of
from tests.protected_file import protected_file
from tests.spark_pages import SparkPages, spark_pages

TRACE = "from-before"
"""What was kept before a stack spoke TLS."""

# How long an example takes says more about the machine, and what else runs on it, than about the code.
settings.register_profile("skytier", deadline=None)
settings.load_profile("skytier")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of a stack with no events come before those that bring some; those that stop its servers come last."""
    items.sort(
        key=lambda item: (item.get_closest_marker("empty") is None, item.get_closest_marker("restarts") is not None)
    )


@pytest.fixture(scope="session")
def stack() -> Iterator[OwnStack]:
    """A running stack without Airflow and the live feed, one for all tests; this process's settings point to it."""
    with own_stack("session", SHORT_LIVED) as own:
        own.up(without=WITHOUT)
        with own.one_driver(), settings_of(own):
            yield own


@pytest.fixture(scope="session")
def moving_stack() -> Iterator[OwnStack]:
    """A stack of its own for what archives, and so takes away what other tests count.

    Its warehouse was made by the version before, with some events.
    """
    with own_stack("archive", SHORT_LIVED) as own:
        version_before.make_warehouse(own, "--events", str(EVENTS), "--seed", "1", "--start", FIRST)
        own.up(without=WITHOUT)
        with own.one_driver():
            yield own


@pytest.fixture(scope="session")
def tls_stack() -> Iterator[OwnStack]:
    """A stack of its own that speaks TLS, and had none at first: some traces are from then, but no events.

    This process's settings point to it.
    """
    with own_stack("tls", SHORT_LIVED) as own:
        own.up(without=(*WITHOUT, "namenode", "metastore", "redis", "sql"))
        with settings_of(own):
            leave_traces()
        own.down()
        own.settings["SKYTIER_TLS_ENABLED"] = "1"
        own.up(without=WITHOUT)
        with own.one_driver(), settings_of(own):
            yield own


def leave_traces() -> None:
    """One in MongoDB, one in PostgreSQL, one in Kafka."""
    with hot_tier.client() as mongodb, postgres.connect("airflow") as database:
        mongodb[MongoSettings().database]["traces"].insert_one({"_id": TRACE})
        database.execute("create table traces as select %s as trace", [TRACE])
    admin = AdminClient(kafka_clients.config(KafkaUser.ADMIN))
    for made in admin.create_topics([NewTopic(TRACE, 1, 1)]).values():
        made.result()
    producer = Producer(kafka_clients.config(KafkaUser.ADMIN))
    producer.produce(TRACE, b"kept")
    assert producer.flush(10) == 0


@pytest.fixture
def protected(stack: OwnStack) -> Iterator[Files]:
    """HDFS with a file that nobody may read or change."""
    with protected_file() as files:
        yield files


@pytest.fixture(scope="session")
def open_january(stack: OwnStack) -> tuple[dict[str, int], SparkPages]:
    """January 2013 in the session's stack, in one batch by a job of its own, whose Spark pages were on: what it added
    to the counts of all batches, and what the pages said."""
    publish_january(stack)
    with spark_pages(stack) as (settings, told):
        added = process(stack, lambda own: drain(own, **settings))
    return added, told


@pytest.fixture(scope="session")
def january(open_january: tuple[dict[str, int], SparkPages]) -> dict[str, int]:
    """January 2013 in the session's stack; what it added to the counts of all batches."""
    return open_january[0]
