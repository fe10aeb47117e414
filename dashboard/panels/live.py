"""What an open page shows, and when it has newer results: all panels of the page change together.

A tick every two seconds compares cache tags and ages. It starts what is no longer fresh in the background, without
waiting, and the page is drawn again once the results are there, from the cache.
"""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import streamlit as st

from skytier.cache import CachedResult, CacheTag, Query
from skytier.cache_entries import TagVersions

TICK_SECONDS = 2.0
TOGETHER_SECONDS = 3.0
"""How long the results of a page wait for each other"""
_WATCH = "watch"


class Source(Protocol):
    """What a watch needs of the cache."""

    def start(self, query: Query) -> Future[CachedResult]: ...
    def tag_versions(self, tags: tuple[CacheTag, ...]) -> TagVersions: ...


@dataclass
class _Shown:
    """The result of a query as the page shows it; no time where it has none."""

    query: Query
    as_of: datetime | None
    is_invalidated: bool

    def is_older(self, seconds: float) -> bool:
        """Whether the result is older than that, or there is none."""
        return self.as_of is None or (datetime.now(UTC) - self.as_of).total_seconds() > seconds


@dataclass
class Watch:
    """The results on one page of one viewer, and the queries that will replace them. Times in seconds of a clock."""

    refresh_seconds: float
    versions: TagVersions = field(default_factory=dict)
    """the cache tags when the page was drawn"""
    shown: dict[str, _Shown] = field(default_factory=dict)
    """by name of the query: panels share some"""
    problems: dict[str, str] = field(default_factory=dict)
    """why a query failed that has been started for the page, by its name"""
    _running: dict[str, Future[CachedResult]] = field(default_factory=dict)
    _failed_at: dict[str, float] = field(default_factory=dict)
    _began: float = 0.0

    def begin(self, versions: TagVersions) -> None:
        """The page is drawn again."""
        self.versions = versions
        self.shown.clear()

    def show(self, query: Query, result: CachedResult | None) -> None:
        """A panel shows this result of a query; None: an error."""
        is_invalidated = result is not None and result.is_invalidated
        self.shown[query.name] = _Shown(query, result.as_of if result else None, is_invalidated)

    def tick(self, source: Source, now: float) -> bool:
        """Start what is no longer fresh; whether results have come that the page does not show yet."""
        tags = {tag for shown in self.shown.values() for tag in shown.query.tags}
        versions = source.tag_versions(tuple(sorted(tags, key=str)))
        if any(self._is_due(shown, versions, now) for shown in self.shown.values()):
            self._start(source, versions, now)
        if self._is_incomplete() and now - self._began < TOGETHER_SECONDS:
            return False
        ended = [name for name, run in self._running.items() if run.done()]
        return sum(self._finish(name, now) for name in ended) > 0

    def _is_incomplete(self) -> bool:
        return any(not run.done() for run in self._running.values())

    def _changed(self, shown: _Shown, versions: TagVersions) -> bool:
        """Whether a batch or an archive was committed after the result."""
        tags = map(str, shown.query.tags)
        return shown.is_invalidated or any(versions[tag] != self.versions.get(tag) for tag in tags if tag in versions)

    def _is_due(self, shown: _Shown, versions: TagVersions, now: float) -> bool:
        """Whether the page should have a newer result by now. What failed is tried again after the refresh interval."""
        name = shown.query.name
        if name in self._running or now - self._failed_at.get(name, -self.refresh_seconds) < self.refresh_seconds:
            return False
        return self._changed(shown, versions) or shown.is_older(max(shown.query.ttl_seconds, self.refresh_seconds))

    def _start(self, source: Source, versions: TagVersions, now: float) -> None:
        """Start every query that is not fresh, also where it is not due, so that the panels agree."""
        if not self._running:
            self._began = now
        for name, shown in self.shown.items():
            is_fresh = not self._changed(shown, versions) and not shown.is_older(shown.query.ttl_seconds)
            if name not in self._running and not is_fresh:
                self._running[name] = source.start(shown.query)

    def _finish(self, name: str, now: float) -> bool:
        """Whether a query that ended has something that the page does not show."""
        run, shown = self._running.pop(name), self.shown.get(name)
        if error := run.exception():
            self._failed_at[name] = now
            is_new = name not in self.problems
            self.problems[name] = str(error)
            return is_new and shown is not None
        self._failed_at.pop(name, None)
        had_problem = self.problems.pop(name, None) is not None
        if shown is None:  # the viewer has opened another view
            return False
        return had_problem or shown.as_of is None or run.result().as_of > shown.as_of


def of_page() -> Watch:
    """The watch of the page that this viewer has open."""
    watch: Watch = st.session_state[_WATCH]
    return watch


def begin(refresh_seconds: float, source: Source, tags: tuple[CacheTag, ...], *, is_other_page: bool) -> None:
    """Note that a page is drawn, before its panels are."""
    if is_other_page or _WATCH not in st.session_state:
        st.session_state[_WATCH] = Watch(refresh_seconds)
    of_page().begin(source.tag_versions(tags))
