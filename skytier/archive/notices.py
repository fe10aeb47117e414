"""Alerts about the archives of a target, and the invalidation of cached results about them."""

from __future__ import annotations

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from skytier import alerts, cache, logs
from skytier.alerts import Severity
from skytier.archive.target import Target
from skytier.hot_tier import Document

_KIND = "archive"
log = logs.logger("archive")


class Notices:
    """Alerts and cache tags of one target. A server that does not answer is logged, and fails no step."""

    def __init__(self, mongodb: MongoClient[Document], target: Target) -> None:
        self._mongodb, self._target = mongodb, target

    def alert(self, severity: Severity, subject: str, message: str, *, until_resolved: bool = False) -> None:
        """Raise an alert of the target, or count it up."""
        subject = self._target.pipeline.qualified(subject)
        try:
            alerts.alert(self._mongodb, _KIND, severity, subject, message, until_resolved=until_resolved)
        except PyMongoError as error:
            log.error("alert not stored", subject=subject, message=message, reason=str(error))

    def resolve(self, *subjects: str) -> None:
        """Resolve alerts of the target; if MongoDB does not answer, the next run does."""
        subjects = tuple(self._target.pipeline.qualified(subject) for subject in subjects)
        try:
            alerts.resolve(self._mongodb, _KIND, *subjects)
        except PyMongoError as error:
            log.error("alert not resolved", subjects=subjects, reason=str(error))

    def invalidate_cache(self) -> None:
        """Make cached results about the target's archives stale."""
        cache.invalidate(cache.CacheTag.archives(self._target.pipeline.name))
