"""The minute job."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from skytier.settings.base import Settings


class ProcessingSettings(Settings):
    """The minute job."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_PROCESS_")

    max_events_per_batch: int = Field(250_000, ge=1, description="events of one batch at most; a backlog takes several")
    clock_tolerance_minutes: int = Field(5, ge=0, description="an event later than its ingestion by more is rejected")
    quarantine_records: int = Field(
        50, ge=0, description="records of a batch at most that are set aside because a step fails at them"
    )
