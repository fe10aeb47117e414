"""Archives restored, merged, held and expired; and a lost hot tier rebuilt."""

from __future__ import annotations

import io
import json

import pyarrow.parquet as pq
import pytest

from skytier import hot_tier
from skytier.archive import hot
from skytier.archive.checksum import digest
from skytier.archive.manifest import Manifest, State
from skytier.files import Files
from skytier.sql import query
from tests import archives
from tests.archive_runs import (
    AMPLE,
    VIEW,
    archive,
    archived,
    check_view,
    environment,
    failing,
    flip,
    has_alert,
    hot_count,
)
from tests.flights_archive import location
from tests.minute_job import run
from tests.own_stack import OwnStack, settings_of

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900), pytest.mark.usefixtures("made")]


@pytest.fixture(scope="module")
def made(moving_stack: OwnStack) -> None:
    """At least three archives are there."""
    with settings_of(moving_stack):
        while len(archives.manifests(State.DONE)) < 3:
            archived(moving_stack)


def test_restored_events_are_pinned_and_archived_again_with_the_same_content(archive_stack: OwnStack) -> None:
    manifest = archives.manifests(State.DONE)[0]
    assert manifest.content is not None
    documents = hot_count()
    archive(archive_stack, "restore", manifest.archive_id)
    archive(archive_stack, "restore", manifest.archive_id)  # once more changes nothing
    assert hot_count() == documents + manifest.planned
    check_view()
    archived(archive_stack)  # the next run leaves them alone
    with hot_tier.client() as connection:
        there = hot.exact(hot_tier.events(connection)).find({"_id": {"$in": ids_of(manifest)}})
        checksum = sum(map(digest, there)) % 2**128
    assert f"{checksum:032x}" == manifest.content.checksum
    archive(archive_stack, "unpin", manifest.archive_id)
    archive(archive_stack, "run", **AMPLE)
    ((details,),) = query(
        f"SELECT details FROM flight_dw.archive_audit WHERE action = 'return' AND archive_id = '{manifest.archive_id}'"
    ).rows
    assert json.loads(details) == manifest.content.model_dump()
    assert "archive_id" not in (archives.manifests(State.DONE)[0].restored or {})


def ids_of(manifest: Manifest) -> list[str]:
    """The ids in the files of an archive."""
    found: list[str] = []
    for file in manifest.files:
        content = Files().read_bytes(f"{location(manifest)}/{file.name}")
        found += pq.read_table(io.BytesIO(content), columns=["event_id"])["event_id"].to_pylist()
    return found


def test_days_are_restored_from_every_archive_that_has_them(archive_stack: OwnStack) -> None:
    manifest = archives.manifests(State.DONE)[0]
    assert manifest.event_time_min is not None
    day = manifest.event_time_min.date()
    documents = hot_count()
    restored = json.loads(
        archive(archive_stack, "restore", "--from", day.isoformat(), "--to", day.isoformat(), "--json")
    )
    assert manifest.archive_id in {known["archive_id"] for known in restored}
    ((expected,),) = query(
        f"SELECT count(*) FROM tiers.flight_events WHERE tier = 'archive' AND date(event_time) = DATE '{day}'"
    ).rows
    assert hot_count() == documents + expected > documents
    for known in restored:
        archive(archive_stack, "unpin", known["archive_id"])
    archive(archive_stack, "run", **AMPLE)
    assert hot_count() == documents


def test_damaged_files_of_an_archive_are_found_by_verify(archive_stack: OwnStack) -> None:
    manifest, files = archives.manifests(State.DONE)[-1], Files()
    archive(archive_stack, "verify", manifest.archive_id)
    path = f"{location(manifest)}/{manifest.files[0].name}"
    content = files.read_bytes(path)
    files.write_atomically(path, flip(content))
    failing(archive_stack, "verify", manifest.archive_id)
    assert has_alert(f"files of {manifest.archive_id}")
    files.write_atomically(path, content)
    archive(archive_stack, "verify", manifest.archive_id)


def test_small_archives_become_one_but_for_those_held(archive_stack: OwnStack) -> None:
    known = archives.manifests(State.DONE)
    assert len(known) >= 3
    archive(archive_stack, "hold", known[0].archive_id, "--reason", "case 7")
    merged = Manifest.model_validate_json(archive(archive_stack, "compact", "--json"))
    assert set(merged.sources) == {manifest.archive_id for manifest in known[1:]}
    assert [manifest.archive_id for manifest in archives.manifests(State.DONE)] == [
        known[0].archive_id,
        merged.archive_id,
    ]
    assert all(not Files().exists(location(manifest)) for manifest in known[1:])
    documents = hot_count()
    archive(archive_stack, "restore", merged.archive_id)
    assert hot_count() == documents + merged.planned
    check_view()
    archive(archive_stack, "unpin", merged.archive_id)
    archive(archive_stack, "run", **AMPLE)
    assert hot_count() == documents


def test_what_an_archive_holds_already_is_not_archived_again(archive_stack: OwnStack) -> None:
    manifest, documents = archives.manifests(State.DONE)[-1], hot_count()
    archive(archive_stack, "restore", manifest.archive_id)
    query(f"UPDATE flight_dw.archive_state SET state = 'purged' WHERE archive_id = '{manifest.archive_id}'")
    done = archive_stack.run_with(environment(archive_stack), "archive", "run")
    assert done.returncode == 1
    assert "are in an earlier archive" in (archives.manifests(State.FAILED)[-1].failure or "")
    query(f"UPDATE flight_dw.archive_state SET state = 'restored' WHERE archive_id = '{manifest.archive_id}'")
    archive(archive_stack, "unpin", manifest.archive_id)
    archive(archive_stack, "run", **AMPLE)
    assert hot_count() == documents


def test_a_lost_hot_tier_is_rebuilt(archive_stack: OwnStack) -> None:
    with hot_tier.client() as connection:
        events = hot.exact(hot_tier.events(connection))
        before = {document["_id"]: digest(document) for document in events.find()}
        hot_tier.events(connection).drop()
        run(archive_stack, "hot", "rebuild")
        assert {document["_id"]: digest(document) for document in events.find()} == before
        assert len(events.index_information()) == 4


def test_archives_expire_unless_they_are_held(archive_stack: OwnStack) -> None:
    held, other = archives.manifests(State.DONE)
    assert archive(archive_stack, "expire") == "There is no such archive.\n"  # off by default
    archive(archive_stack, "expire", SKYTIER_ARCHIVE_RETENTION_DAYS="0.001")
    assert [manifest.archive_id for manifest in archives.manifests(State.EXPIRED)] == [other.archive_id]
    assert not Files().exists(location(other))
    ((stored,),) = query("SELECT count(*) FROM flight_dw.staging_flight_events").rows
    assert query(VIEW).rows == [(stored - other.planned,) * 2]
    documents = hot_count()
    run(archive_stack, "hot", "rebuild")  # what has expired does not come back
    assert hot_count() == documents
    archive(archive_stack, "release", held.archive_id, "--reason", "closed")
