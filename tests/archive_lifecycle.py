"""The world of ``tests.archive_world`` with what the commands need beside the steps: many archives, held and expiring.

A query counts every event but those of archives whose expiry it knows of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from typing import Any

from skytier.alerts import Severity
from skytier.archive.manifest import Manifest, Selection, State, Visibility
from skytier.archive.manifests import new_id
from skytier.archive.ports import Timing
from skytier.errors import TerminalError
from skytier.hot_tier import Document
from skytier.pipeline.batch_ids import BatchSpan
from tests.archive_world import DAY, HIDES, SHOWS, TIMING, Query, States, World, document, is_of
from tests.flights_archive import location, staging

GONE = {Visibility.EXPIRING, Visibility.EXPIRED}


class Lifecycle(World):
    """Every store, and the clock; archives are planned one after the other."""

    def __init__(self) -> None:
        self.content: dict[str, set[str]] = {}
        self.batches, self.is_alone = 0, False
        self.alerts: list[str] = []
        super().__init__([])

    def _restore(self, documents: list[Document]) -> None:
        pass

    # What happens beside the commands.

    def bring(self, minute: int) -> None:
        """A batch of one event."""
        self.batches += 1
        self.arrive(document(self.batches, minute, self.batches))

    def plan_new(self, minute: int) -> Manifest | None:
        """What a run plans when the hot tier is over its limit: all before a minute that is not restored."""
        before = DAY + timedelta(minutes=minute)
        selection = Selection(event_time_before=before, batches=(BatchSpan(1, self.batches),))
        self._effect(lambda: None)
        kept, manifest = self.open, self.plan(archive_id := new_id(self.now()), selection)
        if not manifest.planned:
            self.open = kept
            del self.manifests[archive_id]
            return None
        return manifest

    def rebuild(self) -> None:
        """``skytier hot rebuild`` of a hot tier that was lost: what no archive has, and no archive that expired had."""
        archived = self.in_archives(self.states)
        expired = list(chain.from_iterable(chosen for visible, chosen in self.states.values() if visible in GONE))
        self.hot = {
            event_id: event
            for event_id, event in self.events.items()
            if event_id not in archived and not any(is_of(selection, event) for selection in expired)
        }
        self.queries = []  # they saw it being lost
        self.watch()

    # What queries see.

    def gone(self, states: States) -> set[str]:
        """The events that no query may see any more."""
        return set().union(*(self.content[name] for name, (visible, _) in states.items() if visible in GONE))

    def in_archives(self, states: States) -> set[str]:
        return set().union(*(self.content[name] for name, (visible, _) in states.items() if visible in SHOWS))

    def count(self, query: Query) -> None:
        partitions, known, _ = query
        shown = [name for name in partitions if name in known and known[name][0] in SHOWS]
        hidden = list(chain.from_iterable(chosen for visible, chosen in known.values() if visible in HIDES))
        found = [d["_id"] for name in shown for part in self.folders[self.partitions[name]].values() for d in part]
        found += [d["_id"] for d in self.hot.values() if not any(is_of(selection, d) for selection in hidden)]
        assert sorted(found) == sorted(self.events.keys() - self.gone(known))

    # The port.

    def load(self, archive_id: str) -> Manifest:
        if archive_id not in self.manifests:
            raise TerminalError(f"There is no archive {archive_id}.")
        return self.manifests[archive_id]

    def save(self, manifest: Manifest) -> None:
        assert self.is_alone
        self._effect(lambda: self.manifests.update({manifest.archive_id: manifest}))

    def promote_files(self, manifest: Manifest) -> None:
        files = self.folders.get(staging(manifest)) or self.folders[location(manifest)]
        self.content[manifest.archive_id] = {d["_id"] for part in files.values() for d in part}
        super().promote_files(manifest)

    def set_visibility(self, manifest: Manifest, visibility: Visibility) -> None:
        self.content.setdefault(manifest.archive_id, set())
        super().set_visibility(manifest, visibility)

    def _delete(self, event_id: str) -> None:
        assert event_id in self.in_archives(self.states)
        self._effect(lambda: self.hot.pop(event_id))

    @contextmanager
    def lock(self) -> Iterator[None]:
        assert not self.is_alone
        self.is_alone = True
        try:
            yield
        finally:
            self.is_alone = False

    def sleep_until(self, moment: datetime) -> None:
        assert not self.is_alone
        self.sleep(max(0.0, (moment - self.now()).total_seconds()))

    def timing(self) -> Timing:
        return TIMING

    def actor(self) -> str:
        return "test"

    def all(self) -> list[Manifest]:
        return [self.manifests[archive_id] for archive_id in sorted(self.manifests)]

    def under_way(self) -> Manifest | None:
        return self.manifests.get(self.open or "")

    def begin(self, manifest: Manifest) -> None:
        self._effect(lambda: setattr(self, "open", manifest.archive_id))
        self._effect(lambda: self.manifests.update({manifest.archive_id: manifest}))

    def with_visibility(self, visibility: Visibility) -> dict[str, Sequence[Selection]]:
        return {name: chosen for name, (now, chosen) in self.states.items() if now is visibility}

    def documents(self, manifest: Manifest) -> Iterator[list[Document]]:
        for part in self._checked(manifest, location(manifest)).values():
            yield [event | {"event_time": event["event_time"].replace(tzinfo=None)} for event in part]

    def hot_documents(self, ids: Sequence[str]) -> list[Document]:
        return [self.hot[event_id] for event_id in ids if event_id in self.hot]

    def insert(self, documents: list[Document]) -> None:
        for event in documents:
            if event["_id"] not in self.hot:
                self._effect(partial(self.hot.update, {event["_id"]: self.events[event["_id"]]}))

    def detach(self, manifest: Manifest) -> None:
        self._effect(lambda: self.partitions.pop(manifest.archive_id, None))

    def remove(self, manifest: Manifest) -> None:
        assert manifest.hold is None
        self.detach(manifest)
        self._effect(lambda: self.folders.pop(location(manifest), None))

    def remove_sources(self, manifest: Manifest) -> None:
        for source in map(self.load, manifest.sources):
            self.save(source.model_copy(update={"state": State.MERGED}))
            self._effect(partial(self.partitions.pop, source.archive_id, None))
            self._effect(partial(self.folders.pop, location(source), None))

    def note(self, action: str, archive_id: str, **details: Any) -> None:
        pass

    def alert(self, severity: Severity, subject: str, message: str, *, until_resolved: bool = False) -> None:
        self.alerts.append(f"{subject}: {message}")
