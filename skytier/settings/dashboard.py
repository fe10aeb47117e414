"""The dashboard: refresh, sign-in, who may do what."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from skytier.settings.base import Settings


class DashboardSettings(Settings):
    """The dashboard."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_DASHBOARD_")

    refresh_seconds: float = Field(60.0, ge=1, description="time between two refreshes of an open page")
    sign_in: Literal["off", "password", "oidc"] = Field(
        "off", description="how people sign in: off (nobody has to), password, or oidc (OpenID Connect)"
    )
    viewer_password: SecretStr = Field(SecretStr(""), description="password of viewers; empty: no viewer can sign in")
    operator_password: SecretStr = Field(SecretStr(""), description="password of operators, who may also start things")
    operator_token: SecretStr = Field(
        SecretStr(""), description="without sign-in: what makes a browser here an operator's; made at first start"
    )
    allowed_hosts: str = Field(
        "", description="names that the dashboard answers to beside localhost, with commas: those of its proxy"
    )
    trusted_proxies: str = Field(
        "", description="addresses of proxies, with commas, whose word on where requests come from counts"
    )
    viewers: str = Field("", description="with oidc: who may look, as addresses with commas; *: all that can sign in")
    operators: str = Field("", description="with oidc: who are operators, as addresses with commas")
