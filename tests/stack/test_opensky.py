"""The source of aircraft against real servers: what it polls is in HDFS as it came, and in Kafka row by row."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from typing import Any

import orjson
import pytest

from opensky.raw_answers import FOLDER
from skytier.files import Files
from skytier.settings.kafka import KafkaSettings
from tests.own_stack import OwnStack
from tests.stores import topic_messages

pytestmark = pytest.mark.stack


def raw_answers() -> list[dict[str, Any]]:
    """Every answer that was kept, in its order."""
    files = Files()
    folders = [f"{FOLDER}/{day}/{hour}" for day in files.list(FOLDER) for hour in files.list(f"{FOLDER}/{day}")]
    names = [f"{folder}/{name}" for folder in folders for name in files.list(folder)]
    return [orjson.loads(gzip.decompress(files.read_bytes(name))) for name in names]


def test_every_row_of_an_answer_is_published_once_or_rejected_with_a_reason(stack: OwnStack) -> None:
    old = f"{FOLDER}/date=2013-01-01"
    Files().create(f"{old}/hour=00/20130101T000000.000Z-0.json.gz", b"")
    done = stack.skytier("opensky", "--sample", "--aircraft", "300", "--polls", "2", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert not Files().exists(old), "days past their time are deleted"
    answers = raw_answers()
    assert (report["polls"], report["failed"], len(answers)) == (2, 0, 2)

    kafka = KafkaSettings()
    valid = [(message.key(), orjson.loads(message.value() or b"")) for message in topic_messages(kafka.states_topic)]
    invalid = [orjson.loads(message.value() or b"") for message in topic_messages(kafka.invalid_states_topic)]
    assert (len(valid), len(invalid)) == (report["valid"], report["invalid"])
    assert all(key == event["icao24"].encode() for key, event in valid)
    rows = Counter((row[0], row[3]) for answer in answers for row in answer["states"])
    positions = Counter((event["icao24"], int(event["event_id"].partition(":")[2])) for _, event in valid) + Counter(
        (one["row"][0], None) for one in invalid
    )
    assert positions == rows
    assert {tuple(one["reasons"]) for one in invalid} <= {
        ("missing:time_position", "missing:longitude_deg", "missing:latitude_deg")
    }


def test_a_topic_that_is_not_there_ends_it_before_the_first_poll(stack: OwnStack) -> None:
    elsewhere = stack.environment() | {"SKYTIER_KAFKA_STATES_TOPIC": "nowhere"}
    done = stack.run_with(elsewhere, "opensky", "--sample", "--polls", "1")
    assert done.returncode == 1
    assert "no topic nowhere (SKYTIER_KAFKA_STATES_TOPIC)" in done.stderr
