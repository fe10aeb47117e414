"""The hourly care of the warehouse: compact small files, expire old snapshots, remove files that nothing knows.

Safe while the minute job runs: only batches that are complete, and so never written again, are compacted, and every
step is one Iceberg commit that is tried again when another commit came first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pyspark.sql import SparkSession

from events.pipelines import all_pipelines
from skytier import locks, logs, migrations, spark_failures
from skytier.files import Files
from skytier.migrations import DATABASE, Table
from skytier.pipeline.batch_ids import Marks
from skytier.pipeline.spec import Pipeline, Tables
from skytier.settings.maintenance import MaintenanceSettings
from spark_jobs.session import session

# What a compacted file is sorted by, so that its minima and maxima tell which queries may skip it.
SORT_ORDER = {"staging_flight_events": "event_id ASC", "fact_flight_events": "event_time ASC"}
MANIFESTS_WORTH_REWRITING = 10

log = logs.logger("maintain_warehouse")


class Maintenance:
    """The care of one table after the other. Times are UTC."""

    def __init__(
        self,
        spark: SparkSession,
        settings: MaintenanceSettings,
        newest_complete: Mapping[str, int],
        require: Callable[[], None],
    ) -> None:
        """``newest_complete`` has, for each table that batches write, the newest one that is never written again.
        ``require`` is called before each step, and raises when none may be taken any more.
        """
        self.spark = spark
        self.settings = settings
        self.newest_complete = newest_complete
        self.require = require
        self.now = datetime.now(UTC)

    def maintain(self, table: Table) -> None:
        """All steps for a table, and one log event with what they did."""
        start = time.monotonic()
        done = self._compact(table) | self._rewrite_manifests(table) | self._expire(table) | self._remove_orphans(table)
        log.info("table maintained", table=table.name, **done, seconds=round(time.monotonic() - start, 2))

    def _compact(self, table: Table) -> dict[str, Any]:
        arguments = [f"options => map('min-input-files', '{self.settings.small_files}')"]
        if any(column.name == "batch_id" for column in table.columns):
            # A table that no pipeline here writes is one of other code: nothing of it is known to be complete.
            arguments.append(f"where => 'batch_id <= {self.newest_complete.get(table.name, -1)}'")
        if order := SORT_ORDER.get(table.name):
            arguments.append(f"strategy => 'sort', sort_order => '{order}'")
        done = self._call("rewrite_data_files", table, *arguments)
        return {"files_compacted": done["rewritten_data_files_count"], "files_written": done["added_data_files_count"]}

    def _rewrite_manifests(self, table: Table) -> dict[str, Any]:
        if self.spark.table(f"{DATABASE}.{table.name}.manifests").count() < MANIFESTS_WORTH_REWRITING:
            return {}
        done = self._call("rewrite_manifests", table, "use_caching => false")
        return {"manifests_rewritten": done["rewritten_manifests_count"]}

    def _expire(self, table: Table) -> dict[str, Any]:
        older_than = self._ago(self.settings.snapshot_days)
        snapshots = self.spark.table(f"{DATABASE}.{table.name}.snapshots")
        if snapshots.where(f"committed_at < {older_than}").isEmpty():
            return {}
        keep = f"retain_last => {self.settings.snapshots_kept}"
        done = self._call("expire_snapshots", table, f"older_than => {older_than}", keep)
        return {"files_expired": sum(done.values())}

    def _remove_orphans(self, table: Table) -> dict[str, Any]:
        older_than = f"older_than => {self._ago(self.settings.orphan_days)}"
        orphans = self.spark.sql(self._statement("remove_orphan_files", table, older_than)).count()
        return {"orphans_removed": orphans}

    def _call(self, procedure: str, table: Table, *arguments: str) -> dict[str, Any]:
        return self.spark.sql(self._statement(procedure, table, *arguments)).collect()[0].asDict()

    def _statement(self, procedure: str, table: Table, *arguments: str) -> str:
        self.require()
        given = ", ".join((f"table => 'spark_catalog.{DATABASE}.{table.name}'", *arguments))
        return f"CALL spark_catalog.system.{procedure}({given})"

    def _ago(self, days: float) -> str:
        return f"TIMESTAMP '{self.now - timedelta(days=days):%Y-%m-%d %H:%M:%S}'"


def newest_complete_batch(spark: SparkSession, files: Files, pipeline: Pipeline) -> int:
    """The newest batch of the pipeline with a mark, -1 without any."""
    table = Tables.full(pipeline.tables.batches)
    newest = spark.sql(f"SELECT batch_id FROM {table} ORDER BY batch_id DESC LIMIT 10").collect()
    return Marks(files, pipeline).newest_complete([row.batch_id for row in newest])


def main() -> None:
    """Maintain every Iceberg table of the warehouse."""
    start = time.monotonic()
    spark = session("maintain_warehouse")
    files = Files()
    by_pipeline = {pipeline: newest_complete_batch(spark, files, pipeline) for pipeline in all_pipelines()}
    by_table = {
        table: newest
        for pipeline, newest in by_pipeline.items()
        for table in (*pipeline.tables.written, pipeline.tables.batches)
    }
    with locks.lease(locks.MAINTENANCE) as lease:
        maintenance = Maintenance(spark, MaintenanceSettings(), by_table, lease.require)
        for table in migrations.iceberg_tables(migrations.read()):
            maintenance.maintain(table)
    newest = {pipeline.name: batch for pipeline, batch in by_pipeline.items()}
    log.info("maintenance done", newest_complete_batch=newest, seconds=round(time.monotonic() - start, 2))


if __name__ == "__main__":
    spark_failures.run("maintain_warehouse", main)
