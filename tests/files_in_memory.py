"""The files of the cold tier in memory: documents by path, for tests of what is decided by them."""

from __future__ import annotations

import json
from typing import Any

from skytier.files import Files


class FilesInMemory(Files):
    """What ``Files`` says of small JSON documents, without HDFS."""

    def __init__(self, **documents: Any) -> None:
        """``documents`` is for those of the folder of metadata: their content by name, without '.json'."""
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
