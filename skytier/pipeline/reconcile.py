"""Reconciliation: every batch counted again in every store, by other means than the job that wrote it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import reduce
from typing import Any

from pydantic import TypeAdapter
from pymongo import MongoClient

from skytier import hot_tier, locks, stored_document
from skytier.errors import TerminalError, TransientError
from skytier.files import Files
from skytier.pipeline.batch_counts import (
    HOT_TIER,
    RAW,
    BatchCounts,
    Difference,
    Offsets,
    Progress,
    after,
    compare,
    gaps,
)
from skytier.pipeline.batch_ids import BATCHES_PER_GENERATION, BatchSpan, Marks
from skytier.pipeline.spec import Pipeline, Tables
from skytier.sql import Connection
from skytier.warehouse import parquet

_FOLDERS_AT_ONCE = 100


@dataclass(frozen=True)
class Acceptance:
    """A batch whose differences a person accepted: who, when, why, and what they were."""

    batch_id: int
    reason: str
    by: str
    at: datetime
    differences: tuple[str, ...]


@dataclass(frozen=True)
class State:
    """How far batches were reconciled, and which of them were accepted as they are."""

    batch_id: int
    ends: dict[str, int]
    accepted: tuple[Acceptance, ...] = ()

    @property
    def progress(self) -> Progress:
        """The last batch, and where it left each partition."""
        return Progress(self.batch_id, self.ends)

    def moved_to(self, progress: Progress) -> State:
        """The same, further on."""
        return replace(self, batch_id=progress.batch_id, ends=progress.ends)


@dataclass(frozen=True)
class Report:
    """Which batches were checked and what did not agree."""

    checked: list[BatchCounts]
    differences: list[Difference]


_STATE = TypeAdapter(State)
_REPAIR = (
    "It says how far the batches were reconciled. Delete it: the next check counts every batch again, which takes "
    f"longer and loses nothing ({stored_document.REPAIRS})."
)


def state_path(pipeline: Pipeline) -> str:
    """The file that says how far the pipeline's batches were reconciled."""
    return f"{pipeline.metadata_folder}/reconciliation.json"


class Reconciliation:
    """The reconciliation of one pipeline's batches. Methods raise TransientError when a store does not answer."""

    def __init__(self, pipeline: Pipeline, connection: Connection, files: Files) -> None:
        self._pipeline, self._tables = pipeline, pipeline.tables
        self._connection, self._files = connection, files
        self._path = state_path(pipeline)
        self._earlier_path = f"{pipeline.metadata_folder}/books.json"  # what version 0.1 wrote

    def check(self, hot: MongoClient[hot_tier.Document]) -> Report:
        """Count every batch since the last one that was reconciled; remember how far, if all agree."""
        while True:
            state = self._state()
            batches = self._batches_after(state.batch_id)
            differences = self._differences(hot, batches, state.progress)
            last = reduce(lambda last, batch: after(batch, last), batches, state.progress)
            if not batches or differences or self._save(state, state.moved_to(last)):
                return Report(batches, differences)

    def accept(self, hot: MongoClient[hot_tier.Document], batch_id: int, reason: str, by: str) -> Acceptance:
        """Let the next check begin after a batch whose differences stay; they are kept with the reason.

        Raises TerminalError for a batch that was reconciled, is not complete, agrees, or follows one that does not;
        TransientError when another process reconciled batches meanwhile.
        """
        state = self._state()
        batches = [batch for batch in self._batches_after(state.batch_id) if batch.batch_id <= batch_id]
        if not batches or batches[-1].batch_id != batch_id:
            raise TerminalError(
                f"Batch {batch_id} does not wait for reconciliation: batches up to {state.batch_id} are reconciled, "
                f"and those after it that are complete are in {Tables.full(self._tables.batches)}."
            )
        differences = self._differences(hot, batches, state.progress)
        if earlier := [str(difference) for difference in differences if difference.batch_id != batch_id]:
            raise TerminalError(
                f"Batch {batch_id} cannot be accepted before those that it follows: {'; '.join(earlier)}."
            )
        if not differences:
            raise TerminalError(f"Batch {batch_id} agrees in every store: there is nothing to accept.")
        accepted = Acceptance(batch_id, reason, by, datetime.now(UTC), tuple(map(str, differences)))
        moved = state.moved_to(reduce(lambda last, batch: after(batch, last), batches, state.progress))
        if not self._save(state, replace(moved, accepted=(*state.accepted, accepted))):
            raise TransientError(
                f"Batches were reconciled, or accepted, by another process while batch {batch_id} was counted: run "
                "'skytier reconcile' to see what is left."
            )
        return accepted

    def reconciled(self) -> tuple[BatchSpan, ...]:
        """The batches that are in every store, a span for each checkpoint; accepted ones count.

        A batch that did not complete and whose checkpoint was lost is in no span.
        """
        rows = self._connection.query(
            f"SELECT min(batch_id), max(batch_id) FROM {Tables.full(self._tables.batches)} "
            f"WHERE batch_id <= {self._state().batch_id} GROUP BY batch_id DIV {BATCHES_PER_GENERATION} ORDER BY 1"
        ).rows
        return tuple(BatchSpan(first=first, last=end) for first, end in rows)

    def _differences(
        self, hot: MongoClient[hot_tier.Document], batches: list[BatchCounts], last: Progress
    ) -> list[Difference]:
        if not batches:
            return []
        counts = self._cold_counts(batches)
        counts[RAW] = self._raw_counts(batches)
        times = [t for b in batches for t in (b.ingestion_time_min, b.ingestion_time_max) if t is not None]
        events = hot_tier.collection(hot, self._pipeline.collection)
        counts[HOT_TIER] = hot_tier.count_by_batch(events, min(times), max(times)) if times else {}
        if compare(self._tables, batches, counts):
            # Batches that are checked once more may have left the hot tier in part.
            counts[HOT_TIER] = self._counts_in_view(batches)
        return compare(self._tables, batches, counts) + gaps(batches, last)

    def _state(self) -> State:
        for path in (self._path, self._earlier_path):
            if self._files.exists(path):
                return stored_document.read(self._files, path, _STATE, "the check", _REPAIR)
        return State(0, {})

    def _save(self, before: State, state: State) -> bool:
        """Replace the state, unless another process has replaced it since it was read; whether it was replaced."""
        with locks.lease(locks.RECONCILIATION, pipeline=self._pipeline.name, files=self._files) as lease:
            if self._state() != before:
                return False
            lease.files.write_json_atomically(self._path, _STATE.dump_python(state, mode="json"))
            if self._files.exists(self._earlier_path):
                lease.files.delete(self._earlier_path)
        return True

    def _batches_after(self, batch_id: int) -> list[BatchCounts]:
        """The complete batches after one, oldest first."""
        rows = self._connection.query(
            "SELECT batch_id, consumed, stored, duplicates, rejected, coalesce(lost, 0) AS lost, kafka_offsets, "
            f"ingestion_time_min, ingestion_time_max, storage_location FROM {Tables.full(self._tables.batches)} "
            f"WHERE batch_id > {batch_id} ORDER BY batch_id"
        ).dicts()
        # Only the newest can lack its mark: then it is still under way, or will be repeated.
        if rows and not Marks(self._files, self._pipeline).has(rows[-1]["batch_id"]):
            rows.pop()
        return [BatchCounts(**_without_offsets(row), offsets=_offsets(row["kafka_offsets"])) for row in rows]

    def _counts_in_view(self, batches: list[BatchCounts]) -> dict[int, int]:
        """Events of each batch that are in the hot tier or in an archive, each once."""
        query = f"SELECT batch_id, count(*) FROM {self._pipeline.view} WHERE {_span(batches)} GROUP BY batch_id"
        return dict(self._connection.query(query).rows)

    def _raw_counts(self, batches: list[BatchCounts]) -> dict[int, int]:
        """Records in the raw folder of each batch."""
        counts: dict[int, int] = {}
        for start in range(0, len(batches), _FOLDERS_AT_ONCE):
            query = " UNION ALL ".join(
                f"SELECT {batch.batch_id}L, count(*) FROM {parquet(batch.storage_location)}"
                for batch in batches[start : start + _FOLDERS_AT_ONCE]
            )
            counts |= dict(self._connection.query(query).rows)
        return counts

    def _cold_counts(self, batches: list[BatchCounts]) -> dict[str, dict[int, int]]:
        """Rows of each batch by table."""
        tables = (*self._tables.events, self._tables.rejected)
        query = " UNION ALL ".join(
            f"SELECT '{table}' AS store, batch_id, count(*) AS found FROM {Tables.full(table)} "
            f"WHERE {_span(batches)} GROUP BY batch_id"
            for table in tables
        )
        counts: dict[str, dict[int, int]] = {table: {} for table in tables}
        for table, batch, found in self._connection.query(query).rows:
            counts[table][batch] = found
        return counts


def _span(batches: list[BatchCounts]) -> str:
    return f"batch_id BETWEEN {batches[0].batch_id} AND {batches[-1].batch_id}"


def _without_offsets(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "kafka_offsets"}


def _offsets(text: str) -> Offsets:
    (topic,) = json.loads(text).values()
    return {partition: (start, end) for partition, (start, end) in topic.items()}
