"""Answers of the API as they came, in HDFS: a file each, compressed, in a folder for each day and hour of UTC."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta

from skytier.files import Files

FOLDER = "/opensky/raw"
_DATE = "date="


class RawAnswers:
    """The folder of answers. What is older than ``days`` is deleted, a day at a time."""

    def __init__(self, files: Files, days: int) -> None:
        self._files, self._days = files, days
        self._cleaned: str | None = None

    def keep(self, content: bytes, received: float, part: int) -> str:
        """Write an answer, and return where it is; ``part`` counts the requests of a poll.

        Raises TransientError or TerminalError as ``Files`` does.
        """
        moment = datetime.fromtimestamp(received, UTC)
        name = f"{moment:%Y%m%dT%H%M%S}.{moment.microsecond // 1000:03}Z-{part}.json.gz"
        path = f"{FOLDER}/{_DATE}{moment:%Y-%m-%d}/hour={moment:%H}/{name}"
        self._files.write_atomically(path, gzip.compress(content, compresslevel=6, mtime=0))
        self._clean(moment)
        return path

    def _clean(self, now: datetime) -> None:
        """Delete old days; once a day, for nothing else makes one old."""
        oldest = f"{_DATE}{now - timedelta(days=self._days):%Y-%m-%d}"
        if oldest == self._cleaned:
            return
        for name in self._files.list(FOLDER):
            if name.startswith(_DATE) and name < oldest:
                self._files.delete(f"{FOLDER}/{name}")
        self._cleaned = oldest
