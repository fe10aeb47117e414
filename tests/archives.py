"""What archives and the hot tier hold together, read without the code that wrote it."""

from __future__ import annotations

import functools
import io
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import Any

import pyarrow.parquet as pq

from events.flight import CONTRACT
from skytier import hot_tier
from skytier.archive.manifest import Manifest, State
from skytier.files import Files
from tests import stores
from tests.flights_archive import location, on_hdfs


def manifests(*states: State) -> list[Manifest]:
    """All manifests in one of some states, oldest first."""
    return [manifest for manifest in on_hdfs().all() if manifest.state in states]


def archived_rows() -> Iterator[dict[str, Any]]:
    """The rows of all archives that are done, as far as they were sent; times are aware."""
    files = Files()
    for manifest in manifests(State.DONE):
        for name in files.list(location(manifest)):
            if name.endswith(".parquet"):
                yield from _rows(files.read_bytes(f"{location(manifest)}/{name}"))


@functools.lru_cache(maxsize=256)
def _rows(content: bytes) -> list[dict[str, Any]]:
    """The rows of a Parquet file; after each test the same files are read again, most of them unchanged.

    There is room for all files of the archive tests: read in turn, one too many would push each other out.
    """
    sent = [field.name for field in CONTRACT.spark_schema()]
    rows: list[dict[str, Any]] = pq.read_table(io.BytesIO(content), columns=sent).to_pylist()
    return rows


def hot_documents() -> Iterator[dict[str, Any]]:
    """The documents of the hot tier; times are aware."""
    with hot_tier.client() as connection:
        yield from hot_tier.events(connection).find()


def check_all_there_once() -> dict[str, int]:
    """Every valid event of the topic is in one tier, once, as it was sent; how many are where.

    Fails with what is lost, doubled or changed.
    """
    sent = stores.first_copies()
    seen: Counter[str] = Counter()
    tally = {"sent": len(sent), "hot": 0, "archived": 0}
    differ: list[str] = []
    for tier, rows in (("hot", hot_documents()), ("archived", archived_rows())):
        for row in rows:
            tally[tier] += 1
            seen[row["event_id"]] += 1
            if _differs(row, sent):
                differ.append(row["event_id"])
    wrong = {
        "lost": sorted(sent.keys() - seen.keys()),
        "doubled": sorted(name for name, times in seen.items() if times > 1),
        "unknown": sorted(seen.keys() - sent.keys()),
        "changed": differ,
    }
    found = {what: (len(ids), ids[:3]) for what, ids in wrong.items() if ids}
    assert not found, found
    return tally


def changed(sent: dict[str, dict[str, Any]]) -> list[str]:
    """The ids of events that are in a tier, but not as they were sent."""
    return [row["event_id"] for row in chain(hot_documents(), archived_rows()) if _differs(row, sent)]


def _differs(row: dict[str, Any], sent: dict[str, dict[str, Any]]) -> bool:
    return any(_known(row.get(name), value) != value for name, value in sent.get(row["event_id"], {}).items())


def _known(found: Any, sent: Any) -> Any:
    """A struct of Parquet has every field, a document only those that are known."""
    return {name: found.get(name) for name in sent} if isinstance(sent, dict) and isinstance(found, dict) else found
