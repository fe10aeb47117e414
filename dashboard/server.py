"""The dashboard's server: ``uvicorn --factory dashboard.server:app``, which 'make up' runs.

Not ``streamlit run``: that binds the port itself, in a way that leaves Nagle's algorithm on. What the server sends then
waits 40 ms for the browser to confirm what it sent before (https://github.com/Kludex/uvicorn/issues/3149).
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from dashboard import operator_page, text
from dashboard.guard import Guard, allowed_hosts
from dashboard.queries.operations import watch_processor
from skytier.settings.dashboard import DashboardSettings

# Opened below the root, Streamlit's page would look for its server there, be refused, and wait before it looks further.
_WHERE = '<script>window.__streamlit = {BACKEND_BASE_URL: new URL(".", location).href}</script>'


def page() -> str:
    """Streamlit's page, told that its server is where its scripts are."""
    streamlits = Path(st.__file__).with_name("static") / "index.html"
    return streamlits.read_text(encoding="utf-8").replace("<head>", f"<head>\n    {_WHERE}", 1)


def app() -> st.App:
    """Streamlit's own application, but for that page, behind a guard and beside the operators' page."""
    told = page()
    watch_processor()

    async def answer(_: Request) -> HTMLResponse:
        return HTMLResponse(told, headers={"Cache-Control": "no-cache"})

    paths = ("/", *(f"/{one.path}" for one in text.PAGES))
    guard = Middleware(Guard, hosts=allowed_hosts(DashboardSettings()))
    routes = [*(Route(path, answer) for path in paths), *operator_page.routes()]
    return st.App(Path(__file__).with_name("app.py"), routes=routes, middleware=[guard])
