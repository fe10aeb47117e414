"""The names of the flights' archives, which existing warehouses have; and those of another target, which differ."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pymongo import MongoClient

from skytier.archive.manifest import State
from skytier.archive.manifests import Manifests
from skytier.archive.stores import ServerStores
from skytier.archive.target import Target
from skytier.hot_tier import Document
from skytier.settings.archive import ArchiveSettings
from skytier.sql import Connection
from tests.files_in_memory import FilesInMemory
from tests.flights_archive import TARGET
from tests.plain.test_sql_literals import manifest_of

pytestmark = pytest.mark.plain

OTHER = replace(
    TARGET,
    pipeline=replace(TARGET.pipeline, name="trains", qualifier="trains", collection="trains", view="tiers.trains"),
    folder="/archive/trains",
    manifests_folder="/metadata/trains/archives",
    table="archived_trains",
    state_table="train_archive_state",
)


def names(target: Target) -> set[str]:
    """What two targets must not share."""
    return {
        target.collection,
        target.location("archive_1"),
        target.staging("archive_1"),
        target.archive_table,
        target.archive_states,
        target.view,
        target.hot_view,
        target.pipeline.name,
        target.pipeline.qualified("size over 80%"),
    }


def test_the_flights_archive_keeps_its_names() -> None:
    assert names(TARGET) == {
        "flight_events",
        "/archive/mongodb_archive/archive_1",
        "/archive/mongodb_archive/_inprogress/archive_1",
        "flight_dw.archived_flight_events",
        "flight_dw.archive_state",
        "hot_flight_events",
        "flights",
        "size over 80%",
    }


def test_another_target_shares_no_name() -> None:
    assert not names(TARGET) & names(OTHER)


def test_a_run_of_one_target_is_not_under_way_for_another() -> None:
    files, manifest = FilesInMemory(), manifest_of("archive_20130101T000000_000000")
    Manifests(files, TARGET.manifests_folder).begin(manifest)
    assert Manifests(files, TARGET.manifests_folder).open() == manifest
    other = Manifests(files, OTHER.manifests_folder)
    assert other.open() is None
    assert other.ids() == []


def no_sql() -> Connection:
    """A step that needs no query must not open a session."""
    raise AssertionError


def test_an_archive_that_ends_leaves_no_partial_copies() -> None:
    files, manifest = FilesInMemory(), manifest_of("archive_20130101T000000_000000")
    staging = TARGET.staging(manifest.archive_id)
    other = TARGET.staging("archive_20130102T000000_000000")
    for folder in (staging, f"{staging}.3", f"{staging}.11", other):
        files.write_json_atomically(f"{folder}/part-0", {})
    client: MongoClient[Document] = MongoClient(connect=False)
    with client as mongodb:
        stores = ServerStores(TARGET, ArchiveSettings(), files, mongodb, no_sql)
        stores.begin(manifest)
        stores.finalize(manifest.model_copy(update={"state": State.DONE}))
    assert stores.under_way() is None
    assert [path for path in files.documents if "_inprogress" in path] == [f"{other}/part-0"]
