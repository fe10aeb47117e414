"""Damaged files and documents inserted by hand: each is named, with what to do, and blocks no run for ever."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import bson
import pytest
from bson.raw_bson import RawBSONDocument

from events.pipelines import flights
from models.registry import CHAMPION, Registry
from skytier import alerts, hot_tier
from skytier.archive import invalid_documents
from skytier.archive.manifest import State
from skytier.errors import TerminalError
from skytier.files import Files
from skytier.pipeline import reconcile
from skytier.pipeline.batch_ids import Marks
from skytier.sql import query
from tests import archives
from tests.archive_runs import AMPLE, archive, archived, begun, check_view, failing, has_alert, hot_count
from tests.blocks import flip_on_disk, put_back
from tests.flights_archive import OPEN, location, on_hdfs, staging
from tests.minute_job import run
from tests.own_stack import OwnStack, settings_of

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600), pytest.mark.usefixtures("made")]


@pytest.fixture(scope="module")
def made(moving_stack: OwnStack) -> None:
    """At least one archive is there."""
    with settings_of(moving_stack):
        while not archives.manifests(State.DONE):
            archived(moving_stack)


def test_a_bit_that_flips_in_the_copy_fails_the_archive_and_the_next_run_plans_a_new_one(
    archive_stack: OwnStack,
) -> None:
    manifest, documents = begun(archive_stack, "export"), hot_count()
    path = f"{staging(manifest)}/{manifest.files[0].name}"
    flip_on_disk(archive_stack, path)
    said = failing(archive_stack, "run")
    failed = on_hdfs().load(manifest.archive_id)
    assert failed.state is State.FAILED, said
    assert failed.failure is not None
    assert f"{path} on HDFS is damaged" in failed.failure
    assert has_alert(f"verify of {manifest.archive_id}")
    assert hot_count() == documents
    assert archived(archive_stack).archive_id > manifest.archive_id


def test_a_bit_that_flips_in_a_published_file_stops_the_purge_until_the_file_is_put_back(
    archive_stack: OwnStack,
) -> None:
    manifest, documents = begun(archive_stack, "export", "verify", "publish"), hot_count()
    path = f"{location(manifest)}/{manifest.files[0].name}"
    content = flip_on_disk(archive_stack, path)
    time.sleep(1)
    said = failing(archive_stack, "run")
    assert f"{path} on HDFS is damaged" in said
    assert "docs/repairs.md" in said
    assert has_alert(f"purge of {manifest.archive_id}")
    assert hot_count() == documents
    put_back(path, content)
    assert archived(archive_stack).archive_id == manifest.archive_id
    content = flip_on_disk(archive_stack, path)
    failing(archive_stack, "verify", manifest.archive_id)
    with hot_tier.client() as connection:
        found = alerts.alerts(connection).find_one({"subject": f"files of {manifest.archive_id}"})
    assert found is not None
    assert f"{path} on HDFS is damaged" in found["message"]
    put_back(path, content)
    archive(archive_stack, "verify", manifest.archive_id)


def test_an_archive_without_its_files_is_abandoned_and_its_events_come_back(archive_stack: OwnStack) -> None:
    manifest, documents = archived(archive_stack), hot_count()
    assert "its files can be read" in failing(archive_stack, "abandon", manifest.archive_id, "--reason", "?")
    Files().delete(f"{location(manifest)}/{manifest.files[0].name}")
    printed = archive(archive_stack, "abandon", manifest.archive_id, "--reason", "a disk died")
    assert "'skytier hot rebuild' brings its events back" in printed
    run(archive_stack, "hot", "rebuild")
    assert hot_count() == documents + manifest.planned
    check_view()


def test_a_query_names_the_damaged_file_of_a_table(archive_stack: OwnStack) -> None:
    ((address,),) = query("SELECT max(file_path) FROM flight_dw.schema_metadata.files").rows
    path, table = "/" + address.split("/", 3)[3], "schema_metadata"
    content = flip_on_disk(archive_stack, path)
    try:
        done = archive_stack.skytier("sql", f"select * from flight_dw.{table}")
        assert done.returncode == 1
        assert f"{path} on HDFS is damaged" in done.stderr, repr(done.stderr)[:3000]
        assert "docs/repairs.md" in done.stderr
        assert len(done.stderr.splitlines()) == 1, done.stderr
    finally:
        put_back(path, content)
    assert archive_stack.skytier("sql", f"select * from flight_dw.{table}").returncode == 0


@pytest.mark.parametrize("content", [b"", b"{}", b'{"version": "v1", "since'])
def test_a_champion_that_is_cut_short_is_named(archive_stack: OwnStack, content: bytes) -> None:
    root = "/tests/models-broken"
    Files().write_atomically(f"{root}/{CHAMPION}", content)
    with pytest.raises(TerminalError, match=f"{root}/{CHAMPION} on HDFS is not what the registry writes.*promote"):
        Registry(Files(), root).champion()
    Files().delete(root)


@contextmanager
def instead(path: str, content: bytes) -> Iterator[None]:
    """Another content in a file, until the block ends."""
    files = Files()
    kept = files.read_bytes(path)
    files.write_atomically(path, content)
    try:
        yield
    finally:
        if files.exists(path) and files.read_bytes(path) == content:
            files.write_atomically(path, kept)


@pytest.mark.parametrize("content", [b"", b"{}", b'{"archive_id": "arch'])
def test_a_manifest_that_is_cut_short_is_named_and_put_back(archive_stack: OwnStack, content: bytes) -> None:
    manifest = archives.manifests(State.DONE)[0]
    path = f"/metadata/archives/{manifest.archive_id}_metadata.json"
    with instead(path, content):
        for command in (("list",), ("hold", manifest.archive_id, "--reason", "case 7")):
            assert f"{path} on HDFS is not what the archive writes" in failing(archive_stack, *command)
        archive(archive_stack, "repair", manifest.archive_id)
    assert on_hdfs().load(manifest.archive_id) == manifest


def test_an_open_json_that_is_cut_short_is_named_and_written_again(archive_stack: OwnStack) -> None:
    manifest = begun(archive_stack)
    with instead(OPEN, b"{}"):
        assert f"{OPEN} on HDFS is not what the archive writes: archive_id" in failing(archive_stack, "run")
        assert manifest.archive_id in archive(archive_stack, "repair")
    assert archived(archive_stack).archive_id == manifest.archive_id


def test_the_state_of_the_check_that_is_cut_short_is_named(archive_stack: OwnStack) -> None:
    for content in (b"{}", b'{"batch_id": 10'):
        with instead(reconcile.state_path(flights()), content):
            done = archive_stack.skytier("reconcile")
        assert done.returncode == 1
        assert f"{reconcile.state_path(flights())} on HDFS is not what the check writes" in done.stderr.splitlines()[-1]


def test_a_mark_that_is_cut_short_is_named(archive_stack: OwnStack) -> None:
    ((newest,),) = query("SELECT max(batch_id) FROM flight_dw.batch_metadata").rows
    path = Marks(Files(), flights()).path(newest)
    for content in (b"", b"[]", b'{"position": {}}', Files().read_bytes(path)[:-20]):
        with instead(path, content), pytest.raises(TerminalError, match=f"{path} on HDFS is not what the minute job"):
            Marks(Files(), flights()).position(newest)
    with instead(path, b"{}"):
        assert Marks(Files(), flights()).position(newest) is None


def unreadable(manifest_of: dict[str, Any], event_id: str) -> RawBSONDocument:
    """A document of a batch that is to be archived, with a text that is not UTF-8."""
    raw = bson.encode(manifest_of | {"_id": event_id, "event_id": event_id, "gate": "zzzz"})
    return RawBSONDocument(raw.replace(b"zzzz", b"\xff\xfe\xfd\xfc"))


def test_documents_that_are_no_events_are_named_and_set_aside(archive_stack: OwnStack) -> None:
    with hot_tier.client() as connection:
        events = hot_tier.events(connection)
        oldest = events.find_one(sort=[("event_time", 1)])
        assert oldest is not None
        ancient = bson.encode(oldest | {"_id": "hand-1", "event_time": bson.DatetimeMS(-(10**15))})
        by_hand: list[Any] = [
            RawBSONDocument(ancient),
            oldest | {"_id": "hand-2", "event_time": "2013-01-01"},
            {"_id": 7, "note": "to do"},
            {"_id": "hand-3", "event_time": datetime(2013, 1, 1, tzinfo=UTC)},
        ]
        events.insert_many(by_hand)
        archived(archive_stack)  # the run continues
        assert events.count_documents({"_id": {"$in": ["hand-1", "hand-2", "hand-3", 7]}}) == 0
        aside = invalid_documents.set_aside_collection(events)
        kept = aside.with_options(codec_options=bson.CodecOptions(document_class=RawBSONDocument))
        assert bson.encode(oldest | {"_id": "hand-2", "event_time": "2013-01-01"}) in {
            document["document"].raw for document in kept.find()
        }
        assert ancient in {document["document"].raw for document in kept.find()}
        alert = alerts.alerts(connection).find_one({"subject": "documents set aside"})
        assert alert is not None
        assert "_id 'hand-1' is no event: its event_time is before 1678" in alert["message"]

        oldest = events.find_one(sort=[("event_time", 1)])
        assert oldest is not None
        events.insert_one(unreadable(oldest, "hand-4"))
        failing(archive_stack, "run")
        failure = archives.manifests(State.FAILED)[-1].failure
        assert failure is not None
        assert "_id 'hand-4' is no event: it cannot be read" in failure
        assert events.count_documents({"_id": "hand-4"}) == 0
        assert aside.count_documents({}) == 5
        archived(archive_stack)
        aside.drop()


def test_an_event_in_the_hot_tier_and_in_an_archive_at_once_is_noticed(archive_stack: OwnStack) -> None:
    assert archive_stack.skytier("reconcile", "duplicates").returncode == 0
    archived_ids = query("SELECT event_id FROM tiers.flight_events WHERE tier = 'archive' LIMIT 1").rows
    ((event_id,),) = archived_ids
    with hot_tier.client() as connection:
        events = hot_tier.events(connection)
        some = events.find_one()
        assert some is not None
        events.insert_one(some | {"_id": event_id, "event_id": event_id})
        done = archive_stack.skytier("reconcile", "duplicates", "--json")
        events.delete_one({"_id": event_id})
        assert done.returncode == 1
        (found,) = json.loads(done.stdout)
        assert found["examples"] == [[event_id, "archive and hot"]]
        assert "1 event(s) are stored twice in the view tiers.flight_events" in done.stderr
        alert = alerts.alerts(connection).find_one({"kind": "reconciliation", "subject": "stored twice"})
    assert alert is not None
    check_view()
    archive(archive_stack, "run", **AMPLE)
