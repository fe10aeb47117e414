"""The files of an archive on HDFS, read back as documents."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from skytier.archive.manifest import Manifest
from skytier.documents import to_documents
from skytier.errors import TerminalError
from skytier.files import Files
from skytier.hot_tier import Document

_ROWS_AT_ONCE = 5_000


def check_files(files: Files, manifest: Manifest, folder: str) -> None:
    """Raises TerminalError when a file of the archive is not in the folder, not of the size that was written, or has a
    block that is known to be corrupt: one that somebody has tried to read.
    """
    found = files.sizes(folder)
    for file in manifest.files:
        if found.get(file.name) != file.size_bytes:
            raise TerminalError(
                f"{folder}/{file.name} has {found.get(file.name, 'no')} bytes, and {file.size_bytes} were written: "
                "nothing is deleted by it. Put the file that was written back, or abandon the archive."
            )
        files.check_blocks(f"{folder}/{file.name}")


def read_documents(files: Files, path: str, columns: list[str] | None = None) -> Iterator[list[Document]]:
    """The documents of a Parquet file, some thousands at a time; the file is in memory meanwhile.

    Raises TerminalError when it cannot be read.
    """
    try:
        table = pq.ParquetFile(io.BytesIO(files.read_bytes(path)))
        for batch in table.iter_batches(_ROWS_AT_ONCE, columns=columns):
            yield to_documents(batch)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise TerminalError(f"{path} on HDFS cannot be read as Parquet ({error}).") from error
