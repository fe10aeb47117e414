"""How long a process that no longer answers keeps its work from others."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from skytier.settings.base import Settings


class LeaseSettings(Settings):
    """The leases of what one process of all machines does at a time: minute job, archive, rebuild, maintenance."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_LEASE_")

    seconds: float = Field(30.0, ge=1, description="time without a renewal after which another process takes over")
