"""What keeps a process that has lost its lease from changing files: the folder of the lease.

A lease has one folder, which has another name for each holder (``skytier.lease``). A change passes through it in two
renames, each of which the NameNode takes or refuses as one: into the folder by the name that it has for this holder,
and from there to its place. Once another process has taken over there is no folder of this name, and a rename makes
none; so a process that was stopped at any line, and wakes, changes nothing.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skytier.errors import LeaseLostError, TerminalError

if TYPE_CHECKING:
    from skytier.files import Files

_MOVE = "move-"  # begins the name of what is on its way to a free place; the rest says where


@dataclass(frozen=True)
class Fence:
    """The lease as one holder has it. It can be handed on, as to Spark's workers.

    ``token`` is higher than that of every holder before; ``taken_over`` is the newest one that took over from a holder
    that had not released the lease, 0 where none ever did: those before it may wake and go on.
    """

    folder: str
    token: int
    taken_over: int

    @property
    def lease(self) -> str:
        """The name of the lease."""
        return self.folder.split("/")[-2]

    def require(self, files: Files) -> None:
        """Raises LeaseLostError when the lease is lost."""
        if not files.exists(self.folder):
            raise LeaseLostError(
                f"{self.folder} on HDFS is gone: this process did not renew its lease in time, and another one has "
                "taken over its work. Nothing more is written; the next run does what is left."
            )

    def put(self, files: Files, aside: str, path: str) -> None:
        """Put a file in place of another one, or where there is none."""
        staged = f"{self.folder}/{uuid.uuid4().hex}"
        with self._passing(files):
            files.move(aside, staged)
            files.move(staged, path, replace=True)

    def rename(self, files: Files, path: str, to: str) -> None:
        """Move a file or folder to a place that is free. Whoever takes over meanwhile completes it."""
        staged = f"{self.folder}/{_MOVE}{base64.urlsafe_b64encode(to.encode()).decode()}"
        with self._passing(files):
            files.move(path, staged)
            files.move(staged, to)

    def delete(self, files: Files, path: str) -> None:
        """Delete a file or folder; one that is not there is no error."""
        staged = f"{self.folder}/{uuid.uuid4().hex}"
        if not files.exists(path):
            self.require(files)
            return
        with self._passing(files):
            files.move(path, staged)
        files.remove(staged)

    def end_what_was_begun(self, files: Files) -> None:
        """Complete the moves that an earlier holder began and did not end, and delete what else is in the folder."""
        with self._passing(files):
            for name in files.list(self.folder):
                if name.startswith(_MOVE):
                    to = base64.urlsafe_b64decode(name.removeprefix(_MOVE)).decode()
                    if not files.exists(to):
                        files.move(f"{self.folder}/{name}", to)
                        continue
                files.remove(f"{self.folder}/{name}")

    @contextmanager
    def _passing(self, files: Files) -> Iterator[None]:
        try:
            yield
        except TerminalError:
            self.require(files)  # which says more than that a folder is not there
            raise
