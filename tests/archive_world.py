"""The stores of the archive in memory, behind the port of the protocol.

Each change is one effect: a kill may come before or after it, and after it every query that may be running counts all
events.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain, pairwise
from typing import Any

import bson
import pytest
from hypothesis import strategies as st

from skytier.archive.checksum import digest
from skytier.archive.manifest import File, Manifest, Selection, State, Tally, Visibility
from skytier.archive.ports import Copy, Evidence, Timing
from skytier.archive.protocol import NEXT, Archiver, NotYetError, Step
from skytier.archive.visibility import state_rows
from skytier.errors import TerminalError
from skytier.hot_tier import Document
from skytier.pipeline.batch_ids import BatchSpan
from tests.flights_archive import location, staging

DAY = datetime(2013, 1, 1, tzinfo=UTC)
SETTLE, GRACE, EFFECT = 10.0, 120.0, 0.5
TIMING = Timing(settle_seconds=SETTLE, grace_seconds=GRACE, purge_documents_per_second=1000)
LATE_BATCH = 9
CHOSEN = Selection(event_time_before=DAY + timedelta(minutes=6), batches=(BatchSpan(1, 1), BatchSpan(3, 4)))
RESTORED = Selection(event_time_before=DAY + timedelta(minutes=3), batches=(BatchSpan(1, 1),))
ALL = Selection(event_time_before=DAY + timedelta(days=1), batches=(BatchSpan(1, LATE_BATCH),))
ORDER = list(NEXT)
HIDES = {Visibility.PUBLISHED, Visibility.RESTORED}
SHOWS = HIDES | {Visibility.PURGED}
AT_ONCE = 2
"""documents of a file, and of a batch of the purge"""

States = dict[str, tuple[Visibility, tuple[Selection, ...]]]
Files = dict[str, list[Document]]
Query = tuple[tuple[str, ...], States, float]
"""the partitions that it listed, the states that it read, and when it read them"""


class Killed(BaseException):
    """SIGKILL: nothing may catch it."""


def is_of(selection: Selection, document: Document) -> bool:
    is_old = document["event_time"] < selection.event_time_before
    return is_old and any(span.first <= document["batch_id"] <= span.last for span in selection.batches)


def size_of(documents: Sequence[Document]) -> int:
    return sum(len(bson.encode(document)) for document in documents)


class World:
    """The stores of the protocol, and its clock."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self.seconds, self.slept = 0.0, [0.0]
        self.hot: dict[str, Document] = {}
        self.events: dict[str, Document] = {}
        self.folders: dict[str, Files] = {}
        self.partitions: dict[str, str] = {}
        self.states: States = {}
        self.manifests: dict[str, Manifest] = {}
        self.open: str | None = None
        self.recorded: dict[str, Manifest] = {}
        self.effects = 0
        self.kill_in: int | None = None
        self.late: dict[int, Document] = {}
        self.spoil: Callable[[Files], None] = lambda files: None
        self.listed: dict[tuple[str, ...], float] = {}
        self.queries: list[Query] = []
        self._restore([document for document in documents if is_of(RESTORED, document)])
        for document in documents:
            self.arrive(document)

    def _restore(self, documents: list[Document]) -> None:
        """An earlier archive, whose events were put back."""
        self.folders["earlier"], self.partitions["earlier"] = {"part-0": deepcopy(documents)}, "earlier"
        self.states["earlier"] = (Visibility.RESTORED, (RESTORED,))

    # What happens beside the protocol.

    def arrive(self, document: Document) -> None:
        self.events[document["_id"]] = self.hot[document["_id"]] = document

    def plan(self, archive_id: str, selection: Selection, **changes: Any) -> Manifest:
        restored = [chosen for visible, chosen in self.states.values() if visible is Visibility.RESTORED]
        excluded = tuple(chain.from_iterable(restored))
        manifest = Manifest(
            archive_id=archive_id,
            state=State.PLANNED,
            planned_at=self.now(),
            planned_by="test",
            selection=selection,
            excluded=excluded,
            planned=0,
            estimated_bytes=0,
            size_before_bytes=0,
            schema_version=1,
            state_times={},
        ).model_copy(update=changes)
        ids = [document["_id"] for document in self._originals(manifest)]
        update = {"planned": len(ids), "range_starts": tuple(ids[3::3])}
        self.manifests[archive_id], self.open = manifest.model_copy(update=update), archive_id
        return self.manifests[archive_id]

    def now(self) -> datetime:
        return DAY + timedelta(seconds=self.seconds)

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.slept.append(seconds)
        self._effect(lambda: self._pass(seconds))

    def _pass(self, seconds: float) -> None:
        self.seconds += seconds

    def _effect(self, change: Callable[[], object]) -> None:
        self._kill_if_due()
        change()
        self.effects += 1
        self.seconds += EFFECT
        if late := self.late.pop(self.effects, None):
            self.arrive(late)
        self.watch()
        self._kill_if_due()

    def _kill_if_due(self) -> None:
        if self.kill_in is not None:
            self.kill_in -= 1
            if self.kill_in < 0:
                self.kill_in = None
                raise Killed

    # What queries see: they list the partitions, then read the states, then the events of both tiers.

    def watch(self) -> None:
        listed = tuple(sorted(self.partitions))
        self.listed = {k: at for k, at in (self.listed | {listed: self.seconds}).items() if self.seconds - at < SETTLE}
        begun: list[Query] = [(partitions, dict(self.states), self.seconds) for partitions in self.listed]
        known = [query[:2] for query in begun]
        older = [query for query in self.queries if query[:2] not in known]
        self.queries = [query for query in older + begun if self.seconds - query[2] < GRACE]
        for query in self.queries:
            self.count(query)

    def count(self, query: Query) -> None:
        partitions, known, _ = query
        shown = [name for name in partitions if name in known and known[name][0] in SHOWS]
        hidden = list(chain.from_iterable(chosen for visible, chosen in known.values() if visible in HIDES))
        found = [d for name in shown for part in self.folders[self.partitions[name]].values() for d in part]
        found += [d for d in self.hot.values() if not any(is_of(selection, d) for selection in hidden)]
        assert len(found) == len(self.events)
        assert {document["_id"]: document for document in found} == self.events

    # The port.

    def load(self, archive_id: str) -> Manifest:
        return self.manifests[archive_id]

    def save(self, manifest: Manifest) -> None:
        before = self.manifests[manifest.archive_id].state
        fails = before in (State.PLANNED, State.EXPORTED) and manifest.state is State.FAILED
        assert fails or (before, manifest.state) in pairwise([*ORDER, State.DONE])
        self._effect(lambda: self.manifests.update({manifest.archive_id: manifest}))

    def copy(self, manifest: Manifest) -> Copy:
        self._effect(lambda: self.folders.update({staging(manifest): {}}))
        files, documents = self.folders[staging(manifest)], self._originals(manifest)
        for number, document in enumerate(documents):
            part = files.setdefault(f"part-{number // AT_ONCE}", [])
            self._effect(partial(part.append, deepcopy(document)))
        self.spoil(files)
        return Copy(files=tuple(File(name=n, size_bytes=size_of(part)) for n, part in files.items()), columns=())

    def original(self, manifest: Manifest) -> Evidence:
        return self._evidence(manifest, self._originals(manifest))

    def copied(self, manifest: Manifest) -> Evidence:
        folder = staging(manifest) if staging(manifest) in self.folders else location(manifest)
        return self._evidence(manifest, [d for part in self._checked(manifest, folder).values() for d in part])

    def set_aside(self, manifest: Manifest) -> list[str]:
        return []

    def check_files(self, manifest: Manifest) -> None:
        self._checked(manifest, location(manifest))

    def count_archived(self, manifest: Manifest, first_id: str, last_id: str) -> int:
        others = [
            document["_id"]
            for archive_id, location in self.partitions.items()
            if archive_id not in (manifest.archive_id, *manifest.sources)
            and archive_id in self.states
            and self.states[archive_id][0] in SHOWS
            for part in self.folders[location].values()
            for document in part
        ]
        ours = {d["_id"] for part in self.folders[staging(manifest)].values() for d in part}
        assert all(first_id <= event_id <= last_id for event_id in ours)
        return len(ours & set(others))

    def promote_files(self, manifest: Manifest) -> None:
        if staging(manifest) in self.folders:
            self._effect(lambda: self.folders.update({location(manifest): self.folders.pop(staging(manifest))}))
        self.check_files(manifest)
        self._effect(lambda: self.partitions.update({manifest.archive_id: location(manifest)}))

    def set_visibility(self, manifest: Manifest, visibility: Visibility) -> None:
        sources = [self.manifests[source] for source in manifest.sources]
        rows = {k: (v.visibility, v.selections) for k, v in state_rows(manifest, visibility, sources).items()}
        self._effect(lambda: self.states.update(rows))

    def ids(self, manifest: Manifest) -> Iterator[Sequence[str]]:
        for part in self._checked(manifest, location(manifest)).values():
            yield [document["_id"] for document in part]

    def delete(self, ids: Sequence[str]) -> None:
        for event_id in ids:
            if event_id in self.hot:
                self._delete(event_id)

    def _delete(self, event_id: str) -> None:
        manifest = self.manifests[self.open or ""]
        assert manifest.state is State.PUBLISHED
        assert manifest.purge_after is not None
        assert self.now() >= manifest.purge_after
        document = self.hot[event_id]
        assert any(document in part for part in self.folders[location(manifest)].values())
        assert is_of(manifest.selection, document)
        assert not any(is_of(selection, document) for selection in manifest.excluded)
        self._effect(lambda: self.hot.pop(event_id))

    def remaining(self, manifest: Manifest) -> int:
        return len(self._originals(manifest))

    def remove_sources(self, manifest: Manifest) -> None:
        for source in manifest.sources:
            merged = self.manifests[source]
            self._effect(partial(self.partitions.pop, source, None))
            self._effect(partial(self.folders.pop, location(merged), None))
            after = merged.model_copy(update={"state": State.MERGED})
            self._effect(partial(self.manifests.update, {source: after}))

    def record(self, manifest: Manifest) -> None:
        self._effect(lambda: self.recorded.update({manifest.archive_id: manifest}))

    def finalize(self, manifest: Manifest) -> None:
        self._effect(lambda: self.folders.pop(staging(manifest), None))
        self._effect(lambda: setattr(self, "open", None))

    def _originals(self, manifest: Manifest) -> list[Document]:
        if manifest.sources:
            folders = [self.folders.get(location(self.manifests[source]), {}) for source in manifest.sources]
            found = [d for files in folders for part in files.values() for d in part]
        else:
            found = [d for d in self.hot.values() if is_of(manifest.selection, d)]
            found = [d for d in found if not any(is_of(selection, d) for selection in manifest.excluded)]
        return sorted(found, key=lambda document: str(document["_id"]))

    def _checked(self, manifest: Manifest, folder: str) -> Files:
        files = self.folders.get(folder, {})
        for file in manifest.files:
            if file.name not in files or size_of(files[file.name]) != file.size_bytes:
                raise TerminalError(f"{folder}/{file.name} is not what was written")
        return files

    def _evidence(self, manifest: Manifest, documents: list[Document]) -> Evidence:
        ranges: list[list[int]] = [[] for _ in range(len(manifest.range_starts) + 1)]
        for document in documents:
            ranges[bisect.bisect_right(manifest.range_starts, document["_id"])].append(digest(document))
        times = [document["event_time"] for document in documents]
        ids = [str(document["_id"]) for document in documents]
        return Evidence(
            first_id=min(ids, default=""),
            last_id=max(ids, default=""),
            ranges=tuple(Tally(documents=len(d), checksum=f"{sum(d) % 2**128:032x}") for d in ranges),
            all_distinct=len({document["_id"] for document in documents}) == len(documents),
            event_time_min=min(times, default=None),
            event_time_max=max(times, default=None),
        )


def archiver(world: World, timing: Timing = TIMING, asked_to_stop: Callable[[], bool] = lambda: False) -> Archiver:
    return Archiver(world, timing, world, now=world.now, sleep=world.sleep, asked_to_stop=asked_to_stop)


def run_step(world: World, step: Step) -> Manifest:
    """A step of the archive that is under way, as a new process takes it."""
    return archiver(world).run_step(world.manifests[world.open or ""], step)


def finish(world: World) -> None:
    """The runs of the DAG until the archive that is under way has ended."""
    for _ in range(3):
        for step in Step:
            if world.open is None:
                return
            if world.manifests[world.open].state not in NEXT:
                world.finalize(world.manifests[world.open])
                return
            try:
                run_step(world, step)
            except NotYetError as error:
                world.sleep((error.until - world.now()).total_seconds())
                run_step(world, step)
    pytest.fail("the archive does not end")


def check_done(world: World, archive_id: str) -> None:
    """The archive holds what it chose, the hot tier nothing of that, and queries find everything."""
    manifest = world.manifests[archive_id]
    assert manifest.state is State.DONE
    assert world.states[archive_id][0] is Visibility.PURGED
    assert world.remaining(manifest) == 0
    archived = [d for part in world.folders[location(manifest)].values() for d in part]
    assert len(archived) == manifest.planned
    assert manifest.content == Tally(documents=len(archived), checksum=f"{sum(map(digest, archived)) % 2**128:032x}")
    assert manifest.event_time_min == min((d["event_time"] for d in archived), default=None)
    assert world.recorded[archive_id].content == manifest.content
    assert staging(manifest) not in world.folders
    world.watch()


def document(number: int, minute: int, batch: int, flight: str = "") -> Document:
    event_id, at = f"{number * 37 % 100:02d}", DAY + timedelta(minutes=minute)
    return {"_id": event_id, "event_id": event_id, "event_time": at, "batch_id": batch, "n": number, "flight": flight}


EVENTS = [document(n, n % 8, 1 + n % 4) for n in range(14)]
"""some of each minute and batch"""


def documents(least: int = 0) -> st.SearchStrategy[list[Document]]:
    """Events of the plan, before its time and after, of batches in it and not; some are of the restored archive."""
    parts = st.lists(st.tuples(st.integers(0, 8), st.integers(1, 4), st.sampled_from(["", "UA"])), max_size=9)
    sure = [document(90 + n, 4, 1) for n in range(least)]
    return parts.map(lambda found: sure + [document(n, *part) for n, part in enumerate(found)])


late_events = st.dictionaries(st.integers(1, 60), st.integers(0, 8), max_size=3).map(
    lambda at: {effect: document(50 + n, at[effect], LATE_BATCH) for n, effect in enumerate(sorted(at))}
)
kills = st.none() | st.integers(0, 40)
actions = st.lists(
    st.tuples(st.sampled_from([*Step, *ORDER]), kills, st.sampled_from([0.0, 1.0, SETTLE, GRACE])), max_size=12
)
