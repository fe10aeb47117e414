"""Storage by tier, and the archives with their steps and audit log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pyarrow as pa

from dashboard.panels import tiers
from events.archive_targets import flights_target
from skytier import hot_tier
from skytier.archive import hot
from skytier.archive.manifest import Manifest
from skytier.archive.manifests import Manifests
from skytier.archive.planning import MB
from skytier.cache import Query
from skytier.errors import SkytierError
from skytier.files import Files
from skytier.migrations import DATABASE
from skytier.settings.archive import ArchiveSettings
from skytier.settings.mongodb import MongoSettings

HOT_DOCUMENTS, HOT_INDEXES = "documents", "indexes"
ARCHIVES = 20
"""Newest archives"""
_AUDIT = 50
_SECONDS = 30.0
_TABLES = f"/warehouse/{DATABASE}.db"
_AT_ONCE = 8
_TIME = pa.timestamp("us", "UTC")


def storage() -> Query:
    """A row for each part of the storage; without the parts of a tier that does not answer.

    ``tier`` (hot, cold), ``kind`` (hot: MongoDB, folder: top folder of HDFS, table: folder of a table in the folder
    ``warehouse``), ``name``, ``size_mb`` (1,000,000 bytes; on HDFS without replication, with old snapshots),
    ``limit_mb`` (of the whole hot tier). Empty parts are omitted.
    """
    return tiers.function_query(_storage, _SECONDS, tiers.ARCHIVES)


def _storage() -> pa.Table:
    rows = _of_both(_hot_parts, _cold_parts)
    text, number = pa.string(), pa.float64()
    columns = {"tier": text, "kind": text, "name": text, "size_mb": number, "limit_mb": number}
    return pa.Table.from_pylist([row for row in rows if row["size_mb"] > 0], pa.schema(columns.items()))


def _of_both(*parts: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The rows of all parts that do not fail. Raises the first error where all fail."""
    rows, errors = [], []
    for part in parts:
        try:
            rows += part()
        except SkytierError as error:
            errors.append(error)
    if len(errors) == len(parts):
        raise errors[0]
    return rows


def _hot_parts() -> list[dict[str, Any]]:
    size = hot.size(hot_tier.events(tiers.mongodb()))
    known = {"tier": "hot", "kind": "hot", "limit_mb": ArchiveSettings().limit_mb}
    parts = {HOT_DOCUMENTS: size.data_bytes, HOT_INDEXES: size.index_bytes}
    return [known | {"name": name, "size_mb": length / MB} for name, length in parts.items()]


def _cold_parts() -> list[dict[str, Any]]:
    files = Files()
    paths = [("folder", name, f"/{name}") for name in files.list("/")]
    paths += [("table", name, f"{_TABLES}/{name}") for name in files.list(_TABLES)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        sizes = pool.map(lambda path: files.size_bytes(path[2]), paths)
        return [
            {"tier": "cold", "kind": kind, "name": name, "size_mb": length / MB}
            for (kind, name, _), length in zip(paths, sizes, strict=True)
        ]


def archives() -> Query:
    """A row for each completed step of the newest archives, in order.

    ``archive_id``, ``archive_state``, ``documents``, ``size_mb``, ``event_time_min``, ``event_time_max``, ``failure``,
    ``step`` (the state after the step), ``since``, ``until``, ``step_seconds``. The first step, planned, has
    no duration.
    """
    return tiers.function_query(_archives, _SECONDS, tiers.ARCHIVES)


def _archives() -> pa.Table:
    target = flights_target(MongoSettings(), ArchiveSettings())
    manifests = Manifests(Files(), target.manifests_folder)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = list(pool.map(manifests.load, manifests.ids()[-ARCHIVES:]))
    return archive_steps(found)


def archive_steps(found: Iterable[Manifest]) -> pa.Table:
    """The rows of ``archives``."""
    rows = [row for manifest in found for row in _steps(manifest)]
    text, time, number = pa.string(), _TIME, pa.float64()
    columns = {"archive_id": text, "archive_state": text, "documents": pa.int64(), "size_mb": number}
    columns |= {"event_time_min": time, "event_time_max": time, "failure": text}
    columns |= {"step": text, "since": time, "until": time, "step_seconds": number}
    return pa.Table.from_pylist(rows, pa.schema(columns.items()))


def _steps(manifest: Manifest) -> Iterator[dict[str, Any]]:
    known = {
        "archive_id": manifest.archive_id,
        "archive_state": str(manifest.state),
        "documents": manifest.content.documents if manifest.content else manifest.planned,
        "size_mb": manifest.size_bytes / 1e6,
        "event_time_min": manifest.event_time_min,
        "event_time_max": manifest.event_time_max,
        "failure": manifest.failure,
    }
    times = sorted(manifest.state_times.items(), key=lambda item: item[1])
    start = ("planned", manifest.planned_at)
    for (_, since), (state, until) in pairwise([start, start, *[item for item in times if item[0] != "planned"]]):
        yield known | {"step": state, "since": since, "until": until, "step_seconds": (until - since).total_seconds()}


def archive_audit() -> Query:
    """The audit log of archives, newest first: ``at``, ``actor``, ``action``, ``archive_id``, ``details``."""
    return tiers.sql(
        f"SELECT at, actor, action, archive_id, details FROM flight_dw.archive_audit ORDER BY at DESC LIMIT {_AUDIT}"
    )
