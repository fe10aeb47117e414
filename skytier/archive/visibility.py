"""What SQL sees of the archives: their table, the table of their states, and the view over both tiers.

``flight_dw.archive_state`` decides: rows of an archive count where its state is published, restored or purged, and
events of the hot tier count unless they belong to an archive that is published or restored. A query reads the table
once, so it sees each event once, whatever a run does meanwhile.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from skytier import migrations
from skytier.archive.manifest import Manifest, Selection, State, Visible
from skytier.documents import OTHER_FIELDS
from skytier.migrations import DATABASE
from skytier.settings.hdfs import HdfsSettings
from skytier.settings.mongodb import MongoSettings
from skytier.sql import Connection
from skytier.warehouse import literal, parquet, upsert

TABLE = f"{DATABASE}.archived_flight_events"
STATES = f"{DATABASE}.archive_state"
TIERS = "tiers"
PARTITION = "archive_id"
_HOT = "hot"
COUNTS = "state IN ('published', 'restored', 'purged')"
"""which archives' rows count, as a condition on ``archive_state``"""
_HIDES = "state IN ('published', 'restored')"
_FIELD_COMMENT = re.compile(r" COMMENT '[^']*'")


@dataclass(frozen=True)
class Shown:
    """A row of ``archive_state``: what queries see of an archive."""

    visible: Visible
    selections: tuple[Selection, ...]


def states(manifest: Manifest, visible: Visible, sources: Sequence[Manifest]) -> dict[str, Shown]:
    """What queries see from the commit on that shows an archive so: of it, and of the archives that it merges."""
    shown = {manifest.archive_id: Shown(visible, manifest.selections)}
    if visible is Visible.PUBLISHED and sources:
        # It takes over at once: the hot events of its sources are long purged.
        shown = {manifest.archive_id: Shown(Visible.PURGED, manifest.selections)}
        shown |= {source.archive_id: Shown(Visible.MERGED, manifest.selections) for source in sources}
    elif visible is Visible.ABANDONED:
        shown |= {s.archive_id: Shown(Visible.PURGED, s.selections) for s in sources if s.state is State.DONE}
    return shown


def show(connection: Connection, archives: Mapping[str, Shown], now: datetime) -> None:
    """Give archives these states, all in one commit."""
    rows = " UNION ALL ".join(
        f"SELECT {literal(archive_id)} AS archive_id, {literal(str(shown.visible))} AS state, "
        f"array({', '.join(map(_struct, shown.selections))}) AS selections, "
        f"{literal(now)} AS committed_at"
        for archive_id, shown in archives.items()
    )
    upsert(connection, "archive_state", PARTITION, rows)


def shown(connection: Connection, visible: Visible) -> dict[str, list[Selection]]:
    """The archives that queries see so, with what each selected."""
    rows = connection.query(
        f"SELECT archive_id, to_json(selections) AS selections FROM {STATES} WHERE state = {literal(str(visible))}"
    ).rows
    return {
        archive_id: [Selection.model_validate(selection) for selection in json.loads(text)] for archive_id, text in rows
    }


def is_selected(event: str, selections: str) -> str:
    """The condition that an event is of one of some selections, an array as ``archive_state`` has it."""
    return (
        f"exists({selections}, s -> {event}.event_time < s.event_time_before "
        f"AND exists(s.batches, b -> {event}.batch_id BETWEEN b.first AND b.last))"
    )


def held_elsewhere(connection: Connection, copy: str, first_id: str, last_id: str, but_for: Sequence[str]) -> int:
    """How many events of the Parquet files in a folder, their ids in a span, other archives that count hold."""
    # The span is for the files' minima and maxima: most need not be read.
    span = f"held.event_id BETWEEN {literal(first_id)} AND {literal(last_id)}"
    ((number,),) = connection.query(
        f"SELECT count(*) FROM {TABLE} AS held "
        f"LEFT SEMI JOIN (SELECT {PARTITION} FROM {STATES} WHERE {COUNTS}) AS known USING ({PARTITION}) "
        f"LEFT SEMI JOIN {parquet(HdfsSettings().url + copy)} AS copy ON copy.event_id = held.event_id "
        f"WHERE {span} AND held.{PARTITION} NOT IN ({', '.join(map(literal, but_for))})"
    ).rows
    return int(number)


def add_partition(connection: Connection, archive_id: str, location: str) -> None:
    """Let the table of archives have the files in a folder; it changes nothing where it has them already."""
    place = literal(f"{HdfsSettings().url}{location}")
    connection.query(
        f"ALTER TABLE {TABLE} ADD IF NOT EXISTS PARTITION ({PARTITION} = {literal(archive_id)}) LOCATION {place}"
    )


def drop_partition(connection: Connection, archive_id: str) -> None:
    """Take an archive out of the table; its files stay."""
    connection.query(f"ALTER TABLE {TABLE} DROP IF EXISTS PARTITION ({PARTITION} = {literal(archive_id)})")


def view_statements(mongodb_uri: str, database: str, collection: str) -> list[str]:
    """The statements that make ``tiers.hot_flight_events`` and ``tiers.flight_events`` in a session.

    They are global temporary views, for a persistent one cannot rest on MongoDB: whoever starts a Spark application
    makes them, with ``spark.sql.globalTempDatabase=tiers``.
    """
    columns = event_columns()
    names = [column.name for column in columns]
    declared = ", ".join(f"{column.name} {_plain_type(column.type)}" for column in columns)
    return [
        f"CREATE OR REPLACE GLOBAL TEMPORARY VIEW hot_flight_events ({declared}) USING mongodb OPTIONS ("
        f"connection.uri {literal(mongodb_uri)}, database {literal(database)}, collection {literal(collection)}, "
        "partitioner 'com.mongodb.spark.sql.connector.read.partitioner.SinglePartitionPartitioner')",
        _both_tiers(names),
    ]


def is_migrated(connection: Connection) -> bool:
    """Whether the warehouse has the tables of the archive."""
    if not connection.query(f"SHOW DATABASES LIKE '{DATABASE}'").rows:
        return False
    return bool(connection.query(f"SHOW TABLES IN {DATABASE} LIKE 'archive_state'").rows)


def make_views(connection: Connection) -> None:
    """Make the views of both tiers in the SQL endpoint, for all its sessions, until it ends."""
    settings = MongoSettings()
    for statement in view_statements(settings.reader_connection_string(), settings.database, settings.collection):
        connection.query(statement)


def event_columns() -> list[migrations.Column]:
    """The fields of an event, as the table of archives declares them."""
    (declared,) = (t for t in migrations.tables(migrations.read()) if t.name == "archived_flight_events")
    return [column for column in declared.columns if column.name not in (PARTITION, OTHER_FIELDS)]


def _both_tiers(names: list[str]) -> str:
    fields = ", ".join(names)
    return f"""
CREATE OR REPLACE GLOBAL TEMPORARY VIEW flight_events
COMMENT 'Every event once, in whatever tier it is'
AS
SELECT {", ".join(f"event.{name}" for name in names)}, event.tier
FROM (
  SELECT {fields}, 'archive' AS tier, {PARTITION} AS part FROM {TABLE}
  UNION ALL
  SELECT {fields}, 'hot' AS tier, '{_HOT}' AS part FROM {TIERS}.hot_flight_events
) AS event
JOIN (
  -- One row for each archive, and one, of all together, for the hot tier: so the table of states is read once.
  SELECT /*+ BROADCAST */
    coalesce(archive_id, '{_HOT}') AS part,
    bool_or({COUNTS}) AS is_visible,
    flatten(collect_list(selections) FILTER (WHERE {_HIDES})) AS hidden
  FROM (
    SELECT archive_id, state, selections FROM {STATES}
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
