"""Whether what HDFS does not give is damaged, or only its server away: a reader sees a broken connection either way."""

from __future__ import annotations

import re
from typing import Any

import requests

from skytier import webhdfs

_TIMEOUT_SECONDS = (5, 20)  # to connect, to answer
_LIVE, _DEAD = "NumLiveDataNodes", "NumDeadDataNodes"
# How the Java client, Spark and Iceberg name a file.
_FILE = re.compile(r"(?:\bfile=|Checksum error: (?:file:)?|hdfs://[^/\s]+)(/[^\s,;:'\"\\]+)")


def damage(web_url: str, path: str) -> str | None:
    """What is wrong with the blocks of a file, by what the NameNode knows; None when they are whole, or it is away.

    A block is known to be corrupt once somebody has tried to read it.
    """
    try:
        blocks = _ask(f"{web_url}/webhdfs/v1{path}", op="GETFILEBLOCKLOCATIONS")["BlockLocations"]["BlockLocation"]
        if corrupt := [block for block in blocks if block.get("corrupt")]:
            return f"{len(corrupt)} of its {len(blocks)} blocks do not have the checksum that was written"
        lost = [block for block in blocks if not block.get("names")]
        if lost and _all_data_nodes_live(web_url):
            return f"{len(lost)} of its {len(blocks)} blocks are on no DataNode, and all DataNodes run"
    except (requests.RequestException, KeyError, ValueError):
        return None
    return None


def file_in(text: str) -> str | None:
    """The path of the first file on HDFS that an error of Spark names, for its blocks may be why; None without one."""
    found = _FILE.search(text)
    return found[1] if found else None


def _all_data_nodes_live(web_url: str) -> bool:
    (bean,) = _ask(f"{web_url}/jmx", qry="Hadoop:service=NameNode,name=FSNamesystemState")["beans"]
    return bool(bean[_LIVE] > 0 and bean[_DEAD] == 0)


def _ask(url: str, **parameters: str) -> Any:
    return webhdfs.ask(url, _TIMEOUT_SECONDS, **parameters)
