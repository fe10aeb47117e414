"""Settings of the minute job."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from skytier.settings.base import Settings


class ProcessingSettings(Settings):
    """The minute job."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_PROCESS_")

    max_events_per_batch: int = Field(
        250_000, ge=1, description="maximum number of records in a batch; a backlog is processed in several batches"
    )
    clock_tolerance_minutes: int = Field(
        5,
        ge=0,
        description="maximum time by which an event may be later than its arrival in Kafka; later events are rejected",
    )
    quarantine_records: int = Field(
        50, ge=0, description="maximum number of records of a batch that are quarantined because a step fails at them"
    )
