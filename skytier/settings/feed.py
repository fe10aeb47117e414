"""Settings of the feed that ``make up`` starts."""

from __future__ import annotations

from datetime import date

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from skytier.settings.base import Settings


class FeedSettings(Settings):
    """The feed that ``make up`` starts: a back-fill at full speed, then a live replay."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_FEED_")

    enabled: bool = Field(True, description="whether 'make up' publishes real flights")
    start: date = Field(date(2013, 1, 1), description="first day of the back-fill")
    backfill_days: int = Field(28, ge=0, description="number of days published at full speed before the live replay")
    speed: float = Field(60.0, gt=0, description="speed of the live replay, in flight minutes per minute")
