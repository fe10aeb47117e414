"""Operations & Monitoring against the servers themselves, read by other means."""

from __future__ import annotations

import json
import socket
import time
import uuid
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bson
import pandas as pd
import psutil
import pytest
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient

from dashboard.app_pages.operations import alert_queries, machine_queries
from dashboard.app_pages.operations import health_queries as queries
from dashboard.app_pages.operations import job_queries as jobs
from dashboard.app_pages.operations import server_queries as servers
from dashboard.app_pages.operations import storage_queries as storage
from dashboard.panels import tiers
from events.pipelines import flights
from skytier import alerts, cache, hot_tier, server_questions, webhdfs
from skytier.alerts import Severity, alert
from skytier.archive.manifest import File, Manifest, Selection, State, Tally
from skytier.cache import Query
from skytier.files import Files
from skytier.pipeline.batch_ids import Marks
from skytier.settings.base import home
from skytier.settings.hdfs import HdfsSettings
from skytier.settings.kafka import KafkaSettings
from skytier.settings.mongodb import MongoSettings
from tests import stores
from tests.flights_archive import TARGET
from tests.pages import forget_clients
from tests.query_results import rows_of

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600), pytest.mark.usefixtures("january")]

KIND = "test operations"
AIRFLOW = {"airflow-api", "airflow-scheduler", "airflow-dags"}  # not started in the session's stack
PATIENCE_SECONDS = 6.0
NOBODY = {
    "kafka": ("SKYTIER_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1"),
    "mongodb": ("SKYTIER_MONGODB_URI", "mongodb://127.0.0.1:1/?directConnection=true"),
    "namenode": ("SKYTIER_HDFS_WEB_URL", "http://127.0.0.1:1"),
    "metastore": ("SKYTIER_METASTORE_URI", "thrift://127.0.0.1:1"),
    "sql": ("SKYTIER_PORT_SQL", "1"),
    "redis": ("SKYTIER_REDIS_URL", "redis://127.0.0.1:1"),
    "postgres": ("SKYTIER_PORT_POSTGRES", "1"),
}


@pytest.fixture(autouse=True)
def _this_stack() -> Iterator[None]:
    """Clients of this process are of the servers that settings point to now."""
    forget_clients()
    yield
    forget_clients()


def states() -> dict[str, str]:
    found = rows_of(servers.servers())
    return dict(zip(found["server"], found["state"], strict=True))


def test_servers_that_run_are_well_and_told_with_their_latency() -> None:
    found = rows_of(servers.servers()).set_index("server")
    running = found.drop(list(AIRFLOW))
    assert set(running["state"]) <= {"ok", "slow"}
    assert running["latency_ms"].between(0, server_questions.PATIENCE_SECONDS * 2000).all()
    assert running["reason"].isna().all()
    assert found.loc[sorted(AIRFLOW), "state"].tolist() == ["down", "unknown", "unknown"]


@pytest.mark.parametrize("server", NOBODY)
def test_a_server_that_is_gone_is_told_in_time(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(*NOBODY[server])
    forget_clients()
    began = time.monotonic()
    found = states()
    assert time.monotonic() - began < PATIENCE_SECONDS
    lost = {name for name, state in found.items() if state in ("down", "unknown")} - AIRFLOW
    assert lost == ({"namenode", "datanode"} if server == "namenode" else {server})


def test_a_server_that_hangs_is_told_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the connection and never says a word."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(50)
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        for name, value in NOBODY.values():
            monkeypatch.setenv(name, value.replace("127.0.0.1:1", address) if ":" in value else address.split(":")[1])
        forget_clients()
        began = time.monotonic()
        found = states()
    assert time.monotonic() - began < PATIENCE_SECONDS
    assert set(found.values()) == {"down", "unknown"}


def test_the_score_is_less_by_what_is_down() -> None:
    found = rows_of(queries.score()).set_index("health_part")
    weights, well = queries.WEIGHTS, {name for name, state in states().items() if state == "ok"}
    if set(weights) - well == AIRFLOW:  # else a busy machine made one slow
        expected = 50 * (sum(weights.values()) - sum(weights[name] for name in AIRFLOW)) / sum(weights.values())
        assert found.loc["servers", "points"] == pytest.approx(expected)
    assert (found.loc["dags", "points"], found.loc["hot tier", "points"]) == (0, 10)
    assert pd.isna(found.loc["dags", "of"])


def newest_mark() -> dict[str, Any]:
    """What the newest batch wrote to HDFS last of all."""
    client = webhdfs.client(HdfsSettings())
    numbers = [name[6:-5] for name in client.list(flights().metadata_folder) if name.startswith("batch_")]
    with client.read(Marks(Files(), flights()).path(max(map(int, numbers)))) as reader:
        return dict(json.load(reader))


def test_a_batch_is_told_as_it_told_of_itself() -> None:
    newest, mark = rows_of(jobs.spark_jobs()).iloc[0], newest_mark()
    times = [pd.Timestamp(mark[name]) for name in ("started_at", "committed_at")]
    assert (newest["batch_id"], newest["consumed"]) == (mark["batch_id"], mark["consumed"])
    assert newest["duration_seconds"] == pytest.approx((times[1] - times[0]).total_seconds(), abs=0.001)
    del mark["step_seconds"]["batch_metadata"]  # the row cannot tell how long it took to write itself
    assert json.loads(newest["step_seconds"]) == pytest.approx(mark["step_seconds"])


def test_what_waits_is_what_lies_behind_the_newest_batch() -> None:
    offsets = newest_mark()["kafka_offsets"][KafkaSettings().topic]
    records = stores.topic_records()
    found = rows_of(jobs.kafka_lag()).set_index("partition")
    for partition, (_, to) in offsets.items():
        behind = [offset for number, offset, _ in records if number == int(partition) and offset >= to]
        assert found.loc[int(partition), "waiting"] == len(behind)
        assert found.loc[int(partition), "processed_offset"] == to
    assert found["end_offset"].sum() == len(records)


def test_the_hot_tier_is_as_large_as_its_documents() -> None:
    found = rows_of(storage.storage()).query("kind == 'hot'").set_index("name")["size_mb"]
    uri, name = MongoSettings().connection_string(), MongoSettings().database
    with MongoClient[RawBSONDocument](uri, document_class=RawBSONDocument) as connection:
        # Of the collection that the archive's limit is about: others never push its events out.
        length = sum(len(document.raw) for document in connection[name][MongoSettings().collection].find())
    assert found["documents"] == pytest.approx(length / 1e6)
    assert 0 < found["indexes"] < found["documents"]


def test_hdfs_is_as_large_as_its_files() -> None:
    found = rows_of(storage.storage()).query("tier == 'cold'").set_index(["kind", "name"])["size_mb"]
    client = webhdfs.client(HdfsSettings())
    lengths = {
        f"{folder}/{name}": client.status(f"{folder}/{name}")["length"]
        for top in ("/raw", "/warehouse/flight_dw.db/fact_flight_events")
        for folder, _, names in client.walk(top)
        for name in names
    }
    raw = sum(length for path, length in lengths.items() if path.startswith("/raw/"))
    assert found["folder", "raw"] == pytest.approx(raw / 1e6)
    fact = sum(length for path, length in lengths.items() if path.startswith("/warehouse/"))
    assert found["table", "fact_flight_events"] == pytest.approx(fact / 1e6)


def test_archives_are_told_from_their_manifests() -> None:
    planned = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
    seconds = {"planned": 0, "exported": 10, "verified": 14, "published": 15, "purged": 255, "done": 256}
    manifest = Manifest(
        archive_id="archive_20010203T040506_000000",
        state=State.DONE,
        planned_at=planned,
        planned_by="test",
        selection=Selection(event_time_before=planned, batches=()),
        planned=70,
        content=Tally(documents=70),
        files=(File(name="a", size_bytes=1_500_000), File(name="b", size_bytes=500_000)),
        estimated_bytes=0,
        size_before_bytes=0,
        schema_version=1,
        state_times={state: planned + timedelta(seconds=after) for state, after in seconds.items()},
    )
    path = f"{TARGET.manifests_folder}/{manifest.archive_id}_metadata.json"
    Files().write_json_atomically(path, manifest.model_dump(mode="json"))
    try:
        found = rows_of(storage.archives())
    finally:
        Files().delete(path)
    ours = found[found["archive_id"] == manifest.archive_id]
    assert ours["step_seconds"].tolist() == [0, 10, 4, 1, 240, 1]
    assert (ours["documents"].iloc[0], ours["size_mb"].iloc[0]) == (70, 2.0)


@pytest.fixture
def hot() -> Iterator[MongoClient[hot_tier.Document]]:
    with hot_tier.client() as connection:
        yield connection
        alerts.alerts(connection).delete_many({"kind": KIND})


def test_alerts_are_told_the_open_ones_first(hot: MongoClient[hot_tier.Document]) -> None:
    for subject, severity in (("seen", Severity.CRITICAL), ("open", Severity.WARNING), ("open", Severity.WARNING)):
        alert(hot, KIND, severity, subject, "a message")
    seen = alerts.alerts(hot).find_one({"kind": KIND, "subject": "seen"})
    assert seen is not None
    tiers.fetch(alert_queries.newest_alerts())
    alerts.acknowledge(hot, [seen["_id"]], "ann")
    found = tiers.fetch(alert_queries.newest_alerts()).table.to_pandas()  # at once, although another result was cached
    ours = found[found["kind"] == KIND].reset_index(drop=True)
    assert ours["subject"].tolist() == ["open", "seen"]
    assert (ours["times"].tolist(), ours["acknowledged_by"].tolist()) == ([2, 1], [None, "ann"])
    assert bson.ObjectId(ours["alert_id"].iloc[1]) == seen["_id"]


def test_a_resolved_alert_comes_last_and_costs_no_points(hot: MongoClient[hot_tier.Document]) -> None:
    for subject in ("over", "there"):
        alert(hot, KIND, Severity.CRITICAL, subject, "a message", until_resolved=True)
    cache.invalidate(cache.CacheTag.acknowledgements())  # results of earlier tests are some seconds old
    before = queries._alerts()
    assert alerts.resolve(hot, KIND, "over") == 1
    found = tiers.fetch(alert_queries.newest_alerts()).table.to_pandas()  # at once
    ours = found[found["kind"] == KIND].reset_index(drop=True)
    assert ours["subject"].tolist() == ["there", "over"]
    assert ours["resolved_time"].isna().tolist() == [True, False]
    assert queries._alerts().measure == before.measure - 1


def test_the_cache_counts_results() -> None:
    query = Query(f"test {uuid.uuid4()}", machine_queries.machine().run, 300)
    before = rows_of(machine_queries.cache_counts()).iloc[0]
    for _ in range(5):
        tiers.fetch(query)
    after = rows_of(machine_queries.cache_counts()).iloc[0]
    assert after["computed"] - before["computed"] == 1
    assert after["cached"] - before["cached"] == 4


def test_the_processor_is_as_busy_as_it_was_while_nobody_looked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_queries, "_watched", deque([20.0, 40.0], maxlen=2))
    row = rows_of(replace(machine_queries.machine(), name="the machine, watched")).iloc[0]
    assert row["cpu_share"] == pytest.approx(0.3)
    monkeypatch.setattr(machine_queries, "_WATCHED_SECONDS", 0.2)
    machine_queries.watch_processor()
    deadline = time.monotonic() + 10
    while 20.0 in machine_queries._watched or 40.0 in machine_queries._watched:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert all(0 <= percent <= 100 for percent in machine_queries._watched)


def test_the_machine_is_as_its_kernel_says() -> None:
    row = rows_of(machine_queries.machine()).iloc[0]
    memory = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    assert row["memory_gb"] == pytest.approx(int(memory["MemTotal"].split()[0]) * 1024 / 1e9)
    assert row["cores"] == psutil.cpu_count()
    assert 0 <= row["cpu_share"] <= 1
    disk = psutil.disk_usage(str(home()))
    assert row["disk_used_gb"] / row["disk_gb"] == pytest.approx(disk.percent / 100, abs=0.01)
