"""The Parquet files of an archive on HDFS, checked and read back as documents."""

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

_ROWS_PER_BATCH = 5_000


def check_files(files: Files, manifest: Manifest, folder: str) -> None:
    """Raises TerminalError if a file of the archive is not in the folder, does not have the size that was written, or
    has a block that HDFS knows to be corrupt, because a read of it failed.
    """
    found = files.sizes(folder)
    for file in manifest.files:
        if found.get(file.name) != file.size_bytes:
            raise TerminalError(
                f"{folder}/{file.name} has {found.get(file.name, 'no')} bytes, and {file.size_bytes} were written. "
                "Nothing was deleted. Restore the file from a copy, or abandon the archive."
            )
        files.check_blocks(f"{folder}/{file.name}")


def delete_partial(files: Files, staging: str) -> None:
    """Delete what interrupted exports, or those that lost their lease, left beside a staging folder."""
    folder, _, name = staging.rpartition("/")
    for partial in (known for known in files.list(folder) if known.startswith(f"{name}.")):
        files.delete(f"{folder}/{partial}")


def read_documents(files: Files, path: str, columns: list[str] | None = None) -> Iterator[list[Document]]:
    """The documents of a Parquet file, in batches of thousands; the file is in memory meanwhile.

    Raises TerminalError if it cannot be read.
    """
    try:
        table = pq.ParquetFile(io.BytesIO(files.read_bytes(path)))
        for batch in table.iter_batches(_ROWS_PER_BATCH, columns=columns):
            yield to_documents(batch)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise TerminalError(f"{path} on HDFS cannot be read as Parquet ({error}).") from error
