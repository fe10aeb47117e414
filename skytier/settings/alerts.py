"""Thresholds of alerts, and the webhook."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from skytier.settings.base import Settings


class AlertSettings(Settings):
    """Thresholds of ``skytier alerts check``, and the webhook that receives alerts."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_ALERTS_")

    webhook_url: SecretStr = Field(
        SecretStr(""), description="URL to which alerts are posted as JSON when raised and resolved; empty: no webhook"
    )
    webhook_timeout_seconds: float = Field(3.0, gt=0, description="timeout of a request to the webhook")
    lag_records: int = Field(
        250_000, ge=1, description="number of records waiting in Kafka above which an alert is raised"
    )
    lag_minutes: float = Field(
        15.0, gt=0, description="age of the newest batch above which waiting records raise an alert"
    )
    quality_minutes: float = Field(60.0, gt=0, description="window of the newest batches over which quality is checked")
    quality_records: int = Field(
        200, ge=1, description="minimum number of records in that window for a check of quality"
    )
    mean_quality: float = Field(0.8, ge=0, le=1, description="mean quality score below which an alert is raised")
    rejected_pct: float = Field(
        5.0, ge=0, le=100, description="percentage of rejected records above which an alert is raised"
    )
    down_seconds: float = Field(
        8.0,
        ge=0,
        description="interval after which a server that is down is probed again; "
        "an alert is raised if it is down in both probes",
    )
