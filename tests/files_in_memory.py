"""The files of the cold tier in memory: documents by path, for tests of what is decided by them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

from skytier.errors import TerminalError
from skytier.files import Files


class FilesInMemory(Files):
    """What ``Files`` says of small JSON documents, without HDFS."""

    def __init__(self, **documents: Any) -> None:
        """``documents`` is for those of the folder of metadata: their content by name, without '.json'."""
        self.fence = None
        self.documents = {f"/metadata/{name}.json": content for name, content in documents.items()}

    def exists(self, path: str) -> bool:
        return any(known == path or known.startswith(f"{path}/") for known in self.documents)

    def list(self, path: str) -> list[str]:
        below = (known.removeprefix(f"{path}/") for known in self.documents if known.startswith(f"{path}/"))
        return sorted({rest.split("/")[0] for rest in below})

    def read_text(self, path: str) -> str:
        return json.dumps(self.documents[path])

    def write_json_atomically(self, path: str, document: Any) -> None:
        self.documents[path] = document

    def delete(self, path: str) -> None:
        for known in [known for known in self.documents if known == path or known.startswith(f"{path}/")]:
            del self.documents[known]


class NameNodeInMemory(Files):
    """HDFS as its NameNode decides: each call is one step, which is taken or refused as a whole."""

    def __init__(self, before_each_step: Callable[[], None] = lambda: None) -> None:
        """``before_each_step`` is where a process may be stopped."""
        self.fence = None
        self.content: dict[str, bytes | None] = {"/": None}
        """files by path; None is a folder"""
        self.changed: dict[str, int] = {}
        self.moves: list[tuple[str, str]] = []
        self._before_each_step, self._now = before_each_step, itertools.count(1)

    def exists(self, path: str) -> bool:
        self._before_each_step()
        return path in self.content

    def list(self, path: str) -> list[str]:
        self._before_each_step()
        return sorted(self._names(path))

    def folders(self, path: str) -> dict[str, int]:
        self._before_each_step()
        below = {name: f"{path}/{name}" for name in self._names(path)}
        return {name: self.changed[there] for name, there in below.items() if self.content[there] is None}

    def read_text(self, path: str) -> str:
        self._before_each_step()
        content = self.content.get(path)
        if content is None:
            raise TerminalError(f"{path} is no file")
        return content.decode()

    def touch(self, path: str, milliseconds: int) -> None:
        self._before_each_step()
        self._must_be(path)
        self.changed[path] = milliseconds

    def make_folder(self, path: str) -> None:
        self._before_each_step()
        self._make_folder(path)

    def create(self, path: str, content: bytes) -> None:
        self._before_each_step()
        if path in self.content:
            raise TerminalError(f"{path} exists")
        self._make_folder(_parent(path))
        self._put(path, content)

    def move(self, path: str, to: str, *, replace: bool = False) -> None:
        self._before_each_step()
        self._must_be(path)
        if self.content.get(_parent(to), b"") is not None:
            raise TerminalError(f"{_parent(to)} is no folder")
        if to in self.content and not (replace and self.content[to] is not None and self.content[path] is not None):
            raise TerminalError(f"{to} exists")
        self.moves.append((path, to))
        for known in [name for name in self.content if name == path or name.startswith(f"{path}/")]:
            there = to + known.removeprefix(path)
            changed = self.changed.pop(known)
            self._put(there, self.content.pop(known))
            self.changed[there] = changed
        for parent in (_parent(path), _parent(to)):
            self.changed[parent] = next(self._now)

    def remove(self, path: str) -> None:
        self._before_each_step()
        for known in [name for name in self.content if name == path or name.startswith(f"{path}/")]:
            del self.content[known], self.changed[known]

    def _names(self, path: str) -> set[str]:
        return {known.removeprefix(f"{path}/").split("/")[0] for known in self.content if known.startswith(f"{path}/")}

    def _make_folder(self, path: str) -> None:
        if path in self.content:
            if self.content[path] is not None:
                raise TerminalError(f"{path} is a file")
            return
        self._make_folder(_parent(path))
        self._put(path, None)

    def _put(self, path: str, content: bytes | None) -> None:
        self.content[path], self.changed[path] = content, next(self._now)

    def _must_be(self, path: str) -> None:
        if path not in self.content:
            raise TerminalError(f"{path} is not there")


def _parent(path: str) -> str:
    return path.rpartition("/")[0] or "/"
