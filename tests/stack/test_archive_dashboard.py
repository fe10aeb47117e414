"""What the dashboard says of archives, against their manifests."""

from __future__ import annotations

import pandas as pd
import pytest

from dashboard.app_pages.quality import queries, store_charts, text
from dashboard.panels.tiers import ARCHIVES
from skytier.archive.lifecycle_cli import flights_stores
from skytier.archive.manifest import State
from skytier.cache import Cache
from skytier.sql import query
from tests import archives
from tests.archive_runs import archive
from tests.own_stack import OwnStack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]


def test_archives_are_those_of_the_manifests(archive_stack: OwnStack) -> None:
    if not archives.manifests(State.DONE):
        archive(archive_stack, "run")
    statement = queries.archives().name.removeprefix("sql: ")  # not by the cache, which is of the other stack
    shown = {row["archive_id"]: row for row in query(statement).dicts()}
    for manifest in archives.manifests(State.DONE):
        assert manifest.content is not None
        row = shown[manifest.archive_id]
        assert (row["state"], row["record_count"]) == ("done", manifest.content.documents)
        assert row["checksum"] == manifest.content.checksum
        assert row["visible"] in text.VISIBLE
    assert len(store_charts.archives(pd.DataFrame(list(shown.values()))).rows) == len(shown)


def test_what_was_read_during_a_run_is_not_fresh_after_its_last_step(archive_stack: OwnStack) -> None:
    """The row of an archive is written after its visibility: a result from between would say that there is none."""
    if not archives.manifests(State.DONE):
        archive(archive_stack, "run")
    manifest = archives.manifests(State.DONE)[-1]
    with flights_stores() as stores:
        for write in (stores.save, stores.record, lambda done: stores.note("test", done.archive_id)):
            before = Cache().tag_versions([ARCHIVES])
            write(manifest)
            assert Cache().tag_versions([ARCHIVES]) != before
