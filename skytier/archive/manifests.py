"""The manifests of a target's archives on HDFS: ``<folder>/<archive_id>_metadata.json``, each replaced atomically."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from pydantic import TypeAdapter, ValidationError

from skytier import stored_document
from skytier.archive.manifest import ArchiveId, FrozenModel, Manifest
from skytier.archive.protocol import NEXT
from skytier.errors import TerminalError
from skytier.files import Files

_NAME = re.compile(r"(archive_\d{8}T\d{6}_\d{6})_metadata\.json")
_READERS = 8
_REPAIR = (
    "It is the manifest of an archive: 'skytier archive repair ARCHIVE' replaces it by its second copy "
    f"({stored_document.REPAIRS})."
)
_REPAIR_OPEN = (
    "It names the archive under way: 'skytier archive repair' writes it again from the manifests "
    f"({stored_document.REPAIRS})."
)


class _Open(FrozenModel):
    archive_id: ArchiveId


_MANIFEST, _OPEN, _ID = TypeAdapter(Manifest), TypeAdapter(_Open), TypeAdapter(ArchiveId)


def new_id(now: datetime) -> str:
    """The id of an archive planned now, as ``archive_20261121T153000_123456``; ids ascend with time."""
    return f"archive_{now.astimezone(UTC):%Y%m%dT%H%M%S_%f}"


class Manifests:
    """All manifests in a folder, and which archive is under way. Errors are those of ``Files``."""

    def __init__(self, files: Files, folder: str) -> None:
        self._files, self._folder = files, folder
        self._open_path = f"{folder}/open.json"

    def load(self, archive_id: str) -> Manifest:
        """The manifest of an archive. Raises TerminalError if there is none, or it cannot be read."""
        path = self._path(archive_id)
        if not _is_id(archive_id) or not self._files.exists(path):
            raise TerminalError(f"There is no archive {archive_id}: 'skytier archive list' shows all.")
        return self._read(archive_id, path, _REPAIR)

    def _read(self, archive_id: str, path: str, repair: str) -> Manifest:
        manifest = stored_document.read(self._files, path, _MANIFEST, "the archive", repair)
        if manifest.archive_id != archive_id:  # the folders it names, which are deleted from, must be its own
            raise TerminalError(f"{path} on HDFS is the manifest of {manifest.archive_id}. {repair}")
        return manifest

    def save(self, manifest: Manifest) -> None:
        """Create or replace a manifest atomically; the second copy is written first."""
        document = manifest.model_dump(mode="json")
        self._files.write_json_atomically(self._second_path(manifest.archive_id), document)
        self._files.write_json_atomically(self._path(manifest.archive_id), document)

    def restore_second_copy(self, archive_id: str) -> Manifest:
        """Replace a manifest by its second copy. Raises TerminalError if that is missing or damaged."""
        path = self._second_path(archive_id)
        if not _is_id(archive_id) or not self._files.exists(path):
            raise TerminalError(f"There is no second copy of the manifest of {archive_id}: {path} is not on HDFS.")
        manifest = self._read(archive_id, path, "There is no other copy.")
        self.save(manifest)
        return manifest

    def rewrite_open(self) -> Manifest | None:
        """Write again, from the manifests, which archive is under way; return that one. The caller holds the lock."""
        under_way = [manifest for manifest in self.all() if manifest.state in NEXT]
        if not under_way:
            self._files.delete(self._open_path)
            return None
        self._files.write_json_atomically(self._open_path, {"archive_id": under_way[-1].archive_id})
        return under_way[-1]

    def ids(self) -> list[str]:
        """The ids of all archives, oldest first."""
        return [match[1] for name in self._files.list(self._folder) if (match := _NAME.fullmatch(name))]

    def all(self) -> list[Manifest]:
        """All manifests, oldest first."""
        with ThreadPoolExecutor(max_workers=_READERS) as pool:
            return list(pool.map(self.load, self.ids()))

    def open(self) -> Manifest | None:
        """The archive under way, which has begun and not ended. There is one at a time."""
        if not self._files.exists(self._open_path):
            return None
        archive_id = self._under_way()
        # A run killed before it wrote the manifest has done nothing else.
        return self.load(archive_id) if self._files.exists(self._path(archive_id)) else None

    def begin(self, manifest: Manifest) -> None:
        """Save the manifest of a new archive, and record that it is under way."""
        self._files.write_json_atomically(self._open_path, {"archive_id": manifest.archive_id})
        self.save(manifest)

    def end(self, manifest: Manifest) -> None:
        """Record that no archive is under way."""
        if self._files.exists(self._open_path) and self._under_way() == manifest.archive_id:
            self._files.delete(self._open_path)

    def _under_way(self) -> str:
        return stored_document.read(self._files, self._open_path, _OPEN, "the archive", _REPAIR_OPEN).archive_id

    def _path(self, archive_id: str) -> str:
        return f"{self._folder}/{archive_id}_metadata.json"

    def _second_path(self, archive_id: str) -> str:
        return f"{self._folder}/second_copies/{archive_id}_metadata.json"


def _is_id(archive_id: str) -> bool:
    """Whether an archive could have this id; the command line accepts any text."""
    try:
        _ID.validate_python(archive_id)
    except ValidationError:
        return False
    return True
