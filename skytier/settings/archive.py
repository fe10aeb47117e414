"""When events leave the hot tier, and how."""

from __future__ import annotations

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from skytier.settings.base import Settings
from skytier.settings.sql import SqlSettings


class ArchiveSettings(Settings):
    """When events leave the hot tier, and how."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_ARCHIVE_")

    limit_mb: float = Field(
        300.0,
        gt=0,
        description="size of the collection of flight events, documents and indexes, above which a run begins",
    )
    low_water_pct: float = Field(80.0, gt=0, lt=100, description="size after a run, in % of the limit")
    window_days: float = Field(
        7.0, gt=0, description="days of events that the hot tier is meant to hold; fewer raise an alert"
    )
    minimum_age_hours: float = Field(
        36.0, ge=0, description="younger events stay in the hot tier: predictions read so far back"
    )
    run_mb: float = Field(600.0, gt=0, description="most that one run moves; the next run moves the rest")
    documents_per_range: int = Field(
        20_000, ge=1, description="documents in a key range, the unit in which a run reads"
    )
    file_mb: float = Field(64.0, gt=0, description="size of the Parquet files of large runs")
    settle_seconds: float = Field(10.0, ge=0, description="longest time that the planning of a query may take")
    grace_seconds: float | None = Field(
        None, ge=0, description="time between publication and purge; empty: the time-out of queries"
    )
    purge_documents_per_second: int = Field(30_000, ge=1, description="most documents deleted in a second")
    purge_batch: int = Field(1_000, ge=1, le=100_000, description="documents in one delete")
    retention_days: float | None = Field(
        None, gt=0, description="age at which 'skytier archive expire' deletes archives; empty: never"
    )

    @model_validator(mode="after")
    def _grace(self) -> ArchiveSettings:
        if self.grace_seconds is None:
            object.__setattr__(self, "grace_seconds", float(SqlSettings().query_timeout_seconds))
        return self
