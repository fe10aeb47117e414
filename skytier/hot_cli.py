"""``skytier hot``: the hot tier as a whole."""

from __future__ import annotations

from cyclopts import App

from events.archive_targets import flights_target
from events.pipelines import all_pipelines
from skytier import alerts, hot_tier, spark
from skytier.archive import audit
from skytier.settings.archive import ArchiveSettings
from skytier.settings.mongodb import MongoSettings
from skytier.sql import Connection

app = App(name="hot", help="The hot tier: rebuild.")


@app.command
def rebuild() -> None:
    """Fill the hot tier from the cold one: every stored event that is in no archive. Again at any time.

    What is there already is replaced by the same; nothing is deleted.
    """
    with hot_tier.client() as connection:
        for pipeline in all_pipelines():
            hot_tier.ensure_indexes(hot_tier.collection(connection, pipeline.collection), pipeline.hot_indexes)
        alerts.ensure_indexes(connection)
    spark.submit("rebuild_hot_tier")
    with Connection() as sql:
        audit.note(sql, flights_target(MongoSettings(), ArchiveSettings()).audit_table, "rebuild", None)
    print("The hot tier holds every stored event that is in no archive.")
