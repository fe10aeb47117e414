"""The queries of Data Quality & Metadata: quality of events, rejected records, batches, stores, the contract."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa

from dashboard.app_pages.quality import server_stores
from dashboard.app_pages.quality.text import FLAGS
from dashboard.panels import tiers
from dashboard.panels.filters import Filters
from dashboard.panels.tiers import sql
from events.flight import CONTRACT
from skytier import migrations
from skytier.archive.visibility import COUNTS
from skytier.cache import Query
from skytier.contract import STRUCT
from skytier.migrations import DATABASE
from skytier.warehouse import literal

SAMPLES = 100
RAW_CHARACTERS = 300
_STORES_SECONDS = 60.0
_ARCHIVES = 500


def optional_fields() -> list[str]:
    """The columns of the fact table that are null in some valid events, in the contract's order."""
    fields = (*CONTRACT.fields(), *CONTRACT.nested_fields("weather"))
    return [field.name.replace(".", "_") for field in fields if field.nullable and field.type != STRUCT]


def events(filters: Filters) -> Query:
    """Counts of events by ``flight_date`` and ``event_type``.

    ``events``, ``flagged`` (with at least one quality flag), ``quality_sum`` (of the scores, 0 to 1 each), then
    ``missing_<field>`` for each optional field and ``flag_<name>`` for each flag.
    """
    missing = [f"count_if({name} IS NULL) AS missing_{name}" for name in optional_fields()]
    flagged = [f"count_if(array_contains(quality_flags, {literal(name)})) AS flag_{name}" for name in FLAGS]
    counts = ",\n  ".join(missing + flagged)
    return sql(
        f"""
SELECT flight_date, event_type, count(*) AS events, count_if(size(quality_flags) > 0) AS flagged,
  sum(quality_score) AS quality_sum,
  {counts}
FROM {DATABASE}.fact_flight_events
{filters.where()}
GROUP BY flight_date, event_type
ORDER BY flight_date, event_type"""
    )


def versions() -> Query:
    """A row for each version of a contract (events, archived events), with the row counts of the batches that used it.

    ``schema_name``, ``version``, ``registered_at``, ``field_count``, ``fingerprint``; ``batches``, ``consumed``,
    ``stored``, ``duplicates``, ``rejected``, ``last_batch_at``: null where no batch used it.
    """
    return sql(
        f"""
SELECT s.schema_name, s.version, s.registered_at, s.field_count, s.fingerprint,
  b.batches, b.consumed, b.stored, b.duplicates, b.rejected, b.last_batch_at
FROM {DATABASE}.schema_metadata s
LEFT JOIN (
  SELECT schema_name, schema_version, count(*) AS batches, sum(consumed) AS consumed, sum(stored) AS stored,
    sum(duplicates) AS duplicates, sum(rejected) AS rejected, max(committed_at) AS last_batch_at
  FROM {DATABASE}.batch_metadata
  GROUP BY schema_name, schema_version
) b ON b.schema_name = s.schema_name AND b.schema_version = s.version
ORDER BY s.schema_name DESC, s.version DESC"""
    )


def contract() -> Query:
    """The fields of the event contract: ``field``, ``type``, ``unit``, ``required``, ``valid``, ``meaning``."""
    fields = (*CONTRACT.fields(), *CONTRACT.nested_fields("weather"))
    rows = [
        {
            "field": field.name,
            "type": field.type,
            "unit": field.unit,
            "required": not field.nullable,
            "valid": ", ".join(field.values) or field.pattern or field.valid_range() or None,
            "meaning": field.description.replace("`", ""),
        }
        for field in fields
    ]
    return Query(
        name=f"event contract: {fields!r}",
        run=lambda: pa.Table.from_pylist(rows),
        ttl_seconds=tiers.cache().settings.cold_seconds,
    )


def samples(reason: str | None) -> Query:
    """The newest rejected records, with one reason or any, and the start of their content.

    ``ingestion_timestamp``, ``reasons`` (JSON), ``raw`` (at most 300 characters; control, format and
    private-use characters are replaced by U+FFFD), ``characters`` (its full length), ``encoding`` (text or Base64),
    ``event_id`` (null where it could not be parsed), ``kafka_topic``, ``kafka_partition``, ``kafka_offset``,
    ``batch_id``.
    """
    condition = f"WHERE array_contains(reasons, {literal(reason)})" if reason else ""
    return sql(
        rf"""
SELECT ingestion_timestamp, reasons, {_shown("coalesce(raw_value, raw_value_base64)")} AS raw,
  length(coalesce(raw_value, raw_value_base64)) AS characters,
  CASE WHEN raw_value IS NULL THEN 'Base64' ELSE 'text' END AS encoding,
  {_shown("event_id")} AS event_id, kafka_topic, kafka_partition, kafka_offset, batch_id
FROM {DATABASE}.rejected_flight_events
{condition}
ORDER BY ingestion_timestamp DESC, kafka_partition, kafka_offset
LIMIT {SAMPLES}"""
    )


def _shown(value: str) -> str:
    """Untrusted text, truncated, without control characters and characters that change the text direction."""
    return rf"regexp_replace(left({value}, {RAW_CHARACTERS}), '[\\p{{C}}\\p{{Zl}}\\p{{Zp}}]', '\uFFFD')"


def batches(number: int) -> Query:
    """The newest batches, newest first, with their row counts and whether these match.

    Counts of records; ``seconds`` from start to commit; ``file_size_mb`` of the raw batch; the time range of its events
    and the mean score of the stored ones.
    """
    return sql(
        f"""
SELECT batch_id, committed_at, consumed, stored, duplicates, rejected,
  consumed = stored + duplicates + rejected AS counts_match,
  unix_micros(committed_at) / 1e6D - unix_micros(started_at) / 1e6D AS seconds,
  mean_quality_score, event_time_min, event_time_max, ingestion_time_min, ingestion_time_max,
  file_size_mb, schema_version, storage_location, application_id
FROM {DATABASE}.batch_metadata
ORDER BY batch_id DESC
LIMIT {number}"""
    )


def archives() -> Query:
    """The newest archives, newest first: ``archive_metadata``, and ``visible``: which of their rows queries read."""
    return sql(
        f"""
SELECT m.archive_id, m.archived_at, m.state, s.state AS visible, m.record_count, m.file_size_mb, m.event_time_min,
  m.event_time_max, m.schema_version, m.storage_location, m.checksum
FROM {DATABASE}.archive_metadata m
LEFT JOIN {DATABASE}.archive_state s ON s.archive_id = m.archive_id
ORDER BY m.archived_at DESC
LIMIT {_ARCHIVES}"""
    )


def stores() -> Query:
    """A row for each store of the pipeline, and for each other table of the warehouse.

    ``store``: a table's name, or ``kafka`` (what the topic has now), ``topic`` (what was consumed), ``minute_job``,
    ``duplicates``, ``raw``, ``dead_letters``, ``hot``.
    ``records`` that are stored or were processed; ``newest``: the last commit that changed rows, or the newest
    ingestion time; ``age_minutes`` since then, by the wall clock; ``size_mb``. Null: unknown, for example all of
    ``hot`` while MongoDB does not answer, and of ``kafka`` while Kafka does not.
    """
    cold = sql(_COLD_STORES)
    return replace(cold, name=f"stores: {cold.name}", run=lambda: _stores(cold.run()), ttl_seconds=_STORES_SECONDS)


def _commits(table: str) -> str:
    """All snapshots of a table. A compaction (Iceberg: replace) changes files but no rows: it sorts last."""
    return (
        f"SELECT '{table}' AS store, struct(operation <> 'replace' AS changes_rows, committed_at AS newest, "
        f"CAST(summary['total-records'] AS bigint) AS records, "
        f"CAST(summary['total-files-size'] AS bigint) / 1e6D AS size_mb) AS commit FROM {DATABASE}.{table}.snapshots"
    )


_ICEBERG = [table.name for table in migrations.iceberg_tables(migrations.read())]
_COLD_STORES = f"""
SELECT store, last.newest, last.records, last.size_mb
FROM (SELECT store, max(commit) AS last FROM ({" UNION ALL ".join(map(_commits, _ICEBERG))}) GROUP BY store)
UNION ALL
SELECT 'archived_flight_events', max(archived_at), coalesce(sum(record_count), 0), coalesce(sum(file_size_mb), 0)
FROM {DATABASE}.archive_metadata
WHERE archive_id IN (SELECT archive_id FROM {DATABASE}.archive_state WHERE {COUNTS})
UNION ALL
SELECT stack(5,
  'topic', ingested, consumed, NULL,
  'minute_job', committed, batches, NULL,
  'duplicates', NULL, duplicates, NULL,
  'raw', committed, consumed, raw_mb,
  'dead_letters', NULL, rejected, NULL)
FROM (
  SELECT max(ingestion_time_max) AS ingested, max(committed_at) AS committed, sum(consumed) AS consumed,
    count(*) AS batches, sum(duplicates) AS duplicates, sum(rejected) AS rejected, sum(file_size_mb) AS raw_mb
  FROM {DATABASE}.batch_metadata
)"""


def _stores(cold: pa.Table) -> pa.Table:
    """The stores of the cold tier, including tables that were never written, and the hot tier."""
    unwritten = {name: {"store": name, "records": 0} for name in _ICEBERG}
    found = [
        *(unwritten | {row["store"]: row for row in cold.to_pylist()}).values(),
        server_stores.hot(),
        server_stores.kafka(),
    ]
    now = datetime.now(UTC)
    for row in found:
        row["age_minutes"] = (now - row["newest"]).total_seconds() / 60 if row.get("newest") else None
    kinds = {
        "store": pa.string(),
        "records": pa.int64(),
        "newest": pa.timestamp("us", "UTC"),
        "age_minutes": pa.float64(),
        "size_mb": pa.float64(),
    }
    return pa.Table.from_pylist(found, pa.schema(kinds.items()))
