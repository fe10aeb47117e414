"""Settings of the hourly maintenance."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from skytier.settings.base import Settings


class MaintenanceSettings(Settings):
    """The hourly maintenance of the Iceberg tables and logs."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_MAINTENANCE_")

    snapshot_days: float = Field(1.0, gt=0, description="age above which snapshots of a table are expired")
    snapshots_kept: int = Field(
        5, ge=1, description="number of newest snapshots of a table that are kept regardless of age"
    )
    orphan_days: float = Field(3.0, ge=1, description="age above which files that no snapshot references are deleted")
    small_files: int = Field(5, ge=2, description="minimum number of small files in a partition for a compaction")
    log_days: float = Field(
        14.0,
        ge=1,
        description="age above which logs of servers and tasks, and Airflow's records of its runs, are deleted",
    )
