"""A file on HDFS that nobody without the stack's secret may read or change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from skytier.files import Files

FOLDER = "/tmp/hdfs-access"
FILE, CONTENT = f"{FOLDER}/protected", b"protected"


@contextmanager
def protected_file() -> Iterator[Files]:
    """It is there within the block, in a folder of its own."""
    files = Files()
    files.write_atomically(FILE, CONTENT)
    yield files
    files.delete(FOLDER)


def assert_untouched(files: Files) -> None:
    """The folder has this file and no other, and the file has its content."""
    assert files.read_bytes(FILE) == CONTENT
    assert files.list(FOLDER) == ["protected"]
