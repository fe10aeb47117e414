"""The dashboard: Streamlit, on loopback."""

from __future__ import annotations

import sys
from urllib.request import urlopen

from local_stack.server import Server
from skytier.settings import HOST, PROJECT_ROOT, PortSettings


class Dashboard(Server):
    """The pages over both tiers. It needs no server to start: what does not answer is said where it is missed."""

    name = "dashboard"

    def ports(self) -> dict[str, int]:
        return {"SKYTIER_PORT_DASHBOARD": PortSettings().dashboard}

    def address(self) -> str:
        return f"http://{HOST}:{PortSettings().dashboard}"

    def command(self) -> list[str]:
        app = str(PROJECT_ROOT / "dashboard" / "app.py")
        where = ["--server.address", HOST, "--server.port", str(PortSettings().dashboard)]
        return [sys.executable, "-m", "streamlit", "run", app, *where]

    def ready(self) -> bool:
        with urlopen(f"{self.address()}/_stcore/health", timeout=5) as answer:
            return bool(answer.read() == b"ok")
