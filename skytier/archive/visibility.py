"""What queries see of the archives: the table of their visibility, partitions, and the view over hot tier and archive.

The target's state table decides. Rows of an archive count if its visibility
is published, restored or purged. Events of the hot tier are hidden if a selection of a published or restored archive
matches them. A query reads the table once, so it sees each event once, whatever a run does meanwhile.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from skytier import migrations
from skytier.archive.manifest import Manifest, Selection, State, Visibility
from skytier.archive.target import Target
from skytier.documents import OTHER_FIELDS
from skytier.migrations import DATABASE
from skytier.settings.mongodb import MongoSettings
from skytier.sql import Connection
from skytier.warehouse import literal, parquet, upsert

TIERS = "tiers"
PARTITION = "archive_id"
_HOT = "hot"
COUNTS = "state IN ('published', 'restored', 'purged')"
"""which archives' rows count, as a condition on the state table"""
_HIDES = "state IN ('published', 'restored')"
_FIELD_COMMENT = re.compile(r" COMMENT '[^']*'")


@dataclass(frozen=True)
class StateRow:
    """A row of the state table: what queries see of an archive."""

    visibility: Visibility
    selections: tuple[Selection, ...]


def state_rows(manifest: Manifest, visibility: Visibility, sources: Sequence[Manifest]) -> dict[str, StateRow]:
    """The rows that the commit writes which gives an archive a visibility: its own, and those of its sources."""
    rows = {manifest.archive_id: StateRow(visibility, manifest.selections)}
    if visibility is Visibility.PUBLISHED and sources:
        # It replaces its sources at once: their hot events were purged long ago.
        rows = {manifest.archive_id: StateRow(Visibility.PURGED, manifest.selections)}
        rows |= {source.archive_id: StateRow(Visibility.MERGED, manifest.selections) for source in sources}
    elif visibility is Visibility.ABANDONED:
        rows |= {s.archive_id: StateRow(Visibility.PURGED, s.selections) for s in sources if s.state is State.DONE}
    return rows


def set_visibility(connection: Connection, target: Target, archives: Mapping[str, StateRow], now: datetime) -> None:
    """Write the rows of archives, all in one commit."""
    rows = " UNION ALL ".join(
        f"SELECT {literal(archive_id)} AS archive_id, {literal(str(row.visibility))} AS state, "
        f"array({', '.join(map(_struct, row.selections))}) AS selections, "
        f"{literal(now)} AS committed_at"
        for archive_id, row in archives.items()
    )
    upsert(connection, target.state_table, PARTITION, rows)


def with_visibility(connection: Connection, target: Target, visibility: Visibility) -> dict[str, list[Selection]]:
    """The archives of which queries see this, with the selections of each."""
    rows = connection.query(
        f"SELECT archive_id, to_json(selections) AS selections FROM {target.archive_states} "
        f"WHERE state = {literal(str(visibility))}"
    ).rows
    return {
        archive_id: [Selection.model_validate(selection) for selection in json.loads(text)] for archive_id, text in rows
    }


def is_selected(event: str, selections: str) -> str:
    """The condition that one of some selections matches an event; ``selections`` is an array as in the state table."""
    return (
        f"exists({selections}, s -> {event}.event_time < s.event_time_before "
        f"AND exists(s.batches, b -> {event}.batch_id BETWEEN b.first AND b.last))"
    )


def count_archived(
    connection: Connection, target: Target, copy_url: str, first_id: str, last_id: str, but_for: Sequence[str]
) -> int:
    """How many events of a folder's Parquet files, their ids in a span, are in other archives that count."""
    # With the span, minima and maxima of the files rule out most of them.
    span = f"held.event_id BETWEEN {literal(first_id)} AND {literal(last_id)}"
    ((number,),) = connection.query(
        f"SELECT count(*) FROM {target.archive_table} AS held "
        f"LEFT SEMI JOIN (SELECT {PARTITION} FROM {target.archive_states} WHERE {COUNTS}) AS known USING ({PARTITION}) "
        f"LEFT SEMI JOIN {parquet(copy_url)} AS copy ON copy.event_id = held.event_id "
        f"WHERE {span} AND held.{PARTITION} NOT IN ({', '.join(map(literal, but_for))})"
    ).rows
    return int(number)


def add_partition(connection: Connection, target: Target, archive_id: str, url: str) -> None:
    """Add the files of a folder to the table of archives. Idempotent."""
    connection.query(
        f"ALTER TABLE {target.archive_table} ADD IF NOT EXISTS "
        f"PARTITION ({PARTITION} = {literal(archive_id)}) LOCATION {literal(url)}"
    )


def drop_partition(connection: Connection, target: Target, archive_id: str) -> None:
    """Remove an archive from the table; its files stay."""
    connection.query(
        f"ALTER TABLE {target.archive_table} DROP IF EXISTS PARTITION ({PARTITION} = {literal(archive_id)})"
    )


def view_statements(target: Target, mongodb_uri: str) -> list[str]:
    """The statements that create the target's two views in a session.

    They are global temporary views, since a persistent one cannot be based on MongoDB: whoever starts a Spark
    application creates them, with ``spark.sql.globalTempDatabase=tiers``.
    """
    columns = event_columns(target)
    names = [column.name for column in columns]
    declared = ", ".join(f"{column.name} {_plain_type(column.type)}" for column in columns)
    return [
        f"CREATE OR REPLACE GLOBAL TEMPORARY VIEW {target.hot_view} ({declared}) USING mongodb OPTIONS ("
        f"connection.uri {literal(mongodb_uri)}, database {literal(target.database)}, "
        f"collection {literal(target.collection)}, "
        "partitioner 'com.mongodb.spark.sql.connector.read.partitioner.SinglePartitionPartitioner')",
        _both_tiers(target, names),
    ]


def is_migrated(connection: Connection, target: Target) -> bool:
    """Whether the warehouse has the target's tables."""
    if not connection.query(f"SHOW DATABASES LIKE '{DATABASE}'").rows:
        return False
    return bool(connection.query(f"SHOW TABLES IN {DATABASE} LIKE '{target.state_table}'").rows)


def create_views(connection: Connection, target: Target, settings: MongoSettings) -> None:
    """Create the target's views in the SQL endpoint, for all its sessions, until it ends."""
    for statement in view_statements(target, settings.reader_connection_string()):
        connection.query(statement)


def event_columns(target: Target) -> list[migrations.Column]:
    """The fields of an event, as the table of archives declares them."""
    (declared,) = (t for t in migrations.tables(migrations.read()) if t.name == target.table)
    return [column for column in declared.columns if column.name not in (PARTITION, OTHER_FIELDS)]


def _both_tiers(target: Target, names: list[str]) -> str:
    fields = ", ".join(names)
    return f"""
CREATE OR REPLACE GLOBAL TEMPORARY VIEW {target.view}
COMMENT 'Every event once, from the hot tier or from the archive'
AS
SELECT {", ".join(f"event.{name}" for name in names)}, event.tier
FROM (
  SELECT {fields}, 'archive' AS tier, {PARTITION} AS part FROM {target.archive_table}
  UNION ALL
  SELECT {fields}, 'hot' AS tier, '{_HOT}' AS part FROM {TIERS}.{target.hot_view}
) AS event
JOIN (
  -- One row for each archive, and one, of all together, for the hot tier: so the table of states is read once.
  SELECT /*+ BROADCAST */
    coalesce(archive_id, '{_HOT}') AS part,
    bool_or({COUNTS}) AS is_visible,
    flatten(collect_list(selections) FILTER (WHERE {_HIDES})) AS hidden
  FROM (
    SELECT archive_id, state, selections FROM {target.archive_states}
    UNION ALL
    SELECT 'none', 'purged', NULL
  )
  GROUP BY ROLLUP (archive_id)
) AS known ON known.part = event.part
WHERE known.is_visible
  AND (event.tier = 'archive' OR NOT {is_selected("event", "known.hidden")})"""


def _plain_type(text: str) -> str:
    """A column's type without the comments of nested fields."""
    return _FIELD_COMMENT.sub("", text)


def _struct(selection: Selection) -> str:
    spans = ", ".join(f"named_struct('first', {span.first}L, 'last', {span.last}L)" for span in selection.batches)
    before = literal(selection.event_time_before)
    return f"named_struct('event_time_before', {before}, 'batches', array({spans}))"
