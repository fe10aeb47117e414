"""Settings of the source of aircraft's state vectors."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from skytier.errors import TerminalError
from skytier.settings.base import Settings

_CREDITS_WITH_LOGIN, _CREDITS_WITHOUT_LOGIN = 4_000, 400


class OpenSkySettings(Settings):
    """The OpenSky Network, which ``skytier opensky`` polls for state vectors of aircraft."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_OPENSKY_")

    client_id: str = Field("", description="id of the API client of an account; empty: anonymous")
    client_secret: SecretStr = Field(SecretStr(""), description="secret of the API client")
    interval_seconds: float = Field(
        15.0,
        ge=5,
        description="interval between polls; longer where the credits of a day do not suffice, at least 10 without a "
        "client",
    )
    box: str = Field(
        "",
        description="area, as lamin,lomin,lamax,lomax in degrees; lomin above lomax: across the date line, which takes "
        "two requests; empty: the whole world",
    )
    daily_credits: int = Field(
        0,
        ge=0,
        description=f"credits of the account for a day; 0: {_CREDITS_WITH_LOGIN:,}, or {_CREDITS_WITHOUT_LOGIN} "
        "without a client",
    )
    timeout_seconds: float = Field(20.0, gt=0, description="timeout of a request")
    raw_days: int = Field(7, ge=1, description="days, of UTC, for which answers stay in HDFS as they came")
    url: str = Field("https://opensky-network.org", description="URL of the API, without /api")
    token_url: str = Field(
        "https://auth.opensky-network.org/auth/realms/opensky-network/protocol/openid-connect/token",
        description="URL at which a client gets its tokens",
    )
    trajectories: str = Field(
        "",
        description="file with the trajectories that `skytier opensky --sample` replays, the wheel of traffic 2.13; "
        "empty: the one that `make install` fetches",
    )

    @property
    def has_client(self) -> bool:
        """Whether there is a client to log in as. Raises TerminalError where its id or its secret is missing."""
        has_id, has_secret = bool(self.client_id), bool(self.client_secret.get_secret_value())
        if has_id != has_secret:
            given, missing = ("ID", "SECRET") if has_id else ("SECRET", "ID")
            raise TerminalError(
                f"SKYTIER_OPENSKY_CLIENT_{given} is set and SKYTIER_OPENSKY_CLIENT_{missing} is not: set both, or "
                "neither to poll as an anonymous user."
            )
        return has_id

    @property
    def credits_a_day(self) -> int:
        """The credits that may be spent in a day."""
        return self.daily_credits or (_CREDITS_WITH_LOGIN if self.has_client else _CREDITS_WITHOUT_LOGIN)
