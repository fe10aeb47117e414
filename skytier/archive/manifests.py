"""The manifests on HDFS: ``/metadata/archives/<archive_id>_metadata.json``, each replaced in one step."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from pydantic import TypeAdapter, ValidationError

from skytier import stored_document
from skytier.archive.manifest import ArchiveId, Manifest, Part
from skytier.archive.protocol import NEXT
from skytier.errors import TerminalError
from skytier.files import Files

FOLDER = "/metadata/archives"
OPEN = f"{FOLDER}/open.json"
SECOND = f"{FOLDER}/second_copies"
_NAME = re.compile(r"(archive_\d{8}T\d{6}_\d{6})_metadata\.json")
_READERS = 8
_REPAIR = (
    "It is the manifest of an archive: 'skytier archive repair ARCHIVE' puts its second copy in its place "
    f"({stored_document.REPAIRS})."
)
_REPAIR_OPEN = (
    "It says which archive is under way: 'skytier archive repair' writes it anew by the manifests "
    f"({stored_document.REPAIRS})."
)


class _Open(Part):
    archive_id: ArchiveId


_MANIFEST, _OPEN, _ID = TypeAdapter(Manifest), TypeAdapter(_Open), TypeAdapter(ArchiveId)


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
        if not _is_id(archive_id) or not self._files.exists(path):
            raise TerminalError(f"There is no archive {archive_id}: 'skytier archive list' shows all.")
        return self._read(archive_id, path, _REPAIR)

    def _read(self, archive_id: str, path: str, repair: str) -> Manifest:
        manifest = stored_document.read(self._files, path, _MANIFEST, "the archive", repair)
        if manifest.archive_id != archive_id:  # its folders, which are deleted from, are those of its own id
            raise TerminalError(f"{path} on HDFS is the manifest of {manifest.archive_id}. {repair}")
        return manifest

    def save(self, manifest: Manifest) -> None:
        """Make or replace a manifest, in one step; a second copy is there before."""
        document = manifest.model_dump(mode="json")
        self._files.write_json_atomically(self._path(manifest.archive_id, SECOND), document)
        self._files.write_json_atomically(self._path(manifest.archive_id), document)

    def put_back(self, archive_id: str) -> Manifest:
        """Put the second copy of a manifest in its place. Raises TerminalError without a whole one."""
        path = self._path(archive_id, SECOND)
        if not _is_id(archive_id) or not self._files.exists(path):
            raise TerminalError(f"There is no second copy of the manifest of {archive_id}: {path} is not on HDFS.")
        manifest = self._read(archive_id, path, "There is no other copy.")
        self.save(manifest)
        return manifest

    def rewrite_open(self) -> Manifest | None:
        """Write by the manifests which archive is under way; that one. The caller is alone."""
        under_way = [manifest for manifest in self.all() if manifest.state in NEXT]
        if not under_way:
            self._files.delete(OPEN)
            return None
        self._files.write_json_atomically(OPEN, {"archive_id": under_way[-1].archive_id})
        return under_way[-1]

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
    def _path(archive_id: str, folder: str = FOLDER) -> str:
        return f"{folder}/{archive_id}_metadata.json"


def _is_id(archive_id: str) -> bool:
    """Whether an archive could have this id: one of the command line is any text."""
    try:
        _ID.validate_python(archive_id)
    except ValidationError:
        return False
    return True
