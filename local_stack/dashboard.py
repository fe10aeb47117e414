"""The dashboard: Streamlit, on loopback."""

from __future__ import annotations

import sys
from urllib.request import urlopen

from local_stack.server import Server
from skytier.settings.base import HOST, PROJECT_ROOT
from skytier.settings.dashboard import DashboardSettings
from skytier.settings.hosts import BindSettings, HostSettings
from skytier.settings.mongodb import MongoSettings
from skytier.settings.ports import PortSettings

# What Streamlit tells uvicorn when it starts it itself. Compressing messages costs time, which loopback does not.
_AS_STREAMLIT_DOES = (
    *("--ws", "websockets-sansio", "--ws-per-message-deflate", "false"),
    *("--ws-ping-interval", "30", "--ws-ping-timeout", "30"),
)


class Dashboard(Server):
    """The pages over both tiers. It needs no server to start: what does not answer is said where it is missed."""

    name = "dashboard"

    def ports(self) -> dict[str, int]:
        return {"SKYTIER_PORT_DASHBOARD": PortSettings().dashboard}

    def address(self) -> str:
        return DashboardSettings().base_url or f"http://{HostSettings().dashboard}:{PortSettings().dashboard}"

    def command(self) -> list[str]:
        port, code = str(PortSettings().dashboard), str(PROJECT_ROOT)
        where = ["--host", BindSettings().address, "--port", port, "--app-dir", code]
        uvicorn = [sys.executable, "-m", "uvicorn", "--factory", "dashboard.server:app", *where]
        return [*uvicorn, *_AS_STREAMLIT_DOES, *self._proxies()]

    @staticmethod
    def _proxies() -> list[str]:
        """Whose word on the address of a visitor counts. uvicorn's default is everybody's on this machine."""
        trusted = DashboardSettings().trusted_proxies
        return ["--forwarded-allow-ips", trusted] if trusted else ["--no-proxy-headers"]

    def environment(self) -> dict[str, str]:
        mongodb = MongoSettings()
        return {
            "STREAMLIT_SERVER_ADDRESS": BindSettings().address,
            "STREAMLIT_SERVER_PORT": str(PortSettings().dashboard),
            # All that it asks the hot tier, it asks as who may only read, and acknowledge alerts.
            "SKYTIER_MONGODB_USER": mongodb.dashboard_user,
            "SKYTIER_MONGODB_PASSWORD": mongodb.dashboard_password.get_secret_value(),
        }

    def ready(self) -> bool:
        bind = BindSettings()  # by its name it lets in only who it is told of
        own = HOST if bind.address == "0.0.0.0" else bind.address
        with urlopen(f"http://{own}:{PortSettings().dashboard}/_stcore/health", timeout=5) as answer:
            return bool(answer.read() == b"ok")
