"""A pipeline: one kind of events on its way from a topic of Kafka to the cold and the hot tier."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skytier.contract import Contract
from skytier.files import Files
from skytier.migrations import DATABASE

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession


@dataclass(frozen=True)
class Tables:
    """The tables of the cold tier that a batch is written to, by their names in the warehouse's database.

    Each has a column ``batch_id``; no two pipelines share one, for they would commit to it at the same time.
    """

    events: tuple[str, ...]
    """one row a stored event; duplicates are looked up in the first, by ``event_id``"""
    derived: tuple[str, ...]
    """what else is written of stored events"""
    rejected: str
    batches: str
    """one row a batch: counts, times, offsets"""

    @staticmethod
    def full(name: str) -> str:
        """The name of a table with its database."""
        return f"{DATABASE}.{name}"

    @property
    def staging(self) -> str:
        """The table that holds every stored event as its contract has it."""
        return self.events[0]

    @property
    def written(self) -> tuple[str, ...]:
        """All but that of the batches, in the order of their steps."""
        return (*self.events, *self.derived, self.rejected)


@dataclass(frozen=True)
class Pipeline:
    """Where the events of one kind come from and lie. What is done to them is in its ``Transforms``."""

    name: str
    job: str
    """the Spark job that runs it: a script of ``spark_jobs``"""
    contract: Contract
    topic: str
    dead_letter_topic: str
    collection: str
    """in the hot tier's database; ``_id`` is the ``event_id``"""
    hot_indexes: tuple[tuple[str, int], ...]
    """a field and its direction (1, -1) for each index"""
    tables: Tables
    view: str
    """the SQL view that has each event once, wherever it is: hot tier, archive"""
    raw_folder: str
    metadata_folder: str
    checkpoint_folder: str
    qualifier: str = ""
    """what its alerts and locks are named after; empty for the first pipeline, whose names are older than others"""

    def qualified(self, name: str) -> str:
        """The name, told apart from the same name of another pipeline."""
        return f"{self.qualifier}: {name}" if self.qualifier else name


@dataclass(frozen=True)
class Scoring:
    """A model that adds columns to stored events."""

    champion: Callable[[Files], str | None]
    """the version of the model to use in a run; None where there is none, which it alerts of"""
    score: Callable[[DataFrame, str, int], DataFrame]
    """stored events, version, batch id -> the columns by ``event_id``"""
    unscored: Callable[[DataFrame], DataFrame]
    """the same columns as nulls"""


@dataclass(frozen=True)
class Transforms:
    """What a pipeline does to its records, as pure functions of DataFrames.

    ``prepare`` takes records (``skytier.pipeline.records.KAFKA_COLUMNS``) and keeps a row for each, with these columns,
    ``event_id`` and ``reasons`` (array of texts; an event without any is valid). The others take stored events, scored
    where there is ``scoring``, with ``ingestion_timestamp``, ``processing_timestamp``, ``batch_id`` and
    ``processing_date``.
    """

    prepare: Callable[[SparkSession, DataFrame], DataFrame]
    outputs: Mapping[str, Callable[[DataFrame], DataFrame]]
    """the rows of each table of events and derived data"""
    hot: Callable[[DataFrame], DataFrame]
    """the documents of the hot tier"""
    summarize: Callable[[DataFrame], dict[str, Any]]
    """what the batch's metadata says of its stored events: ``stored``, ``event_time_min``, ``event_time_max``, ..."""
    scoring: Scoring | None = None
    lookup_column: str | None = None
    """a column of prepared events whose values in a batch tell where a stored event of the same id may be"""
    lookup: Callable[[Sequence[Any]], Column] | None = None
    """those values -> the condition on the rows of the staging table"""
