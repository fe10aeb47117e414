"""Why the NameNode takes no changes while its disk is full, in words that name the disk."""

from __future__ import annotations

import shutil
from pathlib import Path

from skytier.settings.base import home

LEAST_FREE_BYTES = 100 * 1024 * 1024
"""Below this the NameNode of the local stack takes no changes: Hadoop's default."""
_LOW = "Resources are low"  # in what the bean NameNodeInfo says of safe mode


def folder() -> Path:
    """Where the local stack's NameNode keeps the directory of HDFS."""
    return home() / "data" / "namenode"


def full_disk(safe_mode: str) -> str | None:
    """What is wrong, from what the NameNode says of its safe mode; None where a full disk is not the reason."""
    if _LOW not in safe_mode:
        return None
    if not folder().exists():  # not the local stack's
        return "its disk is full: it takes no changes until there is room and it has left safe mode"
    free_mb = shutil.disk_usage(folder()).free / 1024**2
    least_mb = LEAST_FREE_BYTES / 1024**2
    if free_mb >= least_mb:
        return f"its disk was full; {free_mb:,.1f} MB are free again in {folder()}: 'skytier stack up' restarts it"
    return (
        f"its disk is full: {free_mb:,.1f} MB are free in {folder()}, it takes no changes below {least_mb:,.0f} MB. "
        "Make room there, then run 'skytier stack up'"
    )
