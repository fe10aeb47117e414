"""Settings of the cache."""

from __future__ import annotations

from typing import Any

from pydantic import AliasChoices, Field
from pydantic_settings import SettingsConfigDict

from skytier.settings.base import Settings

_PREFIX = "SKYTIER_CACHE_"


def _renamed(new: str, old: str, default: float, **constraints: Any) -> Any:
    """A setting that is also read from the variable of its old name, for one release."""
    return Field(default, validation_alias=AliasChoices(f"{_PREFIX}{new}", f"{_PREFIX}{old}"), **constraints)


class CacheSettings(Settings):
    """Caching of query results: times to live, wait budget and lock timeout."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, populate_by_name=True)

    cold_seconds: float = Field(90.0, gt=0, description="time to live of a result from the cold tier")
    hot_seconds: float = Field(5.0, gt=0, description="time to live of a result from the hot tier")
    stale_seconds: float = Field(
        3_600.0, ge=0, description="time after its time to live during which a result may be returned as stale"
    )
    recent_seconds: float = Field(
        60.0,
        ge=0,
        description="time after its time to live during which a stale result is returned at once, unless a cache tag "
        "of it was invalidated",
    )
    wait_budget_seconds: float = _renamed(
        "WAIT_BUDGET_SECONDS",
        "PATIENCE_SECONDS",
        0.15,
        ge=0,
        description="maximum wait for a new result before a stale one is returned",
    )
    lock_timeout_seconds: float = _renamed(
        "LOCK_TIMEOUT_SECONDS",
        "ASKING_SECONDS",
        10.0,
        gt=0,
        description="time after which the lock of a query expires when the process that runs it no longer renews it",
    )
