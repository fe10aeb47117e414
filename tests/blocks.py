"""Damage as a disk does it: a bit that flips in a block's file, below HDFS."""

from __future__ import annotations

from pathlib import Path

from skytier.files import Files
from tests.own_stack import OwnStack


def flip_on_disk(stack: OwnStack, path: str) -> bytes:
    """Change a byte in the middle of a file of one block, where its DataNode keeps it; the content as it was."""
    content = Files().read_bytes(path)
    (block,) = (found for found in _blocks(stack) if _holds(found, content))
    with block.open("r+b") as file:
        file.seek(len(content) // 2)
        file.write(bytes([content[len(content) // 2] ^ 0xFF]))
    return content


def _holds(block: Path, content: bytes) -> bool:
    """Whether a block's file is there, and has this content: those of deleted files go at any time."""
    try:
        return block.read_bytes() == content
    except FileNotFoundError:
        return False


def _blocks(stack: OwnStack) -> list[Path]:
    found = (stack.home / "data" / "datanode").rglob("blk_*")
    return [path for path in found if path.suffix != ".meta"]


def put_back(path: str, content: bytes) -> None:
    """The file as it was, in new blocks: what docs/repairs.md says."""
    Files().write_atomically(path, content)
