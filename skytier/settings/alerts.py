"""The limits of alerts, and the webhook."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from skytier.settings.base import Settings


class AlertSettings(Settings):
    """The limits of ``skytier alerts check``, and the webhook that alerts are posted to."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_ALERTS_")

    webhook_url: SecretStr = Field(
        SecretStr(""), description="address that alerts are posted to as JSON when raised and resolved; empty: none"
    )
    webhook_timeout_seconds: float = Field(3.0, gt=0, description="time-out of a request to the webhook")
    lag_records: int = Field(250_000, ge=1, description="more records than this waiting in Kafka raise an alert")
    lag_minutes: float = Field(
        15.0, gt=0, description="waiting records raise an alert if the newest batch is older than this"
    )
    quality_minutes: float = Field(60.0, gt=0, description="quality is checked over the batches committed in this time")
    quality_records: int = Field(200, ge=1, description="least number of records in that time to check quality")
    mean_quality: float = Field(0.8, ge=0, le=1, description="a mean quality score below this raises an alert")
    rejected_pct: float = Field(5.0, ge=0, le=100, description="a share of rejected records above this raises an alert")
    down_seconds: float = Field(
        8.0,
        ge=0,
        description="a server that is down is probed again after this; down in both probes raises an alert",
    )
