"""Settings of the dashboard: refresh, sign-in, roles."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from skytier.settings.base import Settings


class DashboardSettings(Settings):
    """The dashboard: refresh, sign-in and roles."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_DASHBOARD_")

    refresh_seconds: float = Field(60.0, ge=1, description="interval between two refreshes of an open page")
    sign_in: Literal["off", "password", "oidc"] = Field(
        "off", description="method of sign-in: off (none), password, or oidc (OpenID Connect)"
    )
    viewer_password: SecretStr = Field(SecretStr(""), description="password of viewers; empty: no viewer can sign in")
    operator_password: SecretStr = Field(
        SecretStr(""), description="password of operators; empty: no operator can sign in"
    )
    operator_token: SecretStr = Field(
        SecretStr(""),
        description="without sign-in: token that gives a local browser the operator role; created at first start",
    )
    local_addresses: str = Field(
        "",
        description="addresses and networks, comma-separated, that count as this machine besides loopback; `gateway`: "
        "the host of a container, for a port that is published on loopback only",
    )
    base_url: str = Field("", description="URL by which browsers reach the dashboard; empty: that of its host and port")
    allowed_hosts: str = Field(
        "", description="allowed host names besides localhost, comma-separated: those of the proxy"
    )
    trusted_proxies: str = Field(
        "", description="addresses of proxies, comma-separated, whose X-Forwarded headers are trusted"
    )
    viewers: str = Field(
        "", description="with oidc: e-mail addresses of viewers, comma-separated; *: everybody who can sign in"
    )
    operators: str = Field("", description="with oidc: e-mail addresses of operators, comma-separated")
