"""Archiving on real servers: what moves, what proves it, and every way in which a run may fail."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from events.pipelines import flights
from skytier import hot_tier
from skytier.archive import hot
from skytier.archive.manifest import Manifest, State
from skytier.archive.planning import MB
from skytier.files import Files
from skytier.pipeline import reconcile
from skytier.sql import query
from tests import archives
from tests.archive_runs import (
    AMPLE,
    EVENTS,
    FIRST,
    archive,
    archived,
    begun,
    check_view,
    environment,
    failing,
    flip,
    has_alert,
    hot_count,
    open_alerts,
    publish,
    size_mb,
    taken,
)
from tests.flights_archive import location, on_hdfs, staging
from tests.own_stack import BY_SPARK_SUBMIT, SKYTIER, OwnStack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]


def test_within_the_limit_nothing_moves(archive_stack: OwnStack) -> None:
    printed = archive(archive_stack, "run", **AMPLE)
    assert printed == "There is nothing to archive.\n"
    assert archive(archive_stack, "plan", "--json", **AMPLE) == "null\n"
    assert archive(archive_stack, "step", "measure", **AMPLE) == "rest\n"


def test_another_collection_of_the_database_moves_nothing(archive_stack: OwnStack) -> None:
    before, limit_mb = size_mb(), size_mb() * 1.2
    low = {"SKYTIER_ARCHIVE_LIMIT_MB": str(before * 0.75)}
    planned = json.loads(archive(archive_stack, "plan", "--json", **low))
    with hot_tier.client() as connection:
        other = hot_tier.collection(connection, "test_other_events")
        other.insert_many([{"_id": number, "text": "x" * 100_000} for number in range(round(before * 20))])
        try:
            found = other.database.command("dbStats", freeStorage=1)
            total = found["dataSize"] + found["indexSize"] - found["indexFreeStorageSize"]
            assert total > limit_mb * MB * 1.5
            sizes = [hot.size(other.database[name]).total_bytes for name in other.database.list_collection_names()]
            assert sum(sizes) == pytest.approx(total, rel=0.01)
            assert hot.size(other.database["no_such_collection"]).total_bytes == 0
            assert archive(archive_stack, "step", "measure", SKYTIER_ARCHIVE_LIMIT_MB=str(limit_mb)) == "rest\n"
            assert archive(archive_stack, "plan", "--json", SKYTIER_ARCHIVE_LIMIT_MB=str(limit_mb)) == "null\n"
            again = json.loads(archive(archive_stack, "plan", "--json", **low))
            # The size of indexes varies a little; with the other collection all events would have to move.
            assert again["documents"] == pytest.approx(planned["documents"], rel=0.3)
            status = json.loads(archive(archive_stack, "status", "--json"))
            assert status["size_mb"] == pytest.approx(size_mb(), rel=0.05)
        finally:
            other.drop()


def test_the_oldest_events_move_until_the_hot_tier_is_below_its_low_water_mark(archive_stack: OwnStack) -> None:
    documents, limit_mb = hot_count(), size_mb() * 0.75
    planned = json.loads(archive(archive_stack, "plan", "--json", SKYTIER_ARCHIVE_LIMIT_MB=str(limit_mb)))
    manifest = archived(archive_stack, SKYTIER_ARCHIVE_LIMIT_MB=str(limit_mb))
    assert manifest.state is State.DONE
    assert manifest.planned == documents - hot_count()
    assert manifest.planned == pytest.approx(planned["documents"], rel=0.05)  # the size of indexes varies a little
    assert size_mb() < limit_mb
    # Indexes as small as these give their pages back late: at the size that a document had, it is below the mark.
    assert hot_count() * manifest.size_before_bytes / documents <= limit_mb * MB * 0.9
    assert has_alert("size over 100%")
    assert open_alerts() == ["size over 100%"]
    for share, told in ((0.8, ["size over 100%"]), (1.1, ["size over 80%"]), (1.6, [])):
        archive(archive_stack, "step", "measure", SKYTIER_ARCHIVE_LIMIT_MB=str(size_mb() * share))
        assert open_alerts() == told
    with hot_tier.client() as connection:
        oldest = hot_tier.events(connection).find_one(sort=[("event_time", 1)])
    assert oldest is not None
    assert manifest.event_time_max is not None
    assert oldest["event_time"] >= manifest.selection.event_time_before > manifest.event_time_max


def test_metadata_is_a_file_and_rows(archive_stack: OwnStack) -> None:
    manifest = archives.manifests(State.DONE)[-1]
    document = Files().read_json(f"/metadata/archives/{manifest.archive_id}_metadata.json")
    assert document["content"] == {"documents": manifest.planned, "checksum": manifest.content.checksum}  # type: ignore[union-attr]
    assert set(document["step_seconds"]) == {"export", "verify", "publish", "purge", "record"}
    assert set(document["state_times"]) == {str(state) for state in State} - {"failed", "merged", "expiring", "expired"}
    (row,) = query(f"SELECT * FROM flight_dw.archive_metadata WHERE archive_id = '{manifest.archive_id}'").dicts()
    assert row["record_count"] == manifest.planned
    assert row["checksum"] == document["content"]["checksum"]
    assert row["state"] == "done"
    assert (row["event_time_min"], row["event_time_max"]) == (manifest.event_time_min, manifest.event_time_max)
    ((versions,),) = query(
        "SELECT count(*) FROM flight_dw.schema_metadata WHERE schema_name = 'archived_flight_events'"
    ).rows
    assert versions == 1
    actions = query(f"SELECT action FROM flight_dw.archive_audit WHERE archive_id = '{manifest.archive_id}'").rows
    assert sorted(actions) == [("plan",), ("published",), ("purged",)]


def test_filters_on_dates_reach_both_tiers(archive_stack: OwnStack) -> None:
    ((plan,),) = query(
        "EXPLAIN SELECT count(*) FROM tiers.flight_events WHERE event_time >= TIMESTAMP '2013-01-02 00:00:00'"
    ).rows
    assert "PushedFilters: [IsNotNull(event_time), GreaterThanOrEqual(event_time," in plan
    above_mongodb = plan[: plan.index("BatchScan MongoTable")].rstrip(" +-\n:").splitlines()[-1]
    assert "Project" in above_mongodb  # a filter that MongoDB did not take would stand here
    assert plan.count("archive_state") == 2  # one scan, which names the table twice: it is read once


def test_events_delivered_again_after_their_archive_are_duplicates(archive_stack: OwnStack) -> None:
    ((before,),) = query("SELECT sum(duplicates) FROM flight_dw.batch_metadata").rows
    publish(archive_stack, 1, "--start", FIRST)
    publish(archive_stack, 2, "--duplicate-rate", "0.2")
    ((after,),) = query("SELECT sum(duplicates) FROM flight_dw.batch_metadata").rows
    assert after - before >= EVENTS * 0.2


def test_archived_batches_reconcile_when_they_are_checked_again(archive_stack: OwnStack) -> None:
    Files().delete(reconcile.state_path(flights()))
    assert "all row counts match" in archive_stack.skytier("reconcile").stderr


def test_late_events_that_come_meanwhile_stay_hot(archive_stack: OwnStack) -> None:
    manifest = begun(archive_stack, "export")
    publish(archive_stack, 3, "--start", FIRST, "--late-rate", "0.1")
    with hot_tier.client() as connection:
        late = {"event_time": {"$lt": manifest.selection.event_time_before}, "batch_id": {"$gt": last_batch(manifest)}}
        came = hot.count(hot_tier.events(connection), late)
        assert came > 0
        taken(archive_stack, manifest.archive_id, "verify", "publish")
        time.sleep(1)
        check_view()
        taken(archive_stack, manifest.archive_id, "purge", "record")
        assert hot.count(hot_tier.events(connection), late) == came


def last_batch(manifest: Manifest) -> int:
    return max(span.last for span in manifest.selection.batches)


def test_a_copy_that_is_not_the_original_is_found_before_anything_is_deleted(archive_stack: OwnStack) -> None:
    manifest, documents, files = begun(archive_stack, "export"), hot_count(), Files()
    path = f"{staging(manifest)}/{manifest.files[0].name}"
    content = files.read_bytes(path)
    damages = {"byte": flip(content), "missing": None, "truncated": content[:-100]}
    for damage, damaged in damages.items():
        with copy_kept(manifest):
            files.delete(path)
            if damaged is not None:
                files.write_atomically(path, damaged)
            assert refused(archive_stack, manifest, documents), damage
    with copy_kept(manifest), changed_document(manifest):
        assert "key range" in refused(archive_stack, manifest, documents)
    assert archived(archive_stack).archive_id == manifest.archive_id


@contextmanager
def copy_kept(manifest: Manifest) -> Iterator[None]:
    """Afterwards the archive is exported again, as it was."""
    files, known = Files(), on_hdfs()
    kept = {file.name: files.read_bytes(f"{staging(manifest)}/{file.name}") for file in manifest.files}
    yield
    for name, content in kept.items():
        files.write_atomically(f"{staging(manifest)}/{name}", content)
    known.begin(manifest)


@contextmanager
def changed_document(manifest: Manifest) -> Iterator[None]:
    """A document of the archive has another value meanwhile: counts and ids are still right."""
    with hot_tier.client() as connection:
        events = hot_tier.events(connection)
        known = events.find_one(hot.matching(manifest.selection))
        assert known is not None
        events.update_one({"_id": known["_id"]}, {"$set": {"distance_miles": known["distance_miles"] + 1}})
        yield
        events.replace_one({"_id": known["_id"]}, known)


def refused(archive_stack: OwnStack, manifest: Manifest, documents: int) -> str:
    """Why the verification refused the copy; it has ended the archive, raised an alert and deleted nothing."""
    done = archive_stack.run_with(environment(archive_stack), "archive", "run")
    assert done.returncode == 1
    failed = on_hdfs().load(manifest.archive_id)
    assert failed.state is State.FAILED
    assert failed.failure
    assert has_alert(f"verify of {manifest.archive_id}")
    assert hot_count() == documents
    assert not Files().exists(staging(manifest))
    return failed.failure


def test_what_is_in_no_file_is_not_deleted(archive_stack: OwnStack) -> None:
    manifest = begun(archive_stack, "export", "verify", "publish")
    with hot_tier.client() as connection:
        events = hot_tier.events(connection)
        known = events.find_one(hot.matching(manifest.selection))
        assert known is not None
        events.insert_one(known | {"_id": "2013-01-01-XX-1-EWR:departed", "event_id": "2013-01-01-XX-1-EWR:departed"})
        time.sleep(1)
        said = failing(archive_stack, "run")
        assert "1 events of its selection are in the hot tier and not in its files" in said
        assert events.delete_one({"_id": "2013-01-01-XX-1-EWR:departed"}).deleted_count == 1
    assert archived(archive_stack).archive_id == manifest.archive_id


def test_a_run_without_room_goes_on_later_over_a_half_written_folder(archive_stack: OwnStack) -> None:
    manifest, known, files = begun(archive_stack), on_hdfs(), Files()
    files.write_atomically(f"{staging(manifest)}/part-00000-half.snappy.parquet", b"PAR1")
    known.save(manifest.model_copy(update={"estimated_bytes": 10**15}))
    done = archive_stack.run_with(environment(archive_stack), "archive", "run")
    assert done.returncode == 1
    assert "1,000,000,000 MB: free some space" in done.stderr
    known.save(manifest)
    assert archived(archive_stack).archive_id == manifest.archive_id
    assert "part-00000-half.snappy.parquet" not in files.list(location(manifest))


def test_a_published_archive_whose_files_are_lost_is_abandoned(archive_stack: OwnStack) -> None:
    manifest, documents = begun(archive_stack, "export", "verify", "publish"), hot_count()
    Files().delete(location(manifest))
    time.sleep(1)
    assert "has no bytes" in failing(archive_stack, "run")
    archive(archive_stack, "abandon", manifest.archive_id, "--reason", "a disk died")
    assert hot_count() == documents
    assert archives.manifests(State.FAILED)[-1].archive_id == manifest.archive_id
    check_view()


def test_two_runs_at_once_make_one_archive(archive_stack: OwnStack) -> None:
    publish(archive_stack, 4)
    before = len(archives.manifests(State.DONE))
    variables = environment(archive_stack, **BY_SPARK_SUBMIT)
    runs = [subprocess.Popen([SKYTIER, "archive", "run"], env=variables, stderr=subprocess.DEVNULL) for _ in range(2)]
    assert [one.wait() for one in runs] == [0, 0]
    assert len(archives.manifests(State.DONE)) == before + 1


def test_a_run_that_is_asked_to_stop_ends_between_two_deletes(archive_stack: OwnStack) -> None:
    manifest = begun(archive_stack, "export", "verify", "publish")
    slow = {"SKYTIER_ARCHIVE_PURGE_DOCUMENTS_PER_SECOND": "100", "SKYTIER_ARCHIVE_PURGE_BATCH": "50"}
    documents = hot_count()
    with subprocess.Popen(
        [SKYTIER, "archive", "run"], env=environment(archive_stack, **slow), stderr=subprocess.PIPE, text=True
    ) as purging:
        while hot_count() == documents:
            time.sleep(0.05)
        purging.send_signal(signal.SIGTERM)
        _, said = purging.communicate()
    assert purging.returncode == 1
    assert "was asked to stop" in said
    assert 0 < documents - hot_count() < manifest.planned
    check_view()
    assert archived(archive_stack).archive_id == manifest.archive_id


def test_a_field_that_no_table_knows_is_kept(archive_stack: OwnStack) -> None:
    publish(archive_stack, 5)
    with hot_tier.client() as connection:
        events = hot_tier.events(connection)
        oldest = events.find_one(sort=[("event_time", 1)])
        assert oldest is not None
        events.update_one({"_id": oldest["_id"]}, {"$set": {"gate": "B12", "stand": {"row": 3}}})
    archived(archive_stack)
    rows = query(
        "SELECT archive_id, other_fields FROM flight_dw.archived_flight_events WHERE other_fields IS NOT NULL"
    ).rows
    ((archive_id, text),) = rows
    assert json.loads(text) == {"gate": "B12", "stand": {"row": {"$numberInt": "3"}}}
    archive(archive_stack, "restore", archive_id)
    with hot_tier.client() as connection:
        found = hot_tier.events(connection).find_one({"_id": oldest["_id"]})
        assert found == events_with(oldest)
    archive(archive_stack, "unpin", archive_id)
    archive(archive_stack, "run", **AMPLE)


def events_with(document: dict[str, Any]) -> dict[str, Any]:
    return document | {"gate": "B12", "stand": {"row": 3}}
