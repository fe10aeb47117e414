"""The manifests on HDFS: ``/metadata/archives/<archive_id>_metadata.json``, each replaced in one step."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from pydantic import TypeAdapter

from skytier import stored_document
from skytier.archive.manifest import Manifest, Part
from skytier.errors import TerminalError
from skytier.files import Files

FOLDER = "/metadata/archives"
OPEN = f"{FOLDER}/open.json"
_NAME = re.compile(r"(archive_\d{8}T\d{6}_\d{6})_metadata\.json")
_READERS = 8
_REPAIR = (
    "It is the manifest of an archive. Put it back from a copy of HDFS, or write it anew from the warehouse with "
    f"'skytier archive rewrite-manifest ARCHIVE' ({stored_document.REPAIRS})."
)
_REPAIR_OPEN = (
    "It says which archive is under way. Look with 'skytier archive list' which one is in a state before done, and "
    f"write its id there, or delete the file if none is ({stored_document.REPAIRS})."
)


class _Open(Part):
    archive_id: str


_MANIFEST, _OPEN = TypeAdapter(Manifest), TypeAdapter(_Open)


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
        return stored_document.read(self._files, path, _MANIFEST, "the archive", _REPAIR)

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
        archive_id = self._under_way()
        # The run was killed before it wrote the manifest: nothing else has been done for it.
        return self.load(archive_id) if self._files.exists(self._path(archive_id)) else None

    def begin(self, manifest: Manifest) -> None:
        """Save the manifest of a new archive, and remember that it is under way."""
        self._files.write_json_atomically(OPEN, {"archive_id": manifest.archive_id})
        self.save(manifest)

    def end(self, manifest: Manifest) -> None:
        """Remember that no archive is under way."""
        if self._files.exists(OPEN) and self._under_way() == manifest.archive_id:
            self._files.delete(OPEN)

    def _under_way(self) -> str:
        return stored_document.read(self._files, OPEN, _OPEN, "the archive", _REPAIR_OPEN).archive_id

    @staticmethod
    def _path(archive_id: str) -> str:
        return f"{FOLDER}/{archive_id}_metadata.json"
