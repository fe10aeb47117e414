"""The manifests on HDFS: ``/metadata/archives/<archive_id>_metadata.json``, each replaced in one step."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from pydantic import ValidationError

from skytier.archive.manifest import Manifest
from skytier.errors import TerminalError
from skytier.files import Files

FOLDER = "/metadata/archives"
OPEN = f"{FOLDER}/open.json"
_NAME = re.compile(r"(archive_\d{8}T\d{6}_\d{6})_metadata\.json")
_READERS = 8


def new_id(now: datetime) -> str:
    """The id of an archive that is planned now, as ``archive_20261121T153000_123456``; ids rise with time."""
    return f"archive_{now.astimezone(UTC):%Y%m%dT%H%M%S_%f}"


class Manifests:
    """All manifests, and which archive is under way. Errors are those of ``Files``."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def load(self, archive_id: str) -> Manifest:
        """The manifest of an archive. Raises TerminalError where there is none, or it cannot be read."""
        path = self._path(archive_id)
        if not self._files.exists(path):
            raise TerminalError(f"There is no archive {archive_id}: 'skytier archive list' shows all.")
        try:
            return Manifest.model_validate(self._files.read_json(path))
        except ValidationError as error:
            raise TerminalError(f"{path} on HDFS is no manifest of an archive ({error}).") from error

    def save(self, manifest: Manifest) -> None:
        """Make or replace a manifest, in one step."""
        self._files.write_json_atomically(self._path(manifest.archive_id), manifest.model_dump(mode="json"))

    def ids(self) -> list[str]:
        """The ids of all archives, oldest first."""
        return [match[1] for name in self._files.list(FOLDER) if (match := _NAME.fullmatch(name))]

    def all(self) -> list[Manifest]:
        """All manifests, oldest first."""
        with ThreadPoolExecutor(max_workers=_READERS) as pool:
            return list(pool.map(self.load, self.ids()))

    def open(self) -> Manifest | None:
        """The archive under way: begun and not ended. One at a time."""
        if not self._files.exists(OPEN):
            return None
        archive_id = self._files.read_json(OPEN)["archive_id"]
        # The run was killed before it wrote the manifest: nothing else has been done for it.
        return self.load(archive_id) if self._files.exists(self._path(archive_id)) else None

    def begin(self, manifest: Manifest) -> None:
        """Save the manifest of a new archive, and remember that it is under way."""
        self._files.write_json_atomically(OPEN, {"archive_id": manifest.archive_id})
        self.save(manifest)

    def end(self, manifest: Manifest) -> None:
        """Remember that no archive is under way."""
        if self._files.exists(OPEN) and self._files.read_json(OPEN)["archive_id"] == manifest.archive_id:
            self._files.delete(OPEN)

    @staticmethod
    def _path(archive_id: str) -> str:
        return f"{FOLDER}/{archive_id}_metadata.json"
