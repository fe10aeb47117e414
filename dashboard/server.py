"""The dashboard's server: ``uvicorn --factory dashboard.server:app``, which 'make up' runs.

Not ``streamlit run``: that binds the port itself, in a way that leaves Nagle's algorithm on. Each response then waits
40 ms for the browser to acknowledge the one before (https://github.com/Kludex/uvicorn/issues/3149).
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from dashboard import operator_page
from dashboard.app_pages import PAGES
from dashboard.app_pages.operations.machine_queries import watch_processor
from dashboard.guard import Guard, allowed_hosts
from skytier.settings.dashboard import DashboardSettings

# On a page below the root Streamlit looks for its server there first, is refused, and waits before it looks further.
_SERVER_URL = '<script>window.__streamlit = {BACKEND_BASE_URL: new URL(".", location).href}</script>'

_SCRIPT = Path(__file__).parent / "static" / "page.js"


def index_html() -> str:
    """Streamlit's page with the address of its server, where its scripts are, and the script of all pages."""
    streamlits = Path(st.__file__).with_name("static") / "index.html"
    added = f"{_SERVER_URL}\n    <script>{_SCRIPT.read_text(encoding='utf-8')}</script>"
    return streamlits.read_text(encoding="utf-8").replace("<head>", f"<head>\n    {added}", 1)


def app() -> st.App:
    """Streamlit's application with this page, behind a guard and beside the operators' page."""
    html = index_html()
    watch_processor()

    async def index(_: Request) -> HTMLResponse:
        return HTMLResponse(html, headers={"Cache-Control": "no-cache"})

    paths = ("/", *(f"/{page.path}" for page in PAGES))
    guard = Middleware(Guard, hosts=allowed_hosts(DashboardSettings()))
    routes = [*(Route(path, index) for path in paths), *operator_page.routes()]
    return st.App(Path(__file__).with_name("app.py"), routes=routes, middleware=[guard])
