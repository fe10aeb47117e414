"""What is archived and where to: the target of every step and command of the archive."""

from __future__ import annotations

from dataclasses import dataclass

from skytier.migrations import DATABASE
from skytier.pipeline.spec import Pipeline


@dataclass(frozen=True)
class Target:
    """A pipeline's collection in the hot tier, and everything that belongs to its archives alone.

    No two targets share a pipeline, a folder or a table. Tables are of the warehouse's database and named without it;
    folders are absolute paths on HDFS.
    """

    pipeline: Pipeline
    database: str
    """the MongoDB database of the pipeline's collection"""
    limit_mb: float
    """size of the collection, documents and indexes, above which a run begins; of 1,000,000 bytes"""
    folder: str
    """where the archives' Parquet files are published, a folder for each archive"""
    manifests_folder: str
    table: str
    """the external table over the published files, with a partition for each archive"""
    state_table: str
    """the Iceberg table that says what queries see of each archive"""
    metadata_table: str
    audit_table: str

    @property
    def limit_bytes(self) -> float:
        """The limit in bytes."""
        return self.limit_mb * 1_000_000

    @property
    def collection(self) -> str:
        """The MongoDB collection whose oldest events are archived."""
        return self.pipeline.collection

    @property
    def view(self) -> str:
        """The view over hot tier and archive, in the database ``tiers``."""
        return self.pipeline.view.removeprefix("tiers.")

    @property
    def hot_view(self) -> str:
        """The view over the hot tier alone, in the database ``tiers``."""
        return f"hot_{self.view}"

    @property
    def archive_table(self) -> str:
        """``table`` with its database."""
        return f"{DATABASE}.{self.table}"

    @property
    def archive_states(self) -> str:
        """``state_table`` with its database."""
        return f"{DATABASE}.{self.state_table}"

    def location(self, archive_id: str) -> str:
        """The folder of an archive's published files."""
        return f"{self.folder}/{archive_id}"

    def staging(self, archive_id: str) -> str:
        """The folder where an archive's files are written and verified."""
        return f"{self.folder}/_inprogress/{archive_id}"
