"""Settings of the training of the delay model."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from skytier.settings.base import Settings


class TrainingSettings(Settings):
    """The training of the delay model from the warehouse."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_TRAINING_")

    days: int = Field(365, ge=60, description="number of newest days of flights used for training and test")
