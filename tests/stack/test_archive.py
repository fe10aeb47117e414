"""Archiving on real servers, on a stack of its own: each test adds events and archives some, and all must be there."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pyarrow.parquet as pq
import pytest

from skytier import alerts, books, hot_tier
from skytier.archive import hot
from skytier.archive.manifest import Manifest, State
from skytier.archive.manifests import Manifests
from skytier.archive.planning import MB
from skytier.documents import digest
from skytier.files import Files
from skytier.sql import query
from tests import archives
from tests.minute_job import run
from tests.own_stack import SKYTIER, WITHOUT, OwnStack, own_stack, settings_of

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

EVENTS = 3_000
QUICK = {
    "SKYTIER_ARCHIVE_GRACE_SECONDS": "1",
    "SKYTIER_ARCHIVE_SETTLE_SECONDS": "0.5",
    "SKYTIER_ARCHIVE_MINIMUM_AGE_HOURS": "0",
    "SKYTIER_ARCHIVE_LOW_WATER_PCT": "75",
    "SKYTIER_ARCHIVE_DOCUMENTS_PER_RANGE": "500",
}
VIEW = "SELECT count(*), count(DISTINCT event_id) FROM tiers.flight_events"


@pytest.fixture(scope="module")
def stack() -> Iterator[OwnStack]:
    """A stack of this module's own: archives would take away what other tests count."""
    with own_stack("archive") as own:
        own.up(without=WITHOUT)
        with settings_of(own):
            publish(own, seed=1)
            yield own


def publish(stack: OwnStack, seed: int, *options: str) -> dict[str, Any]:
    """Some more events through the minute job, their books checked; the report of what was sent."""
    report: dict[str, Any] = json.loads(
        run(stack, "synthesize", "--events", str(EVENTS), "--seed", str(seed), *options, "--json")
    )
    run(stack, "process")
    run(stack, "books", "check")
    return report


def size_mb() -> float:
    with hot_tier.client() as connection:
        return hot.size(connection).total_bytes / MB


def environment(stack: OwnStack, **settings: str) -> dict[str, str]:
    """Settings under which a run moves about a third of the hot tier."""
    limit_mb = settings.get("SKYTIER_ARCHIVE_LIMIT_MB") or str(size_mb() * 0.9)
    return stack.environment() | QUICK | {"SKYTIER_ARCHIVE_LIMIT_MB": limit_mb} | settings


def archive(stack: OwnStack, *arguments: str, **settings: str) -> str:
    """A command of the archive that must end well; what it printed."""
    done = stack.run_with(environment(stack, **settings), "archive", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def failing(stack: OwnStack, *arguments: str, **settings: str) -> str:
    """A command of the archive that must fail; what it said."""
    done = stack.run_with(environment(stack, **settings), "archive", *arguments)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stderr.splitlines()[-1]


def archived(stack: OwnStack, **settings: str) -> Manifest:
    """One run to its end."""
    return Manifest.model_validate_json(archive(stack, "run", "--json", **settings))


def begun(stack: OwnStack, *steps: str) -> Manifest:
    """An archive that is planned, and has taken some steps."""
    archive_id = archive(stack, "step", "plan").strip()
    for step in steps:
        taken(stack, step, archive_id)
    return Manifests(Files()).load(archive_id)


def taken(stack: OwnStack, step: str, archive_id: str) -> None:
    """A step as Airflow takes it."""
    if step in ("export", "verify"):
        stack.run_python(f"from skytier import spark; spark.submit('archive_hot_tier', {archive_id!r}, {step!r})")
    else:
        archive(stack, "step", step, archive_id)


def hot_count() -> int:
    with hot_tier.client() as connection:
        return hot_tier.events(connection).count_documents({})


def has_alert(subject: str) -> bool:
    with hot_tier.client() as connection:
        return alerts.alerts(connection).count_documents({"kind": "archive", "subject": subject}) > 0


def check_view() -> None:
    """The view has every event that was stored, once."""
    ((stored,),) = query("SELECT count(*) FROM flight_dw.staging_flight_events").rows
    assert query(VIEW).rows == [(stored, stored)]


@pytest.fixture(autouse=True)
def all_there(stack: OwnStack) -> Iterator[None]:
    """After each test no archive is under way, and every event that was ever sent is there, once, as it was sent."""
    yield
    assert archives.manifests(*set(State) - {State.DONE, State.FAILED, State.MERGED, State.EXPIRED}) == []
    if not archives.manifests(State.EXPIRED):
        archives.check_all_there_once()
        check_view()


def test_within_the_limit_nothing_moves(stack: OwnStack) -> None:
    printed = archive(stack, "run", SKYTIER_ARCHIVE_LIMIT_MB="300")
    assert printed == "There is nothing to archive.\n"
    assert archive(stack, "plan", "--json", SKYTIER_ARCHIVE_LIMIT_MB="300") == "null\n"
    assert archive(stack, "step", "measure", SKYTIER_ARCHIVE_LIMIT_MB="300") == "rest\n"


def test_the_oldest_events_move_until_the_hot_tier_is_below_its_low_water_mark(stack: OwnStack) -> None:
    documents, limit_mb = hot_count(), size_mb() * 0.9
    planned = json.loads(archive(stack, "plan", "--json", SKYTIER_ARCHIVE_LIMIT_MB=str(limit_mb)))
    manifest = archived(stack, SKYTIER_ARCHIVE_LIMIT_MB=str(limit_mb))
    assert manifest.state is State.DONE
    assert manifest.planned == documents - hot_count() == manifest.purged
    assert manifest.planned == pytest.approx(planned["documents"], rel=0.05)  # the size of indexes varies a little
    assert size_mb() < limit_mb * 0.75 * 1.1
    assert has_alert("size over 100%")
    with hot_tier.client() as connection:
        oldest = hot_tier.events(connection).find_one(sort=[("event_time", 1)])
    assert oldest is not None
    assert manifest.event_time_max is not None
    assert oldest["event_time"] >= manifest.selection.event_time_before > manifest.event_time_max


def test_metadata_is_a_file_and_rows(stack: OwnStack) -> None:
    manifest = archives.manifests(State.DONE)[-1]
    document = Files().read_json(f"/metadata/archives/{manifest.archive_id}_metadata.json")
    assert document["content"] == {"documents": manifest.planned, "checksum": manifest.content.checksum}  # type: ignore[union-attr]
    assert set(document["step_seconds"]) == {"export", "verify", "publish", "purge", "record"}
    assert set(document["state_times"]) == {str(state) for state in State} - {"failed", "merged", "expired"}
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


def test_filters_on_dates_reach_both_tiers(stack: OwnStack) -> None:
    ((plan,),) = query(
        "EXPLAIN SELECT count(*) FROM tiers.flight_events WHERE event_time >= TIMESTAMP '2013-01-02 00:00:00'"
    ).rows
    assert "PushedFilters: [IsNotNull(event_time), GreaterThanOrEqual(event_time," in plan
    above_mongodb = plan[: plan.index("BatchScan MongoTable")].rstrip(" +-\n:").splitlines()[-1]
    assert "Project" in above_mongodb  # a filter that MongoDB did not take would stand here
    assert plan.count("archive_state") == 2  # one scan, which names the table twice: it is read once


def test_events_delivered_again_after_their_archive_are_duplicates(stack: OwnStack) -> None:
    ((before,),) = query("SELECT sum(duplicates) FROM flight_dw.batch_metadata").rows
    ((first,),) = query("SELECT min(event_time) FROM flight_dw.staging_flight_events").rows
    publish(stack, 1, "--start", first.strftime("%Y-%m-%dT%H:%M:%SZ"))
    publish(stack, 2, "--duplicate-rate", "0.2")
    ((after,),) = query("SELECT sum(duplicates) FROM flight_dw.batch_metadata").rows
    assert after - before >= EVENTS * 0.2


def test_books_of_archived_batches_balance_when_they_are_checked_again(stack: OwnStack) -> None:
    Files().delete(books.BALANCE)
    assert "the books balance" in stack.skytier("books", "check").stderr


def test_late_events_that_come_meanwhile_stay_hot(stack: OwnStack) -> None:
    manifest = begun(stack, "export")
    ((first,),) = query("SELECT min(event_time) FROM flight_dw.staging_flight_events").rows
    publish(stack, 3, "--start", first.strftime("%Y-%m-%dT%H:%M:%SZ"), "--late-rate", "0.1")
    with hot_tier.client() as connection:
        late = {"event_time": {"$lt": manifest.selection.event_time_before}, "batch_id": {"$gt": last_batch(manifest)}}
        came = hot.count(connection, late)
        assert came > 0
        for step in ("verify", "publish", "purge", "record"):
            if step == "purge":
                time.sleep(1)
                check_view()
            taken(stack, step, manifest.archive_id)
        assert hot.count(connection, late) == came


def last_batch(manifest: Manifest) -> int:
    return max(span.last for span in manifest.selection.batches)


def flip(content: bytes) -> bytes:
    """One byte of the data changed."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


@pytest.mark.parametrize("damage", ["byte", "missing", "truncated"])
def test_a_damaged_copy_is_found_before_anything_is_deleted(stack: OwnStack, damage: str) -> None:
    manifest, documents, files = begun(stack, "export"), hot_count(), Files()
    path = f"{manifest.workplace}/{manifest.files[0].name}"
    content = files.read_bytes(path)
    files.delete(path)
    if damage != "missing":
        files.write_atomically(path, flip(content) if damage == "byte" else content[:-100])
    done = stack.run_with(environment(stack), "archive", "run")
    assert done.returncode == 1
    failed = Manifests(Files()).load(manifest.archive_id)
    assert failed.state is State.FAILED
    assert failed.failure
    assert has_alert(f"verify of {manifest.archive_id}")
    assert hot_count() == documents
    assert archived(stack).state is State.DONE  # the next run plans anew


def test_a_copy_that_only_counts_right_is_refused(stack: OwnStack) -> None:
    manifest, documents = begun(stack, "export"), hot_count()
    with hot_tier.client() as connection:
        events = hot_tier.events(connection)
        known = events.find_one(hot.chosen(manifest.selection))
        assert known is not None
        events.update_one({"_id": known["_id"]}, {"$set": {"distance_miles": known["distance_miles"] + 1}})
        done = stack.run_with(environment(stack), "archive", "run")
        events.replace_one({"_id": known["_id"]}, known)
    assert done.returncode == 1
    assert "key range" in (Manifests(Files()).load(manifest.archive_id).failure or "")
    assert hot_count() == documents


def test_what_is_in_no_file_is_not_deleted(stack: OwnStack) -> None:
    manifest = begun(stack, "export", "verify", "publish")
    with hot_tier.client() as connection:
        events = hot_tier.events(connection)
        known = events.find_one(hot.chosen(manifest.selection))
        assert known is not None
        events.insert_one(known | {"_id": "2013-01-01-XX-1-EWR:departed", "event_id": "2013-01-01-XX-1-EWR:departed"})
        time.sleep(1)
        said = failing(stack, "run")
        assert "1 events that it ought to hold are in the hot tier and not in its files" in said
        assert events.delete_one({"_id": "2013-01-01-XX-1-EWR:departed"}).deleted_count == 1
    assert archived(stack).archive_id == manifest.archive_id


def test_a_half_written_folder_of_an_earlier_try_is_replaced(stack: OwnStack) -> None:
    manifest, files = begun(stack), Files()
    files.write_atomically(f"{manifest.workplace}/part-00000-half.snappy.parquet", b"PAR1")
    assert archived(stack).archive_id == manifest.archive_id
    assert "part-00000-half.snappy.parquet" not in files.list(manifest.location)


def test_no_room_on_the_file_system_stops_before_writing(stack: OwnStack) -> None:
    manifest, known = begun(stack), Manifests(Files())
    known.save(manifest.model_copy(update={"estimated_bytes": 10**15}))
    done = stack.run_with(environment(stack), "archive", "run")
    assert done.returncode == 1
    assert "1,000,000,000 MB: make room" in done.stderr
    assert not Files().exists(manifest.workplace)
    known.save(manifest)
    assert archived(stack).archive_id == manifest.archive_id


def test_a_published_archive_whose_files_are_lost_is_abandoned(stack: OwnStack) -> None:
    manifest, documents = begun(stack, "export", "verify", "publish"), hot_count()
    Files().delete(manifest.location)
    time.sleep(1)
    assert "has no bytes" in failing(stack, "run")
    archive(stack, "abandon", manifest.archive_id, "--reason", "a disk died")
    assert hot_count() == documents
    assert archives.manifests(State.FAILED)[-1].archive_id == manifest.archive_id
    check_view()


def test_two_runs_at_once_make_one_archive(stack: OwnStack) -> None:
    publish(stack, 4)
    before = len(archives.manifests(State.DONE))
    variables = environment(stack)
    runs = [subprocess.Popen([SKYTIER, "archive", "run"], env=variables, stderr=subprocess.DEVNULL) for _ in range(2)]
    assert [one.wait() for one in runs] == [0, 0]
    assert len(archives.manifests(State.DONE)) == before + 1


def test_a_run_that_is_asked_to_stop_ends_between_two_deletes(stack: OwnStack) -> None:
    manifest = begun(stack, "export", "verify", "publish")
    slow = {"SKYTIER_ARCHIVE_PURGE_DOCUMENTS_PER_SECOND": "100", "SKYTIER_ARCHIVE_PURGE_BATCH": "50"}
    documents = hot_count()
    with subprocess.Popen(
        [SKYTIER, "archive", "run"], env=environment(stack, **slow), stderr=subprocess.PIPE, text=True
    ) as purging:
        while hot_count() == documents:
            time.sleep(0.05)
        purging.send_signal(signal.SIGTERM)
        _, said = purging.communicate()
    assert purging.returncode == 1
    assert "was asked to stop" in said
    assert 0 < documents - hot_count() < manifest.planned
    check_view()
    assert archived(stack).archive_id == manifest.archive_id


def test_a_field_that_no_table_knows_is_kept(stack: OwnStack) -> None:
    publish(stack, 5)
    with hot_tier.client() as connection:
        events = hot_tier.events(connection)
        oldest = events.find_one(sort=[("event_time", 1)])
        assert oldest is not None
        events.update_one({"_id": oldest["_id"]}, {"$set": {"gate": "B12", "stand": {"row": 3}}})
    archived(stack)
    rows = query(
        "SELECT archive_id, other_fields FROM flight_dw.archived_flight_events WHERE other_fields IS NOT NULL"
    ).rows
    ((archive_id, text),) = rows
    assert json.loads(text) == {"gate": "B12", "stand": {"row": {"$numberInt": "3"}}}
    archive(stack, "restore", archive_id)
    with hot_tier.client() as connection:
        found = hot_tier.events(connection).find_one({"_id": oldest["_id"]})
        assert found == events_with(oldest)
    archive(stack, "unpin", archive_id)
    archive(stack, "run", SKYTIER_ARCHIVE_LIMIT_MB="300")


def events_with(document: dict[str, Any]) -> dict[str, Any]:
    return document | {"gate": "B12", "stand": {"row": 3}}


def test_restored_events_are_pinned_and_archived_again_with_the_same_content(stack: OwnStack) -> None:
    manifest = archives.manifests(State.DONE)[0]
    assert manifest.content is not None
    documents = hot_count()
    archive(stack, "restore", manifest.archive_id)
    archive(stack, "restore", manifest.archive_id)  # once more changes nothing
    assert hot_count() == documents + manifest.planned
    check_view()
    archived(stack)  # the next run leaves them alone
    with hot_tier.client() as connection:
        there = hot.exact_events(connection).find({"_id": {"$in": ids_of(manifest)}})
        checksum = sum(map(digest, there)) % 2**128
    assert f"{checksum:032x}" == manifest.content.checksum
    archive(stack, "unpin", manifest.archive_id)
    archive(stack, "run", SKYTIER_ARCHIVE_LIMIT_MB="300")
    ((details,),) = query(
        f"SELECT details FROM flight_dw.archive_audit WHERE action = 'return' AND archive_id = '{manifest.archive_id}'"
    ).rows
    assert json.loads(details) == manifest.content.model_dump()
    assert "archive_id" not in (archives.manifests(State.DONE)[0].restored or {})


def ids_of(manifest: Manifest) -> list[str]:
    """The ids in the files of an archive."""
    found: list[str] = []
    for file in manifest.files:
        content = Files().read_bytes(f"{manifest.location}/{file.name}")
        found += pq.read_table(io.BytesIO(content), columns=["event_id"])["event_id"].to_pylist()
    return found


def test_days_are_restored_from_every_archive_that_has_them(stack: OwnStack) -> None:
    manifest = archives.manifests(State.DONE)[0]
    assert manifest.event_time_min is not None
    day = manifest.event_time_min.date()
    documents = hot_count()
    restored = json.loads(archive(stack, "restore", "--from", day.isoformat(), "--to", day.isoformat(), "--json"))
    assert manifest.archive_id in {known["archive_id"] for known in restored}
    ((expected,),) = query(
        f"SELECT count(*) FROM tiers.flight_events WHERE tier = 'archive' AND date(event_time) = DATE '{day}'"
    ).rows
    assert hot_count() == documents + expected > documents
    for known in restored:
        archive(stack, "unpin", known["archive_id"])
    archive(stack, "run", SKYTIER_ARCHIVE_LIMIT_MB="300")
    assert hot_count() == documents


def test_damaged_files_of_an_archive_are_found_by_verify(stack: OwnStack) -> None:
    manifest, files = archives.manifests(State.DONE)[-1], Files()
    archive(stack, "verify", manifest.archive_id)
    path = f"{manifest.location}/{manifest.files[0].name}"
    content = files.read_bytes(path)
    files.write_atomically(path, flip(content))
    failing(stack, "verify", manifest.archive_id)
    assert has_alert(f"files of {manifest.archive_id}")
    files.write_atomically(path, content)
    archive(stack, "verify", manifest.archive_id)


def test_small_archives_become_one_but_for_those_held(stack: OwnStack) -> None:
    known = archives.manifests(State.DONE)
    assert len(known) >= 3
    archive(stack, "hold", known[0].archive_id, "--reason", "case 7")
    merged = Manifest.model_validate_json(archive(stack, "compact", "--json"))
    assert set(merged.sources) == {manifest.archive_id for manifest in known[1:]}
    assert [manifest.archive_id for manifest in archives.manifests(State.DONE)] == [
        known[0].archive_id,
        merged.archive_id,
    ]
    assert all(not Files().exists(manifest.location) for manifest in known[1:])


def test_a_lost_hot_tier_is_rebuilt(stack: OwnStack) -> None:
    with hot_tier.client() as connection:
        events = hot.exact_events(connection)
        before = {document["_id"]: digest(document) for document in events.find()}
        hot_tier.events(connection).drop()
        run(stack, "hot", "rebuild")
        assert {document["_id"]: digest(document) for document in events.find()} == before
        assert len(events.index_information()) == 4


def test_archives_expire_unless_they_are_held(stack: OwnStack) -> None:
    held, other = archives.manifests(State.DONE)
    assert archive(stack, "expire") == "There is no such archive.\n"  # off by default
    archive(stack, "expire", SKYTIER_ARCHIVE_RETENTION_DAYS="0.001")
    assert [manifest.archive_id for manifest in archives.manifests(State.EXPIRED)] == [other.archive_id]
    assert not Files().exists(other.location)
    ((stored,),) = query("SELECT count(*) FROM flight_dw.staging_flight_events").rows
    assert query(VIEW).rows == [(stored - other.planned,) * 2]
    archive(stack, "release", held.archive_id, "--reason", "closed")
