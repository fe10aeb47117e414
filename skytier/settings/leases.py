"""Settings of leases."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from skytier.settings.base import Settings


class LeaseSettings(Settings):
    """Leases, which allow one process across all machines to run the minute job, archiving, rebuild or maintenance."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_LEASE_")

    seconds: float = Field(
        30.0, ge=1, description="time without renewal after which a lease expires and another process takes over"
    )
