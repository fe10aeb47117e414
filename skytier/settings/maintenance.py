"""The hourly maintenance of the cold tier's tables."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from skytier.settings.base import Settings


class MaintenanceSettings(Settings):
    """The hourly care of the warehouse's tables."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_MAINTENANCE_")

    snapshot_days: float = Field(1.0, gt=0, description="snapshots of a table older than this are expired")
    snapshots_kept: int = Field(5, ge=1, description="snapshots of a table that are kept however old they are")
    orphan_days: float = Field(3.0, ge=1, description="files that no snapshot knows are deleted when older than this")
    small_files: int = Field(5, ge=2, description="small files of a partition that are worth compacting")
    log_days: float = Field(
        14.0,
        ge=1,
        description="logs of servers and tasks, and Airflow's records of its runs, older than this are deleted",
    )
