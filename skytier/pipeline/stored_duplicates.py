"""Events that are stored twice: seen twice in the view over both tiers, or twice in the staging table.

The check of each batch counts what is new, so it cannot see an old event that came back, as by a restore that went
wrong. This reads the ids of all events: seconds for a million, too much for every minute, so it runs hourly.
"""

from __future__ import annotations

from dataclasses import dataclass

from pymongo import MongoClient

from skytier.alerts import Severity, alert
from skytier.hot_tier import Document
from skytier.pipeline.spec import Pipeline, Tables
from skytier.sql import Connection
from skytier.stored_document import REPAIRS

SUBJECT = "stored twice"
"""the subject of the alert of kind 'reconciliation', which is resolved when none is stored twice any more"""
_NAMED = 5


@dataclass(frozen=True)
class Doubled:
    """Events of one store that are there more than once: how many, and some with the places where they are."""

    store: str
    events: int
    examples: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        named = ", ".join(f"{event_id} ({places})" for event_id, places in self.examples)
        return f"{self.events} event(s) are stored twice in {self.store}: {named}{', ...' * self._is_more}."

    @property
    def _is_more(self) -> bool:
        return self.events > len(self.examples)


def find(connection: Connection, pipeline: Pipeline) -> list[Doubled]:
    """What is stored twice now. Raises as ``Connection.query`` does."""
    by_tier = _repeated(pipeline.view, "collect_list(tier)", "")
    by_batch = _repeated(Tables.full(pipeline.tables.staging), "collect_list(batch_id)", "batches ")
    found = [
        _doubled(connection, f"the view {pipeline.view}", by_tier),
        _doubled(connection, pipeline.tables.staging, by_batch),
    ]
    return [doubled for doubled in found if doubled.events]


def report(hot: MongoClient[Document], pipeline: Pipeline, found: list[Doubled]) -> str:
    """What was found in a sentence for users, which is raised as an alert as well."""
    said = f"{' '.join(map(str, found))} Nothing was changed; {REPAIRS} says how to undo it."
    alert(hot, "reconciliation", Severity.CRITICAL, pipeline.qualified(SUBJECT), said, until_resolved=True)
    return said


def _repeated(source: str, places: str, prefix: str) -> str:
    return (
        f"SELECT event_id, concat('{prefix}', array_join(array_sort({places}), ' and ')) AS places "
        f"FROM {source} GROUP BY event_id HAVING count(*) > 1"
    )


def _doubled(connection: Connection, store: str, query: str) -> Doubled:
    counted = f"SELECT event_id, places, count(*) OVER () AS events FROM ({query}) ORDER BY event_id LIMIT {_NAMED}"
    rows = connection.query(counted).rows
    return Doubled(store, rows[0][2] if rows else 0, tuple((event_id, places) for event_id, places, _ in rows))
