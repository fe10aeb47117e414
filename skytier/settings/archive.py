"""Archiving of the hot tier: limits, waits and retention."""

from __future__ import annotations

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from skytier.settings.base import Settings
from skytier.settings.sql import SqlSettings


class ArchiveSettings(Settings):
    """Archiving of the hot tier: limits, waits and retention."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_ARCHIVE_")

    limit_mb: float = Field(
        300.0,
        gt=0,
        description="size of the collection of flight events (documents and indexes) above which a run begins",
    )
    low_water_pct: float = Field(80.0, gt=0, lt=100, description="low-water mark: size after a run, in % of the limit")
    window_days: float = Field(
        7.0, gt=0, description="number of days that the hot tier should hold; an alert is raised if it holds fewer"
    )
    minimum_age_hours: float = Field(
        36.0, ge=0, description="minimum age of events that are archived; predictions read events up to this age"
    )
    run_mb: float = Field(
        600.0, gt=0, description="maximum size of the events that one run moves; the next run moves the rest"
    )
    documents_per_range: int = Field(
        20_000, ge=1, description="number of documents in a key range, the unit of reads of a run"
    )
    file_mb: float = Field(64.0, gt=0, description="size of the Parquet files of large runs")
    settle_seconds: float = Field(10.0, ge=0, description="maximum duration of the planning of a query")
    grace_seconds: float | None = Field(
        None, ge=0, description="grace time between publish and purge; empty: the timeout of queries"
    )
    purge_documents_per_second: int = Field(30_000, ge=1, description="maximum number of documents deleted per second")
    purge_batch: int = Field(1_000, ge=1, le=100_000, description="number of documents per delete")
    retention_days: float | None = Field(
        None, gt=0, description="age above which 'skytier archive expire' deletes archives; empty: none are deleted"
    )

    @model_validator(mode="after")
    def _grace(self) -> ArchiveSettings:
        if self.grace_seconds is None:
            object.__setattr__(self, "grace_seconds", float(SqlSettings().query_timeout_seconds))
        return self
