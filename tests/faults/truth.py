"""What queries must see, by the topic and by what commands have acknowledged; read without the code under test."""

from __future__ import annotations

import io
from collections import Counter
from datetime import timedelta

import pyarrow.parquet as pq

from skytier import hot_tier
from skytier.archive.manifest import Manifest, State
from skytier.files import Files
from skytier.sql import query
from tests import archives, stores
from tests.flights_archive import location, on_hdfs

_GONE = (State.EXPIRING, State.EXPIRED)


class Truth:
    """What was sent, what archives hold, and which of them are held."""

    def __init__(self) -> None:
        self.content: dict[str, frozenset[str]] = {}
        self.held: set[str] = set()

    def learn(self) -> list[Manifest]:
        """Read the ids of archives that were not there before; all manifests."""
        known = on_hdfs().all()
        for manifest in known:
            if manifest.archive_id not in self.content and manifest.state in (State.DONE, State.EXPIRING):
                self.content[manifest.archive_id] = frozenset(_ids(manifest))
        return known

    def holds(self, archive_id: str) -> None:
        """A hold on an archive was acknowledged."""
        self.held |= self.content.get(archive_id, frozenset())

    def released(self) -> None:
        """A release may have been of any of the archives that were made of others."""
        self.held = set()

    def retention_of_the_oldest(self) -> dict[str, str]:
        """Settings by which the archive whose events end first is too old, and no other."""
        ends = sorted(m.event_time_max for m in self.learn() if m.state is State.DONE and m.event_time_max)
        with hot_tier.client() as connection:
            clock = hot_tier.clock(connection)
        if not ends or clock is None:
            return {}
        days = (clock - ends[0] - timedelta(milliseconds=1)) / timedelta(days=1)
        return {"SKYTIER_ARCHIVE_RETENTION_DAYS": repr(days)} if days > 0 else {}

    def check(self) -> str:
        """Compare what was sent with what queries see, id by id and field by field. Raises AssertionError."""
        known, sent = self.learn(), stores.first_copies()
        gone = set().union(*(self.content.get(m.archive_id, frozenset()) for m in known if m.state in _GONE))
        assert not (lost := gone & self.held), f"{len(lost)} events of archives that are held were deleted"
        seen = Counter(event_id for (event_id,) in query("SELECT event_id FROM tiers.flight_events").rows)
        wrong = {
            "lost": sorted(sent.keys() - gone - seen.keys()),
            "doubled": sorted(event_id for event_id, times in seen.items() if times > 1),
            "unknown": sorted(seen.keys() - sent.keys()),
            "deleted, but there": sorted(gone & seen.keys()),
            "changed": archives.changed(sent),
        }
        found = {what: (len(ids), ids[:3]) for what, ids in wrong.items() if ids}
        assert not found, found
        states = Counter(str(manifest.state) for manifest in known)
        return f"{len(sent)} sent, {len(seen)} seen once, {len(gone)} expired; archives {dict(states)}"

    def restored(self) -> int:
        """How many events are in the hot tier and in an archive at once."""
        done = [self.content[m.archive_id] for m in self.learn() if m.state is State.DONE]
        archived = frozenset().union(*done)
        return sum(document["event_id"] in archived for document in archives.hot_documents())


def _ids(manifest: Manifest) -> list[str]:
    files, found = Files(), list[str]()
    for file in manifest.files:
        content = files.read_bytes(f"{location(manifest)}/{file.name}")
        found += pq.read_table(io.BytesIO(content), columns=["event_id"])["event_id"].to_pylist()
    return found
