"""What raises alerts, and where they are posted."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from skytier.settings.base import Settings


class AlertSettings(Settings):
    """What operators are told of, and where: the limits that ``skytier alerts check`` compares with."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_ALERTS_")

    webhook_url: SecretStr = Field(
        SecretStr(""), description="address that alerts are posted to as JSON when raised and resolved; empty: nowhere"
    )
    webhook_timeout_seconds: float = Field(3.0, gt=0, description="longest wait for that address to answer")
    lag_records: int = Field(250_000, ge=1, description="more records than this that wait in Kafka raise an alert")
    lag_minutes: float = Field(
        15.0, gt=0, description="records that wait while the newest batch is older than this raise an alert"
    )
    quality_minutes: float = Field(60.0, gt=0, description="batches committed in this time are looked at for quality")
    quality_records: int = Field(200, ge=1, description="fewer records than this in that time say nothing of quality")
    mean_quality: float = Field(0.8, ge=0, le=1, description="a mean quality score below this raises an alert")
    rejected_pct: float = Field(5.0, ge=0, le=100, description="a share of rejected records above this raises an alert")
    down_seconds: float = Field(
        8.0, ge=0, description="a server that is down is looked at again after this; down both times raises an alert"
    )
