"""Files on HDFS, over WebHDFS: small JSON documents, and the folders that Spark writes.

``Files.behind`` gives a file system whose changes go through the folder of a lease: a process that has lost the lease
changes nothing (``skytier.fence``).
"""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any

import requests
from hdfs import HdfsError

from skytier import blocks, webhdfs
from skytier.errors import DamagedFileError, TerminalError, TransientError
from skytier.fence import Fence
from skytier.settings.hdfs import HdfsSettings

_TIMEOUT_SECONDS = (5, 60)  # to connect, to answer
_CHUNK_BYTES = 1 << 20
# What a NameNode says while it starts or is not the active one.
_PASSING = {"SafeModeException", "StandbyException", "RetriableException"}


class Files:
    """The file system of the cold tier. Paths are absolute, as in ``/metadata/batch_7.json``.

    Every method raises TransientError while HDFS does not answer, TerminalError when it refuses; those that read raise
    DamagedFileError when HDFS answers and a block of the file is corrupt or lost.
    """

    def __init__(self, settings: HdfsSettings | None = None) -> None:
        self._settings = settings or HdfsSettings()
        self._client = webhdfs.client(self._settings, _TIMEOUT_SECONDS)
        self.fence: Fence | None = None

    def behind(self, fence: Fence) -> Files:
        """The same file system for a holder of a lease: its changes raise LeaseLostError once that is lost."""
        fenced = copy.copy(self)
        fenced.fence = fence
        return fenced

    @contextmanager
    def held_by(self, fence: Fence) -> Iterator[None]:
        """Let this file system, which others have too, be that of a holder while the block runs."""
        self.fence = fence
        try:
            yield
        finally:
            self.fence = None

    def require(self) -> None:
        """Raises LeaseLostError when the lease is lost; nothing without one."""
        if self.fence is not None:
            self.fence.require(self)

    def url(self, path: str) -> str:
        """The address of a path, as Spark and SQL name it."""
        return f"{self._settings.url}{path}"

    def exists(self, path: str) -> bool:
        """Whether there is a file or folder."""
        with self._errors("look for", path):
            return self._client.status(path, strict=False) is not None

    def list(self, path: str) -> list[str]:
        """The names in a folder, sorted; none where there is no folder."""
        return sorted(status["pathSuffix"] for status in self._statuses(path))

    def size_bytes(self, path: str) -> int:
        """The length of a file, or of all files in and below a folder, without replication."""
        with self._errors("measure", path):
            return int(self._client.content(path)["length"])

    def sizes(self, path: str) -> dict[str, int]:
        """The length of each file in a folder, by name; none where there is no folder."""
        files = (status for status in self._statuses(path) if status["type"] == "FILE")
        return {status["pathSuffix"]: int(status["length"]) for status in files}

    def free_bytes(self) -> int:
        """What the file system can still take; every replica of a block counts."""
        with self._errors("measure", "/"):
            answer = webhdfs.ask(f"{self._settings.web_url}/webhdfs/v1/", _TIMEOUT_SECONDS, op="GETSTATUS")
            return int(answer["FsStatus"]["remaining"])

    def read_text(self, path: str) -> str:
        """The text of a file, UTF-8."""
        return self.read_bytes(path).decode()

    def read_bytes(self, path: str) -> bytes:
        """The content of a file, whole in memory."""
        try:
            with self._errors("read", path), self._client.read(path, chunk_size=_CHUNK_BYTES) as chunks:
                return b"".join(chunks)
        except (TerminalError, TransientError):
            # A DataNode that finds a corrupt block breaks the connection off, as one does that is killed.
            self.check_blocks(path)
            raise

    def check_whole(self, path: str) -> None:
        """Read a file for nothing. Raises DamagedFileError when a block is corrupt or lost, and no other error."""
        try:
            self.read_bytes(path)
        except DamagedFileError:
            raise
        except (TerminalError, TransientError):
            return

    def check_blocks(self, path: str) -> None:
        """Raises DamagedFileError when a block of a file is known to be corrupt or lost: it was tried to be read."""
        if found := blocks.damage(self._settings.web_url, path):
            raise DamagedFileError(
                f"{path} on HDFS is damaged: {found}. Put the file back from a copy; docs/repairs.md says what else "
                "can be done."
            )

    def read_json(self, path: str) -> Any:
        """The JSON document in a file. Raises TerminalError when it is none."""
        text = self.read_text(path)
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            raise TerminalError(f"{path} on HDFS is not JSON ({error}).") from error

    def write_atomically(self, path: str, content: bytes) -> None:
        """Make or replace a file in one step: a reader sees the old content or the new one, never a part."""
        target = PurePosixPath(path)
        aside = str(target.parent / f"_{target.name}.{uuid.uuid4().hex}")
        self.create(aside, content)
        try:
            if self.fence is None:
                self.move(aside, path, replace=True)
            else:
                self.fence.put(self, aside, path)
        except Exception:
            self.remove(aside)
            raise

    def write_json_atomically(self, path: str, document: Any) -> None:
        """Make or replace a JSON file in one step: a reader sees the old document or the new one, never a part."""
        text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
        self.write_atomically(path, text.encode())

    def delete(self, path: str) -> None:
        """Delete a file or a folder with all in it; one that is not there is no error."""
        if self.fence is None:
            self.remove(path)
        else:
            self.fence.delete(self, path)

    def rename(self, path: str, to: str) -> None:
        """Move a file or folder to a place that is free; makes the folders above it."""
        if self.exists(to):
            raise TerminalError(f"{path} on HDFS cannot be renamed: {to} exists already.")
        self.make_folder(str(PurePosixPath(to).parent))
        if self.fence is None:
            self.move(path, to)
        else:
            self.fence.rename(self, path, to)

    def make_folder(self, path: str) -> None:
        """Make a folder and those above it; one that exists is no error."""
        with self._errors("make", path):
            self._client.makedirs(path)

    def folders(self, path: str) -> dict[str, int]:
        """The folders in a folder and when each was changed last, in ms of the NameNode; none where it is not there."""
        folders = (status for status in self._statuses(path) if status["type"] == "DIRECTORY")
        return {status["pathSuffix"]: int(status["modificationTime"]) for status in folders}

    def touch(self, path: str, milliseconds: int) -> None:
        """Set when a file or folder was changed last. Raises TerminalError when it is not there."""
        with self._errors("touch", path):
            self._client.set_times(path, modification_time=milliseconds)

    def create(self, path: str, content: bytes) -> None:
        """Make a file, and the folders above it. Raises TerminalError when there is something at its path."""
        with self._errors("write", path):
            self._client.write(path, data=content)

    def move(self, path: str, to: str, *, replace: bool = False) -> None:
        """Rename in one step of the NameNode, into a folder that exists; ``replace`` puts a file in another's place.

        Raises TerminalError, and changes nothing, when ``path`` is not there, or ``to`` is and is not to be replaced.
        """
        # The client's own ``rename`` knows no options: it moves into a folder that exists, and replaces no file.
        with self._errors("rename", path):
            self._client._rename(path, destination=to, renameoptions="OVERWRITE" if replace else "NONE")

    def remove(self, path: str) -> None:
        """Delete a file or a folder with all in it, whatever became of the lease."""
        with self._errors("delete", path):
            self._client.delete(path, recursive=True)

    def _statuses(self, path: str) -> Sequence[dict[str, Any]]:
        """What the NameNode says of each name in a folder, in one request; nothing where there is no folder."""
        # The client's own ``list`` asks twice, and cannot tell a folder that is not there from other errors.
        with self._errors("list", path):
            try:
                answer = self._client._list_status(path).json()
            except HdfsError as error:
                if error.exception == "FileNotFoundException":
                    return []
                raise
        found: Sequence[dict[str, Any]] = answer["FileStatuses"]["FileStatus"]
        if [status["pathSuffix"] for status in found] == [""]:
            raise TerminalError(f"HDFS could not list {path}: it is a file.")
        return found

    @contextmanager
    def _errors(self, action: str, path: str) -> Iterator[None]:
        try:
            yield
        except HdfsError as error:
            kind = TransientError if error.exception in _PASSING else TerminalError
            reason = str(error).splitlines()[0] if str(error) else error.exception
            raise kind(f"HDFS could not {action} {path}: {reason}") from error
        except requests.RequestException as error:
            raise TransientError(
                f"HDFS at {self._settings.web_url} does not answer ({type(error).__name__}): "
                "see 'skytier stack status'."
            ) from error
