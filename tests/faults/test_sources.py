"""The sources against a real broker: everything sent is there, once and in order, and a stopped replay resumes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from skytier import kafka_clients
from skytier.settings.kafka import KafkaSettings, KafkaUser
from skytier.settings.ports import PortSettings
from tests import oracle

pytestmark = [pytest.mark.faults, pytest.mark.usefixtures("stack")]

DAYS = date(2013, 1, 1), date(2013, 1, 2)


@pytest.fixture
def topic() -> Iterator[str]:
    """A topic of the test's own."""
    name = f"sources_{uuid.uuid4().hex[:12]}"
    admin = AdminClient(kafka_clients.config(KafkaUser.ADMIN))
    admin.create_topics([NewTopic(name, 2, 1)])[name].result()
    yield name
    admin.delete_topics([name])[name].result()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Positions of replays go to a folder of the test's own; the stack's Kafka is one elsewhere, by another name."""
    mechanism, user, password = KafkaSettings().login(KafkaUser.ADMIN)
    return os.environ | {
        "SKYTIER_HOME": str(tmp_path),
        "SKYTIER_KAFKA_BOOTSTRAP_SERVERS": f"localhost:{PortSettings().kafka}",
        "SKYTIER_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "SKYTIER_KAFKA_SASL_MECHANISM": mechanism,
        "SKYTIER_KAFKA_USER": user,
        "SKYTIER_KAFKA_PASSWORD": password,
    }


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "skytier.cli", *arguments]


def _run(environment: dict[str, str], *arguments: str) -> dict[str, Any]:
    done = subprocess.run(_command(*arguments, "--json"), env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def _held(topic: str) -> list[list[tuple[str, bytes]]]:
    """Keys and values of a topic, by partition."""
    consumer = Consumer(kafka_clients.config(KafkaUser.ADMIN) | {"group.id": f"{topic}_reader"})
    partitions: list[list[tuple[str, bytes]]] = []
    for number in range(2):
        _, end = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=10)
        consumer.assign([TopicPartition(topic, number, 0)])
        messages: list[tuple[str, bytes]] = []
        while len(messages) < end:
            for message in consumer.consume(end - len(messages), timeout=5):
                assert message.error() is None
                messages.append(((message.key() or b"").decode(), message.value() or b""))
        partitions.append(messages)
    consumer.close()
    return partitions


def test_a_replay_brings_every_event_once_and_in_order(topic: str, environment: dict[str, str]) -> None:
    report = _run(environment, "replay", "--from", str(DAYS[0]), "--to", str(DAYS[1]), "--topic", topic)
    expected = oracle.expected_counts(*DAYS)
    partitions = [[json.loads(value) for _, value in messages] for messages in _held(topic)]
    assert report["by_event_type"] == expected
    assert report["sent"] == sum(expected.values())
    assert Counter(event["event_type"] for events in partitions for event in events) == expected
    for events in partitions:
        assert [e["event_time"] for e in events] == sorted(e["event_time"] for e in events)
    flights = [{event["flight_id"] for event in events} for events in partitions]
    assert not flights[0] & flights[1]


def test_a_stopped_live_replay_goes_on_where_it_was(topic: str, environment: dict[str, str]) -> None:
    days = ("--from", str(DAYS[0]), "--to", str(DAYS[1]), "--topic", topic)
    live = subprocess.Popen(
        _command("replay", *days, "--speed", "1200", "--json"), env=environment, stdout=subprocess.PIPE, text=True
    )
    time.sleep(12)
    live.send_signal(signal.SIGTERM)
    out, _ = live.communicate(timeout=60)
    first = json.loads(out)
    assert live.returncode == 0
    assert first["stopped"]
    assert first["sent"] == sum(map(len, _held(topic))) > 0
    rest = _run(environment, "replay", *days, "--resume")
    assert rest["resumed_after"]
    assert first["sent"] + rest["sent"] == sum(oracle.expected_counts(*DAYS).values())
    ids = [json.loads(value)["event_id"] for messages in _held(topic) for _, value in messages]
    assert len(ids) == len(set(ids)) == first["sent"] + rest["sent"]
    assert _run(environment, "replay", *days, "--resume")["sent"] == 0


def test_a_killed_replay_loses_nothing(topic: str, environment: dict[str, str]) -> None:
    days = ("--from", str(DAYS[0]), "--to", str(DAYS[1]), "--topic", topic)
    live = subprocess.Popen(_command("replay", *days, "--speed", "3000"), env=environment, stdout=subprocess.DEVNULL)
    time.sleep(12)
    live.kill()
    live.wait(timeout=30)
    _run(environment, "replay", *days, "--resume")
    ids = {json.loads(value)["event_id"] for messages in _held(topic) for _, value in messages}
    assert len(ids) == sum(oracle.expected_counts(*DAYS).values())


def test_what_synthesize_reports_is_what_the_topic_holds(topic: str, environment: dict[str, str]) -> None:
    rates = ("--malformed-rate", "0.05", "--duplicate-rate", "0.05", "--late-rate", "0.05")
    run = ("synthesize", "--events", "20000", "--seed", "5", "--start", "2013-02-01T00:00:00Z", "--topic", topic)
    report = _run(environment, *run, *rates)
    counts = [report[name] for name in ("sent", "valid_unique", "malformed", "duplicates", "late", "out_of_order")]
    assert counts == [20_000, 18_000, 1_000, 1_000, 1_000, 0]
    held = [record for messages in _held(topic) for record in messages]
    assert len(held) == 20_000
    repeated = Counter(value for _, value in held if value != b"{}")
    assert sum(count - 1 for count in repeated.values()) == 1_000


def test_a_topic_that_is_not_there_is_named(environment: dict[str, str]) -> None:
    done = subprocess.run(
        _command("replay", "--topic", "nowhere"), env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "has no topic nowhere" in done.stderr


def test_a_broker_that_does_not_answer_is_named(environment: dict[str, str]) -> None:
    nobody = environment | {"SKYTIER_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    done = subprocess.run(_command("replay"), env=nobody, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "SKYTIER_KAFKA_BOOTSTRAP_SERVERS" in done.stderr
