"""The rows about archives in the metadata tables: one for each archive, and their columns in ``schema_metadata``."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

from skytier.archive.manifest import Manifest, State, Tally
from skytier.archive.planning import MB
from skytier.archive.target import Target
from skytier.migrations import DATABASE
from skytier.sql import Connection
from skytier.warehouse import insert, literal, upsert


def record(connection: Connection, target: Target, manifest: Manifest) -> None:
    """Write the row of an archive, or replace it."""
    content = manifest.content or Tally()
    seconds = ", ".join(f"{literal(step)}, {float(took)}D" for step, took in manifest.step_seconds.items())
    archived_at = manifest.state_times.get(str(State.PUBLISHED))
    row = {
        "archive_id": literal(manifest.archive_id),
        "archived_at": literal(archived_at),
        "record_count": str(content.documents),
        "file_size_mb": f"{manifest.size_bytes / MB}D",
        "schema_name": literal(target.pipeline.contract.name),
        "schema_version": str(manifest.schema_version),
        "storage_location": literal(target.location(manifest.archive_id)),
        "checksum": literal(content.checksum),
        "event_time_min": literal(manifest.event_time_min),
        "event_time_max": literal(manifest.event_time_max),
        "state": literal(str(manifest.state)),
        "step_seconds": f"map({seconds})",
    }
    columns = ", ".join(f"{value} AS {name}" for name, value in row.items())
    upsert(connection, target.metadata_table, "archive_id", f"SELECT {columns}")
    _record_schema(connection, target.table, manifest)


def _record_schema(connection: Connection, table: str, manifest: Manifest) -> None:
    """Add the columns of the files to ``schema_metadata`` unless an earlier archive had the same."""
    text = json.dumps([column.model_dump() for column in manifest.columns])
    known = connection.query(
        f"SELECT version, schema_json FROM {DATABASE}.schema_metadata WHERE schema_name = {literal(table)}"
    ).rows
    if text not in {schema for _, schema in known}:
        version = max((version for version, _ in known), default=0) + 1
        fingerprint = hashlib.sha256(text.encode()).hexdigest()
        row = (table, version, fingerprint, datetime.now(UTC), len(manifest.columns), text)
        insert(connection, "schema_metadata", [row])
