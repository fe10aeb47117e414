"""How long results are cached."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from skytier.settings.base import Settings


class CacheSettings(Settings):
    """How long answers are kept."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_CACHE_")

    cold_seconds: float = Field(300.0, gt=0, description="time that an answer of the cold tier holds")
    hot_seconds: float = Field(5.0, gt=0, description="time that an answer of the hot tier holds")
    stale_seconds: float = Field(3_600.0, ge=0, description="time after it in which it is given out as stale")
    recent_seconds: float = Field(
        60.0, ge=0, description="time after it in which it is given out at once, unless what it rests on has changed"
    )
    patience_seconds: float = Field(0.15, ge=0, description="wait for a new answer before a stale one is given out")
    asking_seconds: float = Field(
        10.0, gt=0, description="time without a sign of life after which who asks is taken for dead"
    )
